"""The crash test stands on the harness of the HTTP tests."""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
for folder in (TESTS, TESTS / "http", TESTS / "crash"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

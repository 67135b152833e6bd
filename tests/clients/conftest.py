"""The tests of other people's clients stand on the harness of the HTTP tests."""

import subprocess
import sys
from pathlib import Path

import pytest

CLIENTS = Path(__file__).resolve().parent
for folder in (CLIENTS.parent, CLIENTS.parent / "http"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

from harness import Server  # noqa: E402  (found through the path set above)


@pytest.fixture(scope="session")
def installed():
    """The clients, in the versions of the lock file."""
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=CLIENTS, check=True,
                   timeout=300)


@pytest.fixture
def server(installed):
    with Server() as server:
        yield server

#!/usr/bin/env python3
"""Lists what has grown long: functions of more than 40 lines, files of more than 500. For information; always succeeds.

    sizes.py [ROOT]
"""

import pathlib
import re
import sys

FUNCTION_LINES = 40
FILE_LINES = 500


def functions(lines):
    """(name, first line, lines between the braces) of each function, in our format: the braces stand in column 0."""
    name, start = None, None
    for number, line in enumerate(lines, 1):
        match = re.match(r"[a-z].*?(\w+)\(", line)
        if match and not line.rstrip().endswith(";"):
            name = match.group(1)
        if line.rstrip() == "{" and name:
            start = number
        elif line.startswith("}") and start:
            yield name, start, number - start - 1
            name, start = None, None


def main(arguments):
    root = pathlib.Path(arguments[0]) if arguments else pathlib.Path(__file__).resolve().parents[2]
    total_lines = total_functions = long_functions = long_files = 0
    for top in ("server", "storage", "include", "cli", "tests", "bench"):
        for path in sorted((root / top).rglob("*.[ch]")):
            lines = path.read_text(encoding="utf-8").splitlines()
            total_lines += len(lines)
            if len(lines) > FILE_LINES:
                long_files += 1
                print(f"{path.relative_to(root)}: {len(lines)} lines")
            for name, start, length in functions(lines):
                total_functions += 1
                if length > FUNCTION_LINES:
                    long_functions += 1
                    print(f"{path.relative_to(root)}:{start}: {name} has {length} lines")
    print(
        f"{total_lines} lines of C, {total_functions} functions; "
        f"{long_functions} functions above {FUNCTION_LINES} lines, {long_files} files above {FILE_LINES}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

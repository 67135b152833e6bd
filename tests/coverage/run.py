#!/usr/bin/python3
"""Runs the tests on a build that counts, and tells how many of the branches of the rules and of the LMDB engine they take.

A branch is one outcome of one condition (clang's source-based coverage): `a && b` has four. Not counted, because no test can take them:
  - what an assert decides: it states an invariant of ours, which must hold;
  - conditions whose only consequence is abort(): memory is out.
Everything else counts, also answers of LMDB and of the system that are hard to bring about.

    run.py --build BUILD [--http] [--least PERCENT] [--missing FILE...]
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GROUPS = ["server/board", "storage/lmdb"]
LEAST_PERCENT = 90.0
TESTS = r"^(unit|contract|scenario)\."
TESTS_HTTP = r"^(unit|contract|scenario|http)\."
ABORTS = re.compile(r"\bif \((?P<condition>[^{;]*)\) \{\s*abort\(\);[^}]*\}")
ASSERTS = re.compile(r"\bassert\(")


def tool(name):
    return next((path for path in map(shutil.which, (f"{name}-14", name)) if path), name)


def run_tests(build, profiles, tests):
    """Each process adds its counts to a file of its program's; one that is killed counts nothing."""
    shutil.rmtree(profiles, ignore_errors=True)
    profiles.mkdir()
    environment = {**os.environ, "LLVM_PROFILE_FILE": str(profiles / "%2m.profraw")}
    command = ["ctest", "--test-dir", build, "--output-on-failure", "--no-label-summary", "--parallel", str(os.cpu_count()),
               "--tests-regex", tests]
    return subprocess.run(command, env=environment, check=False).returncode == 0


def counts(build, profiles):
    """{path below the root: {place: [times true, times false]}}. The server has every file of both groups; what other programs
    counted in the same functions is added to its counts. A header comes more than once: its counts are added up."""
    merged = profiles / "merged.profdata"
    subprocess.run([tool("llvm-profdata"), "merge", "-sparse", "-o", merged, *sorted(profiles.glob("*.profraw"))], check=True)
    command = [tool("llvm-cov"), "export", build / "bin/taskboardd", f"-instr-profile={merged}", "-skip-expansions"]
    exported = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    files = {}
    for file in exported["data"][0]["files"]:
        path = Path(file["filename"]).resolve()
        if any(path.is_relative_to(ROOT / group) for group in GROUPS):
            places = files.setdefault(path.relative_to(ROOT).as_posix(), {})
            for line, column, _, _, true_count, false_count, *_ in file["branches"]:
                times = places.setdefault((line, column), [0, 0])
                times[0] += true_count
                times[1] += false_count
    return files


def line_and_column(text, at):
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def end_of_call(text, at):
    """Behind the bracket that closes the one that opens in front of `at`."""
    depth = 1
    while depth > 0:
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return at


def excluded(text):
    """The stretches of a source whose conditions are not counted, as pairs of (line, column)."""
    asserts = [(found.start(), end_of_call(text, found.end())) for found in ASSERTS.finditer(text)]
    aborts = [found.span("condition") for found in ABORTS.finditer(text)]
    return [(line_and_column(text, start), line_and_column(text, end)) for start, end in asserts + aborts]


class Tally:
    def __init__(self):
        self.taken = self.all = 0
        self.missing = []

    def add(self, taken, place):
        self.all += 1
        self.taken += 1 if taken else 0
        if not taken:
            self.missing.append(place)

    def percent(self):
        return 100.0 * self.taken / self.all if self.all else 100.0


def tally_file(path, places):
    tally = Tally()
    stretches = excluded((ROOT / path).read_text(encoding="utf-8"))
    for place, (true_count, false_count) in sorted(places.items()):
        if any(start <= place < end for start, end in stretches):
            continue
        at = f"{path}:{place[0]}:{place[1]}"
        tally.add(true_count > 0, f"{at} is never true")
        tally.add(false_count > 0, f"{at} is never false")
    return tally


def tell(files, missing):
    """Prints the table; the totals by group."""
    totals = {group: Tally() for group in GROUPS}
    for path, places in sorted(files.items()):
        group = next(group for group in GROUPS if path.startswith(group + "/"))
        tally = tally_file(path, places)
        totals[group].taken += tally.taken
        totals[group].all += tally.all
        if tally.all:
            print(f"{path:40} {tally.taken:5} of {tally.all:5}  {tally.percent():5.1f} %")
        if any(name in path for name in missing):
            print("\n".join(f"    {place}" for place in tally.missing))
    return totals


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True, help="of the preset coverage")
    parser.add_argument("--http", action="store_true", help="run the tests over HTTP, too")
    parser.add_argument("--least", type=float, default=LEAST_PERCENT, help="fail below so many percent (%(default)s)")
    parser.add_argument("--missing", nargs="*", default=[], metavar="FILE", help="name the branches of these that nothing takes")
    parser.add_argument("--again", action="store_true", help="do not run the tests: tell of the last run")
    arguments = parser.parse_args()
    build, begun = arguments.build.resolve(), time.monotonic()
    profiles = build / "profiles"
    passed = arguments.again or run_tests(build, profiles, TESTS_HTTP if arguments.http else TESTS)
    totals = tell(counts(build, profiles), arguments.missing)
    for group, tally in totals.items():
        print(f"{group}: {tally.taken} of {tally.all} branches are taken, {tally.percent():.1f} %")
    low = [group for group, tally in totals.items() if tally.percent() < arguments.least]
    print(f"{'the tests passed' if passed else 'TESTS FAILED'}; below {arguments.least:g} %: {', '.join(low) or 'nothing'}; "
          f"{time.monotonic() - begun:.0f} s")
    return 0 if passed and not low else 1


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Fault sweep: every call of the storage path fails once, at each position.

For each kind of fault and n = 1, 2, … as long as there is an nth call, a server whose nth call fails runs a fixed script of
requests on a copy of a prepared store (kinds start-*: it fails while the server starts; empty-*: while it makes a new store).
Then: a clean error or a clean stop, never an acknowledgement that is not kept, never a damaged store; after a failed sync no
write is acknowledged any more and reads go on."""

import argparse
import os
import random
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "http"), str(TESTS / "faults")]

from control import DENY, FAULTS, SWALLOW, SYNC, WRITE, Fault  # noqa: E402
from harness import Refusal  # noqa: E402
from ledger import Broken  # noqa: E402
from story import GONE, Story, Tools  # noqa: E402

POSITIONS_MAX = 20_000
PAGES_TRIED = 4  # of a commit, by the control that swallows one: not every page is needed again
SHORT_POSITIONS = 8  # of each kind but those of syncs, which are tried all


class Tally:
    """What became of the positions of one kind."""

    def __init__(self, name):
        self.name, self.tried, self.struck, self.failures, self.seconds = name, 0, 0, [], 0.0

    def line(self):
        return f"{self.name:22} {self.tried:6} tried {self.struck:6} struck {len(self.failures):4} failed {self.seconds:8.1f} s"


def play(tools, fault, nth, armed_before=None):
    """(whether the fault struck, where, what is broken or None, how many calls there were)"""
    story, broken, count = Story(tools, fault, nth, armed_before), None, 0
    try:
        count = story.run()
    except (Broken, Refusal, AssertionError, KeyError, TypeError, *GONE) as error:  # a missing member is a broken promise, too
        broken = f"{type(error).__name__}: {error}"
    finally:
        struck, where = story.control.struck, story.control.where()
        try:
            story.close()
        except AssertionError as error:
            broken = broken or str(error)
    return struck, where, broken, count


def positions(arguments, fault, count):
    """Which calls are to fail, of `count` and some that there may be more."""
    first, last = arguments.positions
    last = min(last, count)
    step = arguments.stride
    if arguments.short and fault.calls != SYNC:
        step = max(1, -(-count // SHORT_POSITIONS))
        first += random.Random(f"{arguments.seed}/{fault.name}").randrange(step)
    return range(first, last + 1, step)


def sweep(tools, fault, arguments, pool):
    tally, begun = Tally(fault.name), time.monotonic()
    _, _, broken, count = play(tools, fault, 0)
    if broken:
        tally.failures.append(f"{fault.name}: nothing failed, and yet: {broken}")
        count = 0

    def take(nth, played):
        struck, where, broken, _ = played
        tally.tried += 1
        tally.struck += struck
        if broken:
            tally.failures.append(f"{fault.name} {nth}: {where}: {broken}")
            print(f"FAILED {tally.failures[-1][:3000]}", flush=True)
        return struck

    numbers = positions(arguments, fault, count)
    for nth, played in zip(numbers, pool.map(lambda nth: play(tools, fault, nth), numbers)):
        take(nth, played)
    if numbers.step == 1 and count and arguments.positions[1] > count:  # threads may make a call more or less
        for nth in range(count + 1, POSITIONS_MAX):
            if not take(nth, play(tools, fault, nth)):
                break
    tally.seconds = time.monotonic() - begun
    print(tally.line(), flush=True)
    return tally


SWALLOW_PAGE = Fault("swallow-page", WRITE, mode=SWALLOW)
SWALLOW_ROOT = Fault("swallow-root", SYNC, mode=SWALLOW)
DENY_SYNC = Fault("deny-sync", SYNC, mode=DENY)


def controls(tools):
    """Faults that lie: unless the sweep finds them, it proves nothing. They strike in the commit of the last request, which
    writes some pages, syncs, and writes the root."""
    tally, begun = Tally("controls"), time.monotonic()

    def lie(what, fault, nth, before):
        struck, where, broken, _ = play(tools, fault, nth, before)
        tally.tried += struck
        tally.struck += struck
        if broken:
            print(f"control: {what} ({where}) is found: {broken.splitlines()[0][:120]}")
        return struck, broken is not None

    def must_be_found(what, found):
        if not found:
            tally.failures.append(f"{what} was not found")
            print(f"FAILED control: {tally.failures[-1]}", flush=True)

    pages = [lie("a page that is said to be written and is not", SWALLOW_PAGE, nth, "last") for nth in range(1, PAGES_TRIED + 1)]
    must_be_found("a page that is said to be written and is not", any(found for _, found in pages))
    must_be_found("a root that is said to be written and is not", lie("a root likewise", SWALLOW_ROOT, 2, "last")[1])
    for nth in (1, 2):
        what = "a sync that fails and is said to have succeeded"
        must_be_found(what, lie(what, DENY_SYNC, nth, None)[1])
    tally.seconds = time.monotonic() - begun
    print(tally.line(), flush=True)
    return tally


def span(text):
    first, _, last = text.partition("..")
    return int(first), int(last or first)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=Path, required=True, help="the folder of taskboardd and faults_inject.so")
    parser.add_argument("--kinds", nargs="+", default=list(FAULTS), metavar="KIND",
                        help=f"which faults (all): names or parts of names of {', '.join(FAULTS)}")
    parser.add_argument("--positions", type=span, default=(1, POSITIONS_MAX), metavar="FROM..TO", help="only these (all)")
    parser.add_argument("--stride", type=int, default=1, help="only every so many of the positions (1)")
    parser.add_argument("--short", action="store_true", help=f"all positions of syncs, {SHORT_POSITIONS} of every other kind")
    parser.add_argument("--seed", default="1", help="with --short: which of them (1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="positions at a time (one a processor)")
    arguments = parser.parse_args()
    arguments.faults = [fault for name, fault in FAULTS.items() if any(part in name for part in arguments.kinds)]
    if not arguments.faults:
        parser.error(f"no kind is called {' or '.join(arguments.kinds)}")
    return arguments


def main():
    arguments, begun = parse(), time.monotonic()
    os.environ["TASKBOARDD"] = str(arguments.bin.resolve() / "taskboardd")
    print(__doc__.strip(), end="\n\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="taskboard-faults-") as folder, ThreadPoolExecutor(arguments.jobs) as pool:
        tools = Tools(Path(folder), arguments.bin.resolve())
        tallies = [sweep(tools, fault, arguments, pool) for fault in arguments.faults]
        tallies.append(controls(tools))
    failures = [failure for tally in tallies for failure in tally.failures]
    print(f"faults: {sum(tally.tried for tally in tallies)} positions tried, {len(failures)} failed, {time.monotonic() - begun:.0f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

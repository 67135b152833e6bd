#!/usr/bin/python3
"""Concurrent clients write to, and read from, a board that is killed and started again under them; afterwards the board's own
log is the witness of all that they saw (check.py).

The clients are played by consistency_load. Between its answers, at moments that the seed chooses, the server gets SIGKILL or
SIGTERM and is started again on the same port and folder.
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "http"))

import check  # noqa: E402
import controls  # noqa: E402
from final import save_final_state  # noqa: E402
from harness import TOKEN, Server  # noqa: E402

CONTROL_OPERATIONS = 4000
FLAGS = ("--retain-events", 0, "--retain-days", 0, "--drain-seconds", 2)


def say(text):
    print(f"consistency: {text}", flush=True)


def parse_options():
    parser = argparse.ArgumentParser(prog="./dev consistency", description=__doc__.split("\n\n")[0])
    parser.add_argument("--operations", type=int, default=1_000_000, help="how many requests are answered [1000000]")
    parser.add_argument("--clients", type=int, default=96, help="connections, each with one request under way [96]")
    parser.add_argument("--restarts", type=int, default=20, help="how often the server is killed or drained [20]")
    parser.add_argument("--seed", type=int, default=1, help="chooses what the clients do and when the server ends [1]")
    parser.add_argument("--controls", action="store_true", help="afterwards, falsify what was seen: each fault must be found")
    parser.add_argument("--keep", type=Path, help="keep the history, the log and the store in this new folder")
    parser.add_argument("--bin", type=Path, default=HERE.parents[1] / "build" / "release" / "bin", help="of taskboardd")
    return parser.parse_args()


class Load:
    """consistency_load, and how far it is."""

    def __init__(self, options, server, folder, lie=False):
        argv = [options.bin / "consistency_load", "--port", server.port, "--token", TOKEN, "--operations", options.operations,
                "--clients", options.clients, "--seed", options.seed, "--folder", folder, *(["--lie"] if lie else [])]
        self.process = subprocess.Popen(list(map(str, argv)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.answered = 0

    def reach(self, answers):
        """Waits until so many are answered. It tells now and then, and need not tell of its last answers before it ends."""
        while self.answered < answers:
            line = self.process.stdout.readline()
            if not line:
                assert self.process.wait() == 0, f"consistency_load ended with {self.process.returncode} after {self.answered} answers"
                return
            self.answered = int(line)

    def finish(self):
        self.process.stdout.read()
        assert self.process.wait() == 0, f"consistency_load ended with {self.process.returncode}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def restart(server, number):
    """Ends the server by that signal and starts it again where it was."""
    if number == signal.SIGKILL:
        server.kill()
    else:
        server.stop(number)
    server.start()


def run_load(options, server, folder, lie=False):
    """Returns how long it took, and how often the server was killed and drained."""
    chance = random.Random(options.seed)
    moments = sorted(chance.randrange(options.operations // 50, options.operations * 49 // 50) for _ in range(options.restarts))
    numbers = [signal.SIGTERM if i % 3 == 1 else signal.SIGKILL for i in range(options.restarts)]
    chance.shuffle(numbers)
    begun = time.monotonic()
    with Load(options, server, folder, lie) as load:
        for moment, number in zip(moments, numbers):
            load.reach(moment)
            time.sleep(chance.uniform(0, 0.02))  # between two lines of its progress, wherever that falls
            restart(server, number)
        load.finish()
    return time.monotonic() - begun, Counter(numbers)


def check_store(program, data):
    """The offline check of the store: all that is on disk fits together."""
    done = subprocess.run([program, "--check", "--data", data], capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else [f"taskboardd --check: {line}" for line in (done.stdout + done.stderr).splitlines()]


@contextlib.contextmanager
def scratch(options):
    if options.keep:
        options.keep.mkdir(parents=True)
        yield options.keep.resolve()
        return
    folder = Path(tempfile.mkdtemp(prefix="taskboard-consistency-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def record(options, folder, lie=False):
    """One run of the load, with all that the checker needs in that folder."""
    folder.mkdir(exist_ok=True)
    with Server(*FLAGS, data=folder / "data") as server:
        server.asked_port = server.port
        seconds, ends = run_load(options, server, folder, lie)
        save_final_state(server, folder)
    return seconds, ends


def run_controls(options, folder):
    """Two short recordings, of which one lies, and one is falsified in many ways; returns how many faults were not found."""
    short = argparse.Namespace(**{**vars(options), "operations": CONTROL_OPERATIONS, "restarts": 2})
    say(f"controls: {CONTROL_OPERATIONS} operations, falsified")
    record(short, folder / "controls")
    failed = controls.run(folder / "controls", say)
    record(short, folder / "lie", lie=True)
    return failed + controls.run_lie(folder / "lie", say)


def tell(violations):
    for violation in violations[:20]:
        say(f"VIOLATION {violation}")
    if len(violations) > 20:
        say(f"… and {len(violations) - 20} more")


def main():
    options = parse_options()
    options.bin = options.bin.resolve()
    os.environ["TASKBOARDD"] = str(options.bin / "taskboardd")
    begun = time.monotonic()
    with scratch(options) as folder:
        say(f"{options.operations} operations, {options.clients} clients, {options.restarts} restarts, seed {options.seed}")
        seconds, ends = record(options, folder)
        say(f"recorded in {seconds:.1f} s, {ends[signal.SIGKILL]} SIGKILL, {ends[signal.SIGTERM]} SIGTERM; checking")
        report = check.check(folder)
        report.violations += check_store(options.bin / "taskboardd", folder / "data")
        say("operations: " + ", ".join(f"{kind} {count}" for kind, count in sorted(report.counts.items())))
        say("looked at: " + ", ".join(f"{name} {count}" for name, count in sorted(report.looked.items())))
        tell(report.violations)
        failed = len(report.violations)
        if options.controls:
            failed += run_controls(options, folder)
    total = sum(report.counts.values())
    say(f"tried {total} operations over {sum(ends.values())} restarts, {report.looked['events']} events, failed {failed}, "
        f"{seconds:.0f} s of load, {time.monotonic() - begun:.0f} s in all")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""A fleet plays for as long as is wished, the server is restarted and killed meanwhile, and nothing may grow: memory, file descriptors, pages of the
store in use, the age of the oldest reader. In the end the store must be sound. With --controls it is shown that what grows is found out."""

import argparse
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "http")]

from fleet import Fleet  # noqa: E402  (found through the path set above)
from harness import Raw, Server, TOKEN, eventually  # noqa: E402

RETAINED_EVENTS = 5000
LOOK_SECONDS = 0.5
PIPE_BYTES = 1_000_000  # more than one takes
# What may be added between the second and the last quarter of the time, beside a tenth of what was there.
SLACK = {"memory_mb": 24, "descriptors": 40, "pages": 1000, "reader_age": 200}


def number_after(text, label):
    found = re.search(rf"{label}:\s*(\d+)", text)
    return int(found.group(1)) if found else 0


class Looks:
    """What was seen of the server, look by look."""

    def __init__(self, server):
        self.server = server
        self.seen = []

    def memory_mb(self, pid):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) / 1000
        raise OSError("this kernel does not tell RssAnon")

    def store(self):
        """Pages in use and how many transactions the oldest reader is behind, as LMDB's own tool sees them from outside."""
        run = subprocess.run(["mdb_stat", "-e", "-f", "-r", self.server.data], capture_output=True, text=True, check=True)
        used, free = number_after(run.stdout, "Number of pages used"), number_after(run.stdout, "Free pages")
        last = number_after(run.stdout, "Last transaction ID")
        readers = [int(match) for match in re.findall(r"^\s*\d+ [0-9a-f]+ (\d+)$", run.stdout, re.MULTILINE)]
        return used - free, max([last - txn for txn in readers if txn <= last], default=0)

    def look(self):
        """One look; nothing when the server went away meanwhile."""
        pid = self.server.process.pid
        try:
            memory, descriptors = self.memory_mb(pid), len(os.listdir(f"/proc/{pid}/fd"))
            pages, age = self.store()
        except (OSError, subprocess.CalledProcessError):
            return
        self.seen.append({"memory_mb": memory, "descriptors": descriptors, "pages": pages, "reader_age": age})

    def growth(self):
        """{what: (then, now, has it grown?)}, medians of the second and of the last quarter."""
        quarter = len(self.seen) // 4
        then, now = self.seen[quarter:2 * quarter], self.seen[-quarter:]
        found = {}
        for what, slack in SLACK.items():
            before = statistics.median(look[what] for look in then)
            after = statistics.median(look[what] for look in now)
            found[what] = (before, after, after > before * 1.1 + slack)
        return found


class Soak:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.restarts = 0
        self.server = Server("--retain-events", RETAINED_EVENTS, "--drain-seconds", "2")

    def restart(self):
        """Ends the server, kindly or not, and starts it again where the fleet looks for it."""
        if self.random.random() < 0.5:
            self.server.kill()
        else:
            self.server.send_signal(signal.SIGTERM)
            self.server.process.wait(60)
        self.server.start()
        self.restarts += 1

    def play(self, seconds):
        looks = Looks(self.server)
        ends = time.monotonic() + seconds
        next_restart = time.monotonic() + self.options.restart_seconds
        pause = threading.Event()
        while time.monotonic() < ends:
            if self.options.restart_seconds and time.monotonic() >= next_restart:
                self.restart()
                next_restart = time.monotonic() + self.options.restart_seconds
            if not self.server.is_up():
                raise AssertionError(f"the server is gone:\n{self.server.log()[-4000:]}")
            looks.look()
            pause.wait(LOOK_SECONDS)
        return looks

    def check_store(self):
        """What the offline check says, and whether it is content."""
        run = subprocess.run([self.options.bin / "taskboardd", "--check", "--data", self.server.data], capture_output=True, text=True,
                             env=self.server.env, timeout=600, check=False)
        return run.returncode == 0, (run.stdout + run.stderr).strip()

    def run(self):
        with self.server:
            self.server.asked_port = self.server.port
            fleet = Fleet(self.server.port, TOKEN, self.options.seed)
            fleet.start()
            try:
                looks = self.play(self.options.minutes * 60)
            finally:
                fleet.stop()
            self.server.stop()
            sound, said = self.check_store()
        return self.judge(looks, fleet, sound, said)

    def judge(self, looks, fleet, sound, said):
        failed = 0
        for what, (then, now, grown) in looks.growth().items():
            print(f"{what:12} {then:10,.1f} -> {now:10,.1f}  {'GROWS' if grown else 'flat'}")
            failed += grown
        refused = {status: count for status, count in fleet.refused().items() if status != 503}
        if refused:
            print(f"refused with {refused}")
        if not sound:
            print(f"the store is not sound: {said}")
        failed += bool(refused) + (not sound)
        print(f"soak: {fleet.requests():,} requests, {self.restarts} restarts, {len(looks.seen)} looks, {failed} failed, "
              f"{self.options.minutes * 60:.0f} s", flush=True)
        return failed


class OldReader(Soak):
    """A control: somebody keeps a snapshot open, so that pages cannot be used again."""

    def play(self, seconds):
        store = self.server.data / "data.mdb"
        eventually(lambda: store.stat().st_size > PIPE_BYTES, "the store to be larger than a pipe", 60)
        reader, writer = os.pipe()
        copy = subprocess.Popen(["mdb_copy", self.server.data], stdout=writer)  # whom nobody reads
        try:
            return super().play(seconds)
        finally:
            copy.kill()
            copy.wait()
            os.close(reader)
            os.close(writer)


class Leak(Soak):
    """A control: connections that nobody closes, a few more each second."""

    def play(self, seconds):
        done, kept = threading.Event(), []

        def open_more():
            while not done.wait(0.02):
                raw = Raw(self.server.port)
                raw.send(f"GET /events/stream HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")
                kept.append(raw)

        thread = threading.Thread(target=open_more, daemon=True)
        thread.start()
        try:
            return super().play(seconds)
        finally:
            done.set()
            thread.join()
            for raw in kept:
                raw.close()


def main(argv):
    parser = argparse.ArgumentParser(prog="./dev soak", description=__doc__)
    parser.add_argument("--bin", type=Path, required=True, help="folder of taskboardd")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--restart-seconds", type=float, default=20, help="between restarts; 0: none")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--controls", action="store_true", help="only show that growth is noticed")
    options = parser.parse_args(argv)
    os.environ["TASKBOARDD"] = str(options.bin / "taskboardd")
    if options.controls:
        options.restart_seconds = 0
        caught = bool(OldReader(options).run()) + bool(Leak(options).run())
        print(f"soak: 2 controls, {caught} caught")
        return 0 if caught == 2 else 1
    return 1 if Soak(options).run() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

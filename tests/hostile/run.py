#!/usr/bin/python3
"""Attacks a server, one attack after the other, while a worker goes on: its answers must come as if nothing were, and the server's memory must
stay bounded. With --controls it is shown that a server that does neither is found out."""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "http")]

from attacks import NAMES, SLOWHTTPTEST  # noqa: E402  (found through the path set above)
from harness import Server, TOKEN, eventually  # noqa: E402

CONNECTIONS = {"idle": 10_000, "never_reading": 300, "never_reading_stream": 1000, "bad_tokens": 2000, "leaving_claims": 2000, "half_closed": 2000}
USUAL_CONNECTIONS = 1000
SLOWHTTPTEST_CONNECTIONS = 4000
TASKS = 10_000  # of 1 KB: what readers are given to choke on
STOPPED_SECONDS = 0.3


def percentile(samples, share):
    return sorted(samples)[min(len(samples) - 1, int(len(samples) * share))] if samples else float("inf")


class Watch(threading.Thread):
    """The most memory of its own that the server had, and what it has now."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.most, self.done = pid, 0, threading.Event()

    def bytes_now(self):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
        raise OSError("this kernel does not tell RssAnon")

    def run(self):
        while not self.done.wait(0.05):
            self.most = max(self.most, self.bytes_now())


def file_descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Hostile:
    def __init__(self, options):
        self.options = options
        self.failed = 0
        self.tried = 0
        self.worst_ms = 0.0

    def start_probe(self, server):
        probe = subprocess.Popen([sys.executable, HERE / "probe.py", str(server.port), TOKEN], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True)
        assert probe.stdout.readline().strip() == "ready"
        return probe

    def attack(self, server, name):
        """Runs the attacker to its end; what it did."""
        if name == "stopped server":  # a control
            ends = time.monotonic() + self.options.seconds
            while time.monotonic() < ends:
                server.send_signal(signal.SIGSTOP)
                time.sleep(STOPPED_SECONDS)
                server.send_signal(signal.SIGCONT)
                time.sleep(STOPPED_SECONDS)
            return 0
        usual = SLOWHTTPTEST_CONNECTIONS if name in SLOWHTTPTEST else CONNECTIONS.get(name, USUAL_CONNECTIONS)
        command = [sys.executable, HERE / "attacks.py", name, "--port", str(server.port), "--token", TOKEN, "--seconds",
                   str(self.options.seconds), "--seed", str(self.options.seed), "--connections", str(int(usual * self.options.share))]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=self.options.seconds + 120, check=True)
        return int(done.stdout)

    def judge(self, name, strikes, found, watch):
        """Prints a row; the reasons why the server has failed, if it has."""
        health, claims = found["took"]["health"], found["took"]["claims"]
        row = [1000 * percentile(kind, share) for kind in (health, claims) for share in (0.5, 0.99)]
        memory_mb = watch.most / 1e6
        reasons = [f"the probe failed: {failure}" for failure in found["failures"][:3]]
        if max(row[1], row[3]) > self.options.p99_ms:
            reasons.append(f"p99 is over {self.options.p99_ms} ms")
        if memory_mb > self.options.memory_mb:
            reasons.append(f"memory is over {self.options.memory_mb} MB")
        if not health or not claims:
            reasons.append("the probe was not answered once")
        print(f"{name:22} {strikes:9,} {len(health) + len(claims):8,} {row[0]:9.1f} {row[1]:9.1f} {row[2]:9.1f} {row[3]:9.1f} {memory_mb:8.1f}  "
              f"{'; '.join(reasons) or 'ok'}", flush=True)
        self.worst_ms = max(self.worst_ms, row[1], row[3])
        return reasons

    def run(self, name):
        with Server() as server:
            client = server.client(check=False)
            for _ in range(TASKS // 1000):
                client.post("/board/tasks", [{"title": "t" * 1000, "createdBy": "hostile", "status": "blocked"}] * 1000)
            server.leave()
            before = file_descriptors(server.process.pid)
            watch = Watch(server.process.pid)
            watch.start()
            probe = self.start_probe(server)
            try:
                strikes = self.attack(server, name)
                out, _ = probe.communicate("\n", timeout=120)
            finally:
                probe.kill()
                probe.wait()
                watch.done.set()
                watch.join()
            reasons = self.judge(name, strikes, json.loads(out), watch)
            eventually(lambda: file_descriptors(server.process.pid) <= before + 2, "the attacker's connections to be closed", 90)
        return reasons

    def count(self, reasons):
        self.tried += 1
        self.failed += bool(reasons)


def main(argv):
    parser = argparse.ArgumentParser(prog="./dev hostile", description=__doc__)
    parser.add_argument("--bin", type=Path, required=True, help="folder of taskboardd")
    parser.add_argument("--attacks", default=",".join(NAMES), help="comma list; all: %(default)s")
    parser.add_argument("--seconds", type=int, default=10, help="of each attack")
    parser.add_argument("--share", type=float, default=1, help="of the usual number of connections")
    parser.add_argument("--p99-ms", type=float, default=100)
    parser.add_argument("--memory-mb", type=float, default=768)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--controls", action="store_true", help="only show that failures are noticed")
    options = parser.parse_args(argv)
    os.environ["TASKBOARDD"] = str(options.bin / "taskboardd")
    begun = time.monotonic()
    hostile = Hostile(options)
    print(f"{'attack':22} {'strikes':>9} {'answers':>8} {'health 50':>9} {'p99 ms':>9} {'claims 50':>9} {'p99 ms':>9} {'MB':>8}")
    if options.controls:
        late = hostile.run("stopped server")
        options.memory_mb = 1
        large = hostile.run("idle")
        caught = bool(late) + bool(large)
        print(f"hostile: 2 controls, {caught} caught, {time.monotonic() - begun:.0f} s")
        return 0 if caught == 2 else 1
    for name in options.attacks.split(","):
        hostile.count(hostile.run(name))
    print(f"hostile: {hostile.tried} attacks, {hostile.failed} failed, worst p99 {hostile.worst_ms:.1f} ms, {time.monotonic() - begun:.0f} s")
    return 1 if hostile.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

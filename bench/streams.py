#!/usr/bin/python3
"""Measures event streams: how soon the last of N subscribers has an event after its writer was answered, what that costs the writers,
and what an idle subscriber costs in memory. bench/streams.c plays subscribers and writers.

Rounds alternate between no subscribers and some, so that both see the same machine. docs/BENCHMARKS.md tells how to read the tables.
"""

import argparse
import itertools
import json
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from drive import HERE
from run import count_fdatasyncs, describe_machine
from servers import Board
from workload import BenchError

ROOT = HERE.parent
SUBSCRIBERS = (1, 100, 1000, 10000)
RATES = (10, 100, 1000)  # events a second
CODINGS = ("plain", "gzip")


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def parse_options(argv):
    parser = argparse.ArgumentParser(prog="./dev bench streams", description=__doc__.split("\n\n")[0])
    parser.add_argument("--subscribers", default=",".join(map(str, SUBSCRIBERS)), help="comma list")
    parser.add_argument("--rates", default=",".join(map(str, RATES)), help="events a second; comma list")
    parser.add_argument("--codings", default=",".join(CODINGS), help="what the subscribers ask for; comma list")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--writers", type=int, default=16)
    parser.add_argument("--data", type=Path, default=ROOT / "build" / "bench")
    parser.add_argument("--bin", type=Path, default=ROOT / "build" / "release" / "bin")
    options = parser.parse_args(argv)
    options.subscribers = [int(count) for count in options.subscribers.split(",")]
    options.rates = [int(rate) for rate in options.rates.split(",")]
    options.codings = options.codings.split(",")
    return options


def anonymous_bytes(pid):
    """What the process has of its own: not the pages of the store."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise BenchError("this kernel does not tell RssAnon")


class Bench:
    def __init__(self, options, scratch):
        self.options = options
        self.scratch = scratch
        self.token = secrets.token_hex(16)
        self.runs = 0
        self.rows, self.maximum, self.memory = [], [], {}

    def run(self, subscribers, rate, coding="plain"):
        """One server, one run of bench/streams; `rate` 0: as fast as they can."""
        self.runs += 1
        folder = self.scratch / str(self.runs)
        folder.mkdir()
        board = Board(self.options.bin / "taskboardd", folder, self.token, [])
        board.process.start()
        try:
            before = anonymous_bytes(board.process.popen.pid)
            argv = [self.options.bin / "streams", "--port", board.process.port, "--token", self.token, "--subscribers",
                    subscribers, "--coding", coding, "--rate", rate, "--writers", self.options.writers,
                    "--seconds", self.options.seconds]
            client = subprocess.Popen(list(map(str, argv)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      text=True)
            if client.stdout.readline().strip() != "ready":
                raise BenchError(f"streams: {client.stderr.read().strip()}")
            time.sleep(0.5)
            if subscribers:
                each = (anonymous_bytes(board.process.popen.pid) - before) / subscribers
                self.memory.setdefault((coding, subscribers), []).append(each)
            out, err = client.communicate("\n", timeout=self.options.seconds + 120)
            if client.returncode != 0:
                raise BenchError(f"streams: {err.strip()}")
            return json.loads(out)
        finally:
            board.process.stop()
            shutil.rmtree(folder, ignore_errors=True)

    def paced(self):
        for rate, subscribers, coding in itertools.product(self.options.rates, self.options.subscribers, self.options.codings):
            alone, watched = [], []
            for _ in range(self.options.rounds):
                alone.append(self.run(0, rate))
                try:
                    watched.append(self.run(subscribers, rate, coding))
                except BenchError as error:
                    say(f"{subscribers} subscribers, {coding}, {rate}/s: {error}")
            self.note(rate, subscribers, coding, alone, watched)

    def note(self, rate, subscribers, coding, alone, watched):
        row = {"rate": rate, "subscribers": subscribers, "coding": coding, "alone_p50": middle(alone, "write_p50_us"),
               "alone_p99": middle(alone, "write_p99_us")}
        if len(watched) == self.options.rounds:
            row |= {key: middle(watched, key) for key in ("write_p50_us", "write_p99_us", "last_p50_us", "last_p99_us")}
            say(f"{subscribers:,} subscribers, {coding}, {rate}/s: last p50 {row['last_p50_us'] / 1000:,.1f} ms, p99 "
                f"{row['last_p99_us'] / 1000:,.1f} ms")
        self.rows.append(row)

    def fastest(self):
        for subscribers, coding in itertools.product(self.options.subscribers, self.options.codings):
            alone, watched = [], []
            for _ in range(self.options.rounds):
                alone.append(self.run(0, 0)["per_second"])
                watched.append(self.run(subscribers, 0, coding)["per_second"])
            ratios = sorted(w / a for w, a in zip(watched, alone))
            self.maximum.append((subscribers, coding, statistics.median(alone), statistics.median(watched), ratios))
            say(f"{subscribers:,} subscribers, {coding}: writers {statistics.median(watched):,.0f}/s, x alone {statistics.median(ratios):.2f}")


def middle(samples, key):
    return statistics.median(sample[key] for sample in samples)


def ms(row, key):
    return f"{row[key] / 1000:,.1f}" if key in row else "behind"


def table(bench, machine):
    lines = ["Milliseconds from a writer's answer to the event's arrival at the last subscriber, and of a write:", "",
             "| subscribers | coding | events/s | last p50 | last p99 | write p50 | write p99 | alone p50 | alone p99 |",
             "|--:|:--|--:|--:|--:|--:|--:|--:|--:|"]
    for row in bench.rows:
        lines.append(f"| {row['subscribers']:,} | {row['coding']} | {row['rate']:,} | {ms(row, 'last_p50_us')} | {ms(row, 'last_p99_us')} "
                     f"| {ms(row, 'write_p50_us')} | {ms(row, 'write_p99_us')} | {ms(row, 'alone_p50')} | {ms(row, 'alone_p99')} |")
    lines += ["", "Writers as fast as they are answered, and memory of the process per idle subscriber:", "",
              "| subscribers | coding | alone/s | watched/s | ratio | bytes |", "|--:|:--|--:|--:|--:|--:|"]
    for subscribers, coding, alone, watched, ratios in bench.maximum:
        bytes_each = statistics.median(bench.memory[coding, subscribers])
        lines.append(f"| {subscribers:,} | {coding} | {alone:,.0f} | {watched:,.0f} | {statistics.median(ratios):.2f} "
                     f"({ratios[0]:.2f}–{ratios[-1]:.2f}) | {bytes_each:,.0f} |")
    lines += ["", f"{machine['cores']} cores, {machine['cpu']}, Linux {machine['kernel']}; fdatasync/s before "
                  f"{machine['fdatasync_before']:,.0f}, after {machine['fdatasync_after']:,.0f}"]
    return "\n".join(lines) + "\n"


def main(argv):
    options = parse_options(argv)
    options.data.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="streams-", dir=options.data))
    bench = Bench(options, scratch)
    try:
        machine = describe_machine(options.data)
        bench.paced()
        bench.fastest()
        machine["fdatasync_after"] = count_fdatasyncs(options.data)
    except (BenchError, OSError, subprocess.TimeoutExpired) as error:
        say(f"given up: {error}")
        return 1
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    text = table(bench, machine)
    print(text)
    (options.data / "streams.md").write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

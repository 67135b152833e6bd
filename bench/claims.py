#!/usr/bin/python3
"""Measures claims: whole cycles of create, claim and complete, draining, tags, board sizes, and how soon a waiting claim
is answered. bench/fleet.c plays the workers; the floor is the same traffic against floor_lmdb, one put a request.

Rounds alternate between floor and server, and between board sizes. docs/BENCHMARKS.md tells how to read the tables.
"""

import argparse
import json
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from drive import HERE
from run import count_fdatasyncs, describe_machine
from servers import Board, Process, clean_environment
from workload import BenchError, encode

ROOT = HERE.parent
ARRAY_TASKS = 1000
TAGS = 50
FLOOR_BODY_BYTES = 700  # about what a claimed task takes
CYCLE_CONNECTIONS = (1, 16, 64, 256)
DRAIN_TASKS = 100_000
WAITERS = (2, 64, 1000)
WAIT_TASKS = 2000


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def parse_options(argv):
    parser = argparse.ArgumentParser(prog="./dev bench claims", description=__doc__.split("\n")[0])
    parser.add_argument("--parts", default="cycle,drain,size,tag,wait", help="which of cycle,drain,size,tag,wait")
    parser.add_argument("--sizes", default="1000,1000000", help="comma list, for size and tag; 10000000 takes 15 GB")
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", type=Path, default=ROOT / "build" / "bench")
    parser.add_argument("--bin", type=Path, default=ROOT / "build" / "release" / "bin")
    options = parser.parse_args(argv)
    options.sizes = [int(size.replace("_", "")) for size in options.sizes.split(",")]
    options.parts = options.parts.split(",")
    return options


def make_array(number):
    """Lean tasks: what is measured is the claim. Every task has one of TAGS tags, all are ready."""
    return encode([
        {"title": f"build part {number} {n}", "createdBy": "bench", "tags": [f"tag-{(number + n) % TAGS:02}"]}
        for n in range(ARRAY_TASKS)
    ])


def fill(process, size):
    bodies = [make_array(number) for number in range(8)]
    with process.connect() as connection:
        for n in range(size // ARRAY_TASKS):
            answer = connection.request("POST", "/board/tasks", bodies[n % len(bodies)])
            if answer.status != 201:
                raise BenchError(f"filling was answered {answer.status}: {answer.body[:200]!r}")


class Bench:
    def __init__(self, options, scratch):
        self.options = options
        self.scratch = scratch
        self.token = secrets.token_hex(16)
        self.rows = []

    def board(self, name, size):
        folder = self.scratch / name
        folder.mkdir()
        board = Board(self.options.bin / "taskboardd", folder, self.token, [])
        board.process.start()
        if size > 0:
            say(f"filling a board with {size:,} tasks")
            fill(board.process, size)
        return board

    def floor(self):
        folder = self.scratch / "floor"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        argv = [self.options.bin / "floor_lmdb", "--data", folder / "data", "--status", "200",
                "--size", str(FLOOR_BODY_BYTES), "--record-bytes", str(FLOOR_BODY_BYTES), "--puts", "1"]
        process = Process(argv, clean_environment(), folder / "log", self.token, "/")
        process.start()
        return process

    def fleet(self, process, mode, connections, *more):
        argv = [self.options.bin / "fleet", "--port", str(process.port), "--token", self.token, "--mode", mode,
                "--connections", str(connections), *map(str, more)]
        cpu = process.cpu_seconds()
        done = subprocess.run(argv, capture_output=True, text=True, timeout=1200)
        if done.returncode != 0:
            raise BenchError(f"fleet: {done.stderr.strip()}")
        sample = json.loads(done.stdout)
        if sample["ops"] == 0:
            raise BenchError(f"{mode} did nothing")
        sample["cpu_us"] = (process.cpu_seconds() - cpu) * 1e6 / sample["ops"]
        return sample

    def note(self, row, samples, floors=None):
        middle = {key: statistics.median(s[key] for s in samples) for key in ("per_second", "p50_us", "p99_us", "cpu_us")}
        middle |= {"row": row}
        if floors:
            ratios = sorted(s["per_second"] / f["per_second"] for s, f in zip(samples, floors))
            middle |= {"floor": statistics.median(f["per_second"] for f in floors), "ratios": ratios}
        self.rows.append(middle)
        say(f"{row}: {middle['per_second']:,.0f}/s, p50 {middle['p50_us']:,.0f} us, p99 {middle['p99_us']:,.0f} us"
            + (f", x floor {statistics.median(ratios):.2f}" if floors else ""))

    # --- the parts ---

    def cycle(self):
        board = self.board("cycle", 1000)
        try:
            for connections in CYCLE_CONNECTIONS:
                samples, floors = [], []
                for _ in range(self.options.rounds):
                    floor = self.floor()
                    try:
                        floors.append(self.fleet(floor, "floor", connections, "--seconds", self.options.seconds))
                    finally:
                        floor.stop()
                    samples.append(self.fleet(board.process, "cycle", connections, "--seconds", self.options.seconds))
                self.note(f"create, claim, complete; {connections} connections", samples, floors)
        finally:
            board.process.stop()

    def drain(self):
        samples = []
        for n in range(self.options.rounds):
            board = self.board(f"drain{n}", DRAIN_TASKS)
            try:
                sample = self.fleet(board.process, "drain", 64, "--seconds", 600)
                if sample["ops"] != DRAIN_TASKS:
                    raise BenchError(f"{sample['ops']} of {DRAIN_TASKS} tasks were drained")
                samples.append(sample)
            finally:
                board.process.stop()
        self.note(f"drain of {DRAIN_TASKS:,}: complete with next; 64 connections", samples)

    def sizes(self, title, mode, *more):
        boards = {size: self.board(f"{mode}{size}{len(self.rows)}", size) for size in self.options.sizes}
        samples = {size: [] for size in boards}
        try:
            for _ in range(self.options.rounds):
                for size, board in boards.items():
                    samples[size].append(self.fleet(board.process, mode, 64, "--seconds", self.options.seconds, *more))
        finally:
            for board in boards.values():
                board.process.stop()
        for size, list_of in samples.items():
            self.note(f"{title}; {size:,} stored", list_of)

    def size(self):
        self.sizes("create, claim, complete", "cycle")

    def tag(self):
        self.sizes("the same by tag", "cycle", "--tag", "tag-07")

    def wait(self):
        for waiters in WAITERS:
            board = self.board(f"wait{waiters}", 0)
            try:
                samples = [
                    self.fleet(board.process, "wait", waiters + 1, "--seconds", 60, "--count", WAIT_TASKS)
                    for _ in range(self.options.rounds)
                ]
            finally:
                board.process.stop()
            self.note(f"create until a waiting claim has it; {waiters:,} wait", samples)


def table(bench, machine):
    lines = ["| row | floor/s | ours/s | ratio | p50 µs | p99 µs | CPU µs |", "|---|--:|--:|--:|--:|--:|--:|"]
    for row in bench.rows:
        floor, ratio = "–", "–"
        if "ratios" in row:
            ratios = row["ratios"]
            floor = f"{row['floor']:,.0f}"
            ratio = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f})"
        lines.append(f"| {row['row']} | {floor} | {row['per_second']:,.0f} | {ratio} | {row['p50_us']:,.0f} "
                     f"| {row['p99_us']:,.0f} | {row['cpu_us']:,.1f} |")
    lines.append("")
    lines.append(f"{machine['cores']} cores, {machine['cpu']}, Linux {machine['kernel']}; fdatasync/s before "
                 f"{machine['fdatasync_before']:,.0f}, after {machine['fdatasync_after']:,.0f}")
    return "\n".join(lines) + "\n"


def main(argv):
    options = parse_options(argv)
    options.data.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="claims-", dir=options.data))
    bench = Bench(options, scratch)
    try:
        machine = describe_machine(options.data)
        for part in options.parts:
            getattr(bench, part)()
        machine["fdatasync_after"] = count_fdatasyncs(options.data)
    except (BenchError, OSError, subprocess.TimeoutExpired) as error:
        say(f"given up: {error}")
        return 1
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    text = table(bench, machine)
    print(text)
    (options.data / "claims.md").write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

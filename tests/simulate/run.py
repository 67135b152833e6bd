#!/usr/bin/env python3
"""Runs the committer, a failing engine and its clients in one process under a virtual clock: tests/simulate/sim.h says how.

    run.py --bin BUILD/bin [--seed N] [--seeds COUNT] [--hours H] [--seconds S] [--controls]

Each seed is one history of H simulated hours. With --seconds further seeds follow until the time is over.
--controls plants faults in the engine, the clocks and the deliveries instead, and fails unless each is found in each of its seeds.
A broken promise ends the run with the seed, the step and the last things that happened; the same seed shows it again."""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import time

CONTROLS = {
    "dropped-commit": "the engine says OK and forgets a commit",
    "double-commit": "the engine says CONFLICT and has committed",
    "lost-delivery": "an answer does not arrive",
    "swapped-answers": "two clients get each other's answers",
    "late-turns": "the committer is woken a minute late",
    "clock-back": "both clocks jump back by ten minutes",
    "clock-ahead": "the machine's clock jumps ahead by twenty minutes",
}
CONTROL_SEEDS = range(1, 5)
CONTROL_HOURS = 48
PATIENCE_SECONDS = 600  # for one history

# the kinds of commands, in the order of enum tb_command_kind
KINDS = (
    "create patch delete note artifacts bump review approve reject claim claim_task heartbeat complete fail release cancel retry "
    "retry_many accept pause resume vm_register vm_put vm_patch vm_delete vm_heartbeat feed_publish feed_clear"
).split()

FIGURES = (
    "hours jobs batches events waited replayed conflicts unknowns unknowns_open downs fulls slow crashes drains starts refused_sends "
    "verified"
).split()


def simulate(program, seed, hours, control="none"):
    command = [program, "--seed", str(seed), "--hours", str(hours), "--control", control]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE_SECONDS, check=False)


def run_controls(program):
    missed = 0
    for control, what in CONTROLS.items():
        found = 0
        for seed in CONTROL_SEEDS:
            result = simulate(program, seed, CONTROL_HOURS, control)
            last = result.stdout.strip().rsplit("\n", 1)[-1]
            if result.returncode == 1 and "FAILED: " in last and ", 0 planted" not in last:
                found += 1
            else:
                print(f"MISSED: {control}, seed {seed}, status {result.returncode}: {last[:200]}")
        missed += len(CONTROL_SEEDS) - found
        print(f"{control}: {what}: found in {found} of the seeds {CONTROL_SEEDS[0]} to {CONTROL_SEEDS[-1]}")
    return missed


def add_up(sums, result):
    figures = json.loads(result.stdout)
    for name in FIGURES:
        sums[name] += figures[name]
    for code, count in figures["answers"].items():
        sums["answer " + code] += count
    for kind, count in figures["kinds"].items():
        sums["kind " + KINDS[int(kind)]] += count


def print_sums(sums):
    for name in FIGURES:
        print(f"{name:>16} {sums[name]:,}")
    for prefix in ("kind ", "answer "):
        pairs = sorted((name.removeprefix(prefix), count) for name, count in sums.items() if name.startswith(prefix))
        print(f"{prefix.strip()}s: " + ", ".join(f"{name} {count:,}" for name, count in pairs))


def run_seeds(program, first, count, hours, seconds):
    """`count` seeds, and further ones until the time is over, one a processor at a time; returns the figures and how many failed."""
    sums = collections.Counter()
    end = time.monotonic() + seconds
    failed = 0

    def goes_on(seed):
        return failed == 0 and (seed < first + count or time.monotonic() < end)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        pending = set()
        seed = first
        while pending or goes_on(seed):
            while len(pending) < os.cpu_count() and goes_on(seed):
                pending.add(pool.submit(simulate, program, seed, hours))
                seed += 1
            done, pending = concurrent.futures.wait(pending, return_when=concurrent.futures.FIRST_COMPLETED)
            for result in (future.result() for future in done):
                sums["seeds"] += 1
                if result.returncode == 0:
                    add_up(sums, result)
                else:
                    failed += 1
                    print(result.stdout, f"status {result.returncode}", sep="")
    return sums, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="the folder of the program `simulate`")
    parser.add_argument("--seed", type=int, default=1, help="the first history; default 1")
    parser.add_argument("--seeds", type=int, default=1, help="how many histories; default 1")
    parser.add_argument("--hours", type=int, default=200, help="simulated hours of each; default 200")
    parser.add_argument("--seconds", type=float, default=0, help="go on with further seeds for so long")
    parser.add_argument("--controls", action="store_true", help="plant faults, and fail unless they are found")
    options = parser.parse_args()
    program = str(options.bin / "simulate")
    began = time.monotonic()
    missed = run_controls(program) if options.controls else 0
    sums, failed = run_seeds(program, options.seed, options.seeds, options.hours, options.seconds)
    took = time.monotonic() - began
    print_sums(sums)
    rate = sums["hours"] / took * 60
    print(
        f"{sums['seeds']} histories from seed {options.seed} on, {sums['hours']:,} simulated hours, {sums['jobs']:,} requests: "
        f"{failed} failed, {missed} planted faults missed; {took:.1f} s, {rate:,.0f} simulated hours a minute"
    )
    return 1 if failed or missed else 0


if __name__ == "__main__":
    sys.exit(main())

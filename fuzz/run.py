#!/usr/bin/python3
"""Fuzzes the board: each target with libFuzzer, its dictionary and the kept corpus, for a while.

The fuzzer works on a copy of the corpus; --merge writes back what covers something new. A crash, a leak, a
failed check, an input that takes too long or too much memory fails the run, and its input is kept in --findings.
--controls runs targets in which a fault was planted (fuzz/faults/): each must be found.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
PREFIX = "fuzz_"
CONTROL_PREFIX = "control_"
INPUT_SECONDS_MAX = 10
MEMORY_MB_MAX = 2048
SPARE_SECONDS = 90  # that a fuzzer may take beyond its time: start, replay of the corpus, leak check
INPUT_BYTES_MAX = {"server": 8192, "command": 4096, "record": 4096, "page": 8192, "store": 512}
INPUT_BYTES_MAX_OTHERS = 2048
CONTROL_INPUT_SECONDS = 2
LAST_LINES = 30

DONE = re.compile(r"^#(\d+)\s+DONE\s+cov: (\d+) ft: (\d+)", re.M)
STATUS = re.compile(r"^#(\d+)\s+\w+\s+cov: (\d+) ft: (\d+)", re.M)
REASON = re.compile(r"this does not hold: .*|does not verify: .*|error: Failure!|runtime error: .*|ERROR: [^\n]*")
ADDED = re.compile(r"^stat::new_units_added:\s+(\d+)", re.M)


@dataclass
class Result:
    name: str
    runs: int = 0
    coverage: int = 0
    features: int = 0
    added: int = 0
    seconds: float = 0
    findings: list = field(default_factory=list)
    why: str = ""  # the last lines of a run that failed
    reason: str = ""  # the line of them that says most

    @property
    def failed(self):
        return bool(self.why)


def say(text):
    print(text, flush=True)


def parse_options(argv):
    parser = argparse.ArgumentParser(prog="./dev fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=Path, required=True, help="folder of the programs")
    parser.add_argument("--targets", default="", help="comma list (json,command); all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--jobs", type=int, default=2, help="how many targets at a time (2)")
    parser.add_argument("--seed", type=int, default=0, help="of the mutations; 0: another one each time")
    parser.add_argument("--deep", action="store_true", help="look at the values that are compared, too: slower, and goes further")
    parser.add_argument("--merge", action="store_true", help="write new inputs back to fuzz/corpus, minimised")
    parser.add_argument("--controls", action="store_true", help="only the targets with planted faults: each must be found")
    parser.add_argument("--ci", action="store_true", help="the controls and then all targets")
    parser.add_argument("--findings", type=Path, default=None, help="folder for failing inputs and logs (BIN/../findings)")
    parser.add_argument("--list", action="store_true", help="show the targets and end")
    options = parser.parse_args(argv)
    options.bin = options.bin.resolve()
    options.findings = (options.findings or options.bin.parent / "findings").resolve()
    return options


def programs(options, prefix):
    names = sorted(path.name.removeprefix(prefix) for path in options.bin.glob(prefix + "*") if os.access(path, os.X_OK))
    wanted = [name for name in options.targets.split(",") if name]
    if prefix == PREFIX and set(wanted) - set(names):
        sys.exit(f"there is no target {', '.join(sorted(set(wanted) - set(names)))}; there are {', '.join(names)}")
    return [name for name in names if not wanted or name in wanted or name.split("_")[0] in wanted]


def environment():
    """Without what somebody has set for other programs."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("TASKBOARD", "VERS_"))}
    environ["ASAN_OPTIONS"] = "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:handle_abort=1"
    environ["UBSAN_OPTIONS"] = "print_stacktrace=1:halt_on_error=1"
    environ["LSAN_OPTIONS"] = "print_suppressions=0"
    return environ


def command_of(options, program, target, folders, seconds, artifacts):
    command = [
        str(options.bin / program), f"-max_total_time={seconds}", f"-timeout={INPUT_SECONDS_MAX}", f"-rss_limit_mb={MEMORY_MB_MAX}",
        f"-max_len={INPUT_BYTES_MAX.get(target, INPUT_BYTES_MAX_OTHERS)}", f"-artifact_prefix={artifacts}/", "-print_final_stats=1",
        f"-use_value_profile={int(options.deep)}", f"-seed={options.seed}",
    ]
    dictionary = HERE / "dictionary" / f"{target}.dict"
    if dictionary.exists():
        command.append(f"-dict={dictionary}")
    return command + [str(folder) for folder in folders]


def run_program(command, folder, seconds):
    """What it printed, and whether it ended well; one that does not end is killed."""
    process = subprocess.Popen(command, cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    try:
        output, _ = process.communicate(timeout=seconds + SPARE_SECONDS)
        return output.decode("utf-8", "replace"), process.returncode == 0
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
        return output.decode("utf-8", "replace") + "\nkilled: it did not end\n", False


def scratch_of(target, scratch):
    """Copies of the kept corpus, and an empty folder for what is new."""
    kept, new = scratch / "kept", scratch / "new"
    shutil.copytree(HERE / "corpus" / target, kept)
    new.mkdir()
    return new, kept


def keep_findings(options, name, artifacts, output):
    folder = options.findings / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "log").write_text(output, encoding="utf-8")
    kept = []
    for path in sorted(artifacts.iterdir()):
        shutil.copy(path, folder / path.name)
        kept.append(folder / path.name)
    return kept


def fuzz(options, target, program=None, extra=(), seconds=None):
    name = program or PREFIX + target
    seconds = seconds or options.seconds
    result = Result(name)
    with tempfile.TemporaryDirectory(prefix="taskboard-fuzz-") as scratch:
        scratch = Path(scratch)
        artifacts = scratch / "artifacts"
        artifacts.mkdir()
        new, kept = scratch_of(target, scratch)
        started = time.monotonic()
        output, good = run_program(command_of(options, name, target, [new, kept], seconds, artifacts) + list(extra), scratch, seconds)
        result.seconds = time.monotonic() - started
        numbers = DONE.findall(output) or STATUS.findall(output)
        if numbers:
            result.runs, result.coverage, result.features = map(int, numbers[-1])
        added = ADDED.search(output)
        result.added = int(added[1]) if added else 0
        if not good or any(artifacts.iterdir()):
            result.why = "\n".join(output.splitlines()[-LAST_LINES:])
            reason = REASON.search(output)
            result.reason = reason[0] if reason else ""
            result.findings = keep_findings(options, name, artifacts, output) if not program else list(artifacts.iterdir())
        elif options.merge and not program:
            merge(options, target, new)
    return result


def merge(options, target, new):
    """Makes the kept corpus a small one that takes every branch that it and the new inputs take; how often does not count.
    Seeds and regressions stay."""
    corpus = HERE / "corpus" / target
    with tempfile.TemporaryDirectory(prefix="taskboard-fuzz-") as scratch:
        merged = Path(scratch) / "merged"
        merged.mkdir()
        command = [str(options.bin / (PREFIX + target)), "-set_cover_merge=1", "-use_counters=0", f"-timeout={INPUT_SECONDS_MAX}",
                   f"-max_len={INPUT_BYTES_MAX.get(target, INPUT_BYTES_MAX_OTHERS)}", str(merged), str(corpus), str(new)]
        output, good = run_program(command, scratch, options.seconds)
        if not good:
            sys.exit(f"the merge of {target} failed:\n{output[-2000:]}")
        for path in corpus.iterdir():
            if not path.name.startswith(("regression", "seed")):
                path.unlink()
        kept = {path.read_bytes() for path in corpus.iterdir()}
        for path in merged.iterdir():
            if path.read_bytes() not in kept:
                shutil.copy(path, corpus / path.name)


def show(result):
    mark = "FAILED" if result.failed else "ok"
    say(f"{result.name:28} {mark:6} {result.runs:>10,} runs  cov {result.coverage:>5}  ft {result.features:>6}  "
        f"new {result.added:>4}  {result.seconds:5.0f} s")
    if result.failed:
        say(result.why)
        say(result.reason)
        for path in result.findings:
            say(f"    {path}")


def run_targets(options):
    targets = programs(options, PREFIX)
    with ThreadPoolExecutor(options.jobs) as pool:
        results = []
        for result in pool.map(lambda target: fuzz(options, target), targets):
            show(result)
            results.append(result)
    return results


def run_controls(options):
    """Each in turn: True when the planted fault was found."""
    def run(name):
        target = name.split("_")[0]
        return fuzz(options, target, CONTROL_PREFIX + name, ["-timeout=%d" % CONTROL_INPUT_SECONDS] if name.endswith("_hang") else ())
    missed = 0
    names = programs(options, CONTROL_PREFIX)
    with ThreadPoolExecutor(options.jobs) as pool:
        for result in pool.map(run, names):
            found = result.failed
            missed += not found
            say(f"{result.name:28} {'found' if found else 'MISSED':6} after {result.seconds:.0f} s, {result.runs:,} runs"
                f"{': ' if result.reason else ''}{result.reason[:100]}")
    return len(names), missed


def main(argv):
    options = parse_options(argv)
    if options.list:
        say("\n".join(programs(options, PREFIX)))
        return 0
    started = time.monotonic()
    controls, missed, results = 0, 0, []
    if options.controls or options.ci:
        controls, missed = run_controls(options)
        if controls == 0:
            say("there are no controls: the instrument is not to be believed")
            missed = 1
    if not options.controls:
        results = run_targets(options)
    failed = [result for result in results if result.failed]
    say(f"fuzz: {len(results)} targets, {sum(result.runs for result in results):,} runs, {len(failed)} failed; "
        f"{controls} planted faults, {missed} missed; {time.monotonic() - started:.0f} s")
    return 1 if failed or missed or not (results or controls) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

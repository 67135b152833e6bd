#!/usr/bin/python3
"""Measures taskboardd against floors: servers that do the least that could give the same bytes, or the same durability.

Every row is driven in alternation, floor and server and then the next size, so that all figures of a round come from the
same minute of the same machine. docs/BENCHMARKS.md tells how to read the table.
"""

import argparse
import json
import os
import platform
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import report
from drive import run_wrk
from rows import ROWS
from servers import Board, Process, clean_environment
from workload import BenchError, preload, write_pools

ROOT = Path(__file__).resolve().parent.parent
RESTORE_TASKS_MAX = 20_000  # a board so small would not stay so under writes: it is put back before each run
STARTS = 3


@dataclass
class Stage:
    """A filled board of one size."""

    size: int
    folder: Path
    board: Board
    ids: list
    ids_path: Path
    pools: dict
    facts: dict  # for the report

    def ids_path_of(self, shot):
        """The file of the ids that are asked for."""
        if shot.newest is None:
            return self.ids_path
        path = self.folder / f"ids.{shot.newest}"
        path.write_bytes(b"".join(one.encode() + b"\n" for one in self.ids[-shot.newest:]))
        return path

    def restores(self):
        return self.size <= RESTORE_TASKS_MAX


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def parse_options(argv):
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="1,000 and 100,000 tasks, runs of 1 s")
    parser.add_argument("--rows", default="", help="comma list of rows, or beginnings of rows: get,create,page_")
    parser.add_argument("--sizes", default="", help="comma list of numbers of stored tasks (1000,1000000)")
    parser.add_argument("--seconds", type=int, default=0, help="of each run (3)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2, help="of wrk")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, default=ROOT / "build" / "bench",
                        help="folder for stores and results; its disk is the one measured")
    parser.add_argument("--bin", type=Path, default=ROOT / "build" / "release" / "bin", help="folder of the programs")
    parser.add_argument("--server-arg", action="append", default=[], help="one more argument for taskboardd; repeatable")
    parser.add_argument("--keep", action="store_true", help="leave the stores and logs behind")
    parser.add_argument("--list", action="store_true", help="show the rows and end")
    options = parser.parse_args(argv)
    options.seconds = options.seconds or (1 if options.quick else 3)
    sizes = options.sizes or ("1000,100000" if options.quick else "1000,1000000")
    options.sizes = sorted({int(size.replace("_", "")) for size in sizes.split(",")})
    wanted = [name for name in options.rows.split(",") if name]
    unknown = [name for name in wanted if not any(row.key.startswith(name) for row in ROWS)]
    if unknown:
        parser.error(f"no such row: {', '.join(unknown)}")
    exact = {row.key for row in ROWS} & set(wanted)
    options.rows = [
        row for row in ROWS
        if not wanted or row.key in exact or any(row.key.startswith(name) for name in wanted if name not in exact)
    ]
    if min(options.sizes) < 2 or options.rounds < 1 or options.seconds < 1:
        parser.error("sizes are at least 2, rounds and seconds at least 1")
    return options


def check_programs(options):
    missing = [name for name in ("taskboardd", "floor_http", "floor_lmdb") if not (options.bin / name).exists()]
    if missing:
        raise BenchError(f"not built: {', '.join(missing)} in {options.bin}")
    if shutil.which("wrk") is None:
        raise BenchError("wrk is not installed")


# --- the machine ---


def count_fdatasyncs(folder, seconds=1.0):
    """How often a second 4 KiB can be made durable."""
    path = folder / "fdatasync"
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.pwrite(fd, b"x" * 4096, 0)
        os.fsync(fd)
        count = 0
        begin = time.perf_counter()
        while time.perf_counter() - begin < seconds:
            os.pwrite(fd, bytes([count % 256]) * 4096, 0)
            os.fdatasync(fd)
            count += 1
        return count / (time.perf_counter() - begin)
    finally:
        os.close(fd)
        path.unlink()


def describe_machine(folder):
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    kind = subprocess.run(["stat", "-f", "-c", "%T", folder], capture_output=True, text=True, check=True)
    return {
        "cores": os.cpu_count(),
        "cpu": models[0].partition(":")[2].strip() if models else platform.machine(),
        "kernel": platform.release(),
        "filesystem": kind.stdout.strip(),
        "fdatasync_before": count_fdatasyncs(folder),
    }


# --- boards ---


def fill_board(size, folder, token, options):
    folder.mkdir()
    board = Board(options.bin / "taskboardd", folder, token, options.server_arg)
    try:
        return prepare_stage(size, folder, board, token, options)
    except BaseException:
        board.process.stop()
        raise


def prepare_stage(size, folder, board, token, options):
    say(f"filling a board with {size:,} tasks")
    board.process.start()
    begin = time.perf_counter()
    ids = preload(board.process.port, token, size, options.seed)
    facts = {"size": size, "preload_per_second": size / (time.perf_counter() - begin)}
    board.process.stop()
    facts["disk_bytes"] = board.disk_bytes()
    facts["start_ms"] = []
    for _ in range(STARTS):
        board.process.stop()
        facts["start_ms"].append(board.process.start())
    facts["memory_started"] = board.process.memory_kib()
    ids_path = folder / "ids"
    ids_path.write_bytes(b"".join(one + b"\n" for one in ids))
    stage = Stage(size, folder, board, [one.decode() for one in ids], ids_path, {}, facts)
    stage.pools = write_pools(folder, options.seed, stage.ids[0])
    if stage.restores():
        board.process.stop()
        board.snapshot()
        board.process.start()
    return stage


def note_memory(stage, which):
    """Keeps the highest of each figure."""
    known = stage.facts.setdefault(which, {})
    for name, kib in stage.board.process.memory_kib().items():
        known[name] = max(known.get(name, 0), kib)


# --- runs ---


def copied_headers(answer):
    """What the floor must send to send as much: all but what h2o makes itself."""
    made = ("connection", "content-length", "transfer-encoding", "date")
    return [f"{name}: {value}" for name, value in answer.headers if name.lower() not in made]


def floor_process(row, stage, shot, options, token):
    body_path = stage.folder / "floor.body"
    body_path.write_bytes(shot.answer.body)
    argv = [options.bin / f"floor_{row.floor}", "--status", str(shot.status), "--body", body_path]
    for header in copied_headers(shot.answer):
        argv += ["--header", header]
    if row.floor == "lmdb":
        data = stage.folder / "floor"
        if stage.restores():
            shutil.rmtree(data, ignore_errors=True)
        argv += ["--data", data, "--ids", stage.ids_path, "--puts", str(row.per_request)]
        argv += ["--record-bytes", str(len(shot.answer.body) // row.per_request)]
        argv += ["--keys", "path"] if row.keys_from_path else []
    return Process(argv, clean_environment(), stage.folder / "floor.log", token, "/")


def probe_floor(process, shot, stage):
    """The bytes of the floor's answer: h2o's own headers differ."""
    with process.connect() as connection:
        answer = connection.request(shot.method, shot.path.replace("{id}", stage.ids[0]))
    if (answer.status, answer.body) != (shot.status, shot.answer.body):
        raise BenchError(f"the floor's answer is not that of the server: {answer.status} {answer.body[:100]!r}")
    return answer.wire_bytes


def run_floor(row, stage, shot, options, token):
    process = floor_process(row, stage, shot, options, token)
    try:
        process.start()
        its_shot = replace(shot, wire_bytes=probe_floor(process, shot, stage))
        sample = run_wrk(process, its_shot, options, stage.ids_path_of(shot), row.connections)
        if row.floor == "lmdb":
            with process.connect() as connection:
                counts = connection.request("GET", "/").json()
            if counts["puts"] < sample["requests"] * row.per_request:
                raise BenchError(f"the floor made only {counts['puts']} puts for {sample['requests']} requests")
            sample["puts_per_commit"] = counts["puts"] / counts["commits"]
        return sample
    finally:
        process.stop()


def run_ours(row, stage, shot, options):
    board = stage.board
    if row.writes and stage.restores():
        board.restore()
    head_before = board.head_seq() if row.writes else 0
    sample = run_wrk(board.process, shot, options, stage.ids_path_of(shot), row.connections)
    if row.writes:
        events = board.head_seq() - head_before
        acknowledged = sample["requests"] * row.per_request
        if events < acknowledged * row.events_per_task:
            raise BenchError(f"{acknowledged} writes were acknowledged, but the log grew by {events} events only")
    note_memory(stage, "memory_written" if row.writes else "memory_read")
    board.process.forget_log()
    return sample


def measure_row(row, stages, options, token):
    """Returns a measurement for each stage. What fails at one size is not tried there again."""
    shots, measurements = {}, []
    for stage in stages:
        measurement = {"row": row.key, "size": stage.size, "rounds": []}
        measurements.append(measurement)
        try:
            shots[stage.size] = shot = row.prepare(stage)
            measurement |= {"body_bytes": len(shot.answer.body), "page": shot.page}
        except (BenchError, OSError, ValueError, KeyError) as error:
            measurement["error"] = str(error) or repr(error)
    for _ in range(options.rounds):
        for stage, measurement in zip(stages, measurements):
            if "error" in measurement:
                continue
            shot = shots[stage.size]
            try:
                floor = run_floor(row, stage, shot, options, token) if row.floor else None
                measurement["rounds"].append({"floor": floor, "ours": run_ours(row, stage, shot, options)})
            except (BenchError, OSError, ValueError, KeyError, subprocess.TimeoutExpired) as error:
                measurement["error"] = str(error) or repr(error)
    for stage in stages:
        stage.board.process.check_alive()
    return measurements


def describe_measurement(measurement):
    if "error" in measurement:
        return f"INVALID: {measurement['error']}"
    ours = report.middle(measurement, "ours", "per_second") * report.ROWS_BY_KEY[measurement["row"]].per_request
    return f"{ours:,.0f}/s, × floor {report.spread(report.ratios(measurement))}"


def measure(options, scratch, results):
    token = secrets.token_hex(16)
    stages = []
    try:
        for size in options.sizes:
            stages.append(fill_board(size, scratch / str(size), token, options))
        for row in options.rows:
            for measurement in measure_row(row, stages, options, token):
                results["measurements"].append(measurement)
                say(f"{row.title}, {measurement['size']:,} stored: {describe_measurement(measurement)}")
                if "error" in measurement:
                    results["errors"].append(f"{row.title}, {measurement['size']:,} stored: {measurement['error']}")
    finally:
        for stage in stages:
            stage.board.process.stop()
            for which in ("memory_read", "memory_written"):
                stage.facts.setdefault(which, stage.facts["memory_started"])
            results["boards"].append(stage.facts)


def write_results(options, results):
    text = report.markdown(results)
    print(text)
    (options.data / "results.md").write_text(text)
    results["budgets"] = report.budgets(results)
    (options.data / "results.json").write_text(json.dumps(results, indent=1))


def main(argv):
    options = parse_options(argv)
    if options.list:
        for row in ROWS:
            print(f"{row.key:24} {row.title}")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: stopped"))
    options.data.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="run-", dir=options.data))
    shown = {name: getattr(options, name) for name in ("seconds", "rounds", "connections", "threads", "seed", "server_arg")}
    results = {"sizes": options.sizes, "options": shown, "measurements": [], "boards": [], "errors": []}
    try:
        check_programs(options)
        results["machine"] = describe_machine(options.data)
        measure(options, scratch, results)
        results["machine"]["fdatasync_after"] = count_fdatasyncs(options.data)
    except (BenchError, OSError, KeyboardInterrupt) as error:
        error = error if str(error) else repr(error)
        say(f"given up: {error}")
        results["errors"].append(f"given up: {error}")
        results.get("machine", {}).setdefault("fdatasync_after", 0)
    finally:
        if not options.keep:
            shutil.rmtree(scratch, ignore_errors=True)
    if results["measurements"]:
        write_results(options, results)
    return 1 if results["errors"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

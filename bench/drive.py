"""One run of wrk against one server, and whether its figure can be believed."""

import json
import os
import subprocess
from pathlib import Path

from servers import disk_written_bytes
from workload import BenchError

HERE = Path(__file__).resolve().parent
TIMEOUT_SECONDS = 5
WIRE_BYTES_TOLERANCE = 0.25  # a 200 where a 304 is due, or an error, is farther off than that


def run_wrk(process, shot, options, ids_path, connections=None):
    connections = connections or options.connections
    env = {name: value for name, value in os.environ.items() if not name.startswith("BENCH_")} | {
        "BENCH_DIR": str(HERE),
        "BENCH_TOKEN": process.token,
        "BENCH_METHOD": shot.method,
        "BENCH_PATH": shot.path,
        "BENCH_IDS": str(ids_path),
        "BENCH_SEED": str(options.seed),
    }
    if shot.bodies:
        env["BENCH_BODIES"] = str(shot.bodies)
    if shot.etag:
        env["BENCH_ETAG"] = shot.etag
    threads = min(options.threads, connections)
    argv = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{options.seconds}s", "--timeout", f"{TIMEOUT_SECONDS}s"]
    argv += ["-s", str(HERE / shot.script), f"http://127.0.0.1:{process.port}/"]

    cpu_before, written_before = process.cpu_seconds(), disk_written_bytes(options.data)
    result = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=options.seconds + 120)
    process.check_alive()
    sample = _read_result(result, shot, process.name())
    sample["cpu_us"] = (process.cpu_seconds() - cpu_before) * 1e6 / sample["requests"]
    if written_before is not None:
        sample["written_bytes"] = (disk_written_bytes(options.data) - written_before) / sample["requests"]
    return sample


def _read_result(result, shot, server):
    lines = [line for line in result.stdout.splitlines() if line.startswith("BENCH ")]
    if result.returncode != 0 or not lines:
        raise BenchError(f"wrk failed on {server}: {result.stderr.strip()[-500:]} {result.stdout.strip()[-500:]}")
    counted = json.loads(lines[0].removeprefix("BENCH "))
    errors = {kind: counted[kind] for kind in ("connect", "read", "write", "status", "timeout") if counted[kind]}
    if errors:
        raise BenchError(f"{server}: wrk counted errors: {errors}")
    requests = counted["requests"]
    if requests == 0:
        raise BenchError(f"{server}: not a single request was answered")
    wire_bytes = counted["bytes"] / requests
    if abs(wire_bytes - shot.wire_bytes) > WIRE_BYTES_TOLERANCE * shot.wire_bytes:
        raise BenchError(
            f"{server}: answers had {wire_bytes:.0f} bytes on average, not {shot.wire_bytes:.0f}: not all were {shot.status}"
        )
    return {
        "requests": requests,
        "per_second": requests / (counted["duration_us"] / 1e6),
        "p50_us": counted["p50_us"],
        "p99_us": counted["p99_us"],
        "max_us": counted["max_us"],
    }

"""The processes under test: starting, stopping, and what the kernel knows of them."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from httpclient import Connection
from workload import BenchError

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
START_SECONDS_MAX = 120
STOP_SECONDS_MAX = 30


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def disk_written_bytes(folder):
    """What the disk of the folder has been told to write, by anybody; None where the kernel does not tell (overlays)."""
    device = os.stat(folder).st_dev
    path = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat")
    return int(path.read_text().split()[6]) * 512 if path.exists() else None


class Process:
    """A server on a free port of its own. `ready_path` is asked until it answers 200."""

    def __init__(self, argv, env, log_path, token, ready_path):
        self.argv = argv
        self.env = env
        self.log_path = Path(log_path)
        self.token = token
        self.ready_path = ready_path
        self.port = None
        self.popen = None

    def start(self):
        """Returns the milliseconds from exec to the first answer."""
        self.port = free_port()
        with open(self.log_path, "ab") as log:
            begin = time.perf_counter()
            argv = [*map(str, self.argv), "--port", str(self.port)]
            self.popen = subprocess.Popen(argv, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        while not self._answers():
            if self.popen.poll() is not None:
                raise BenchError(f"{self.name()} ended with {self.popen.returncode} at its start: {self.log_tail()}")
            if time.perf_counter() - begin > START_SECONDS_MAX:
                raise BenchError(f"{self.name()} does not answer: {self.log_tail()}")
            time.sleep(0.0005)
        return (time.perf_counter() - begin) * 1000

    def _answers(self):
        try:
            with Connection(self.port, self.token, START_SECONDS_MAX) as connection:
                return connection.request("GET", self.ready_path).status in (200, 304)
        except OSError:
            return False

    def stop(self):
        if self.popen is None:
            return
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        self.popen = None

    def connect(self):
        return Connection(self.port, self.token)

    def check_alive(self):
        if self.popen is None or self.popen.poll() is not None:
            status = self.popen and self.popen.returncode
            raise BenchError(f"{self.name()} has ended with {status}: {self.log_tail()}")

    def name(self):
        return Path(self.argv[0]).name

    def log_tail(self):
        lines = self.log_path.read_text(errors="replace").splitlines()
        return " / ".join([line for line in lines if 'msg="request"' not in line][-5:]) or "its log is empty"

    def forget_log(self):
        """A line for every request adds up."""
        os.truncate(self.log_path, 0)

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.popen.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def memory_kib(self):
        """RssAnon is what the program itself needs; RssFile also counts the pages of the store's file that the kernel
        keeps mapped, and gives back when others need them."""
        memory = {}
        for line in Path(f"/proc/{self.popen.pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in ("VmRSS", "VmHWM", "RssAnon", "RssFile"):
                memory[name] = int(value.split()[0])
        return memory


def clean_environment():
    """Ours, without what would configure the server."""
    ours = ("TASKBOARD_", "VERS_", "PORT", "BENCH_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


class Board:
    """taskboardd with its data folder, and a copy of the folder as it was after the preload."""

    def __init__(self, binary, folder, token, extra_args):
        self.data = folder / "data"
        self.pristine = folder / "pristine"
        env = clean_environment() | {"VERS_AUTH_TOKEN": token}
        argv = [binary, "--host", "127.0.0.1", "--data", self.data, *extra_args]
        self.process = Process(argv, env, folder / "taskboardd.log", token, "/health")

    def snapshot(self):
        """To be called while the process is stopped."""
        _copy(self.data, self.pristine)

    def restore(self):
        self.process.stop()
        shutil.rmtree(self.data)
        _copy(self.pristine, self.data)
        self.process.start()

    def head_seq(self):
        with self.process.connect() as connection:
            answer = connection.request("GET", "/events?limit=1")
        if answer.status != 200:
            raise BenchError(f"GET /events was answered {answer.status}: {answer.body[:300]!r}")
        return answer.json()["head"]

    def disk_bytes(self):
        return sum(path.stat().st_blocks * 512 for path in self.data.rglob("*") if path.is_file())


def _copy(source, target):
    subprocess.run(["cp", "-a", "--sparse=always", str(source), str(target)], check=True)

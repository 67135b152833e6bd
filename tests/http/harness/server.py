"""A taskboardd of the test's own: port 0 on loopback, a data folder of its own, stopped by its own pid."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from .client import Client
from .raw import Raw
from .tls import OVER_TLS, Shared, remember
from .wait import PATIENCE_SECONDS, eventually

TOKEN = "a-token-only-for-tests"
CHECK_SECONDS = 300
ROOT = Path(__file__).resolve().parents[3]
SANITIZER_REPORT = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:")


class Refusal(Exception):
    """The server ended instead of listening."""

    def __init__(self, code, log):
        super().__init__(f"taskboardd ended with {code}:\n{log}")
        self.code = code
        self.log = log


def program():
    path = Path(os.environ.get("TASKBOARDD") or ROOT / "build/dev/bin/taskboardd")
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there: build it, or name it in TASKBOARDD")
    return path


def clean_environment(extra):
    """The test's own environment without anything that the server would take for a setting."""
    kept = {k: v for k, v in os.environ.items()
            if k not in ("PORT", "VERS_AUTH_TOKEN") and not k.startswith("TASKBOARD_")}
    return {**kept, **extra}


class Server:
    """`flags` come behind the usual ones; `host` or `port` None leaves that one out. `env` sets variables or, by None,
    takes them away. `tls`: a Certificate to serve with."""

    def __init__(self, *flags, data=None, env=None, host="127.0.0.1", port=0, tls=None):
        self.folder = Path(tempfile.mkdtemp(prefix="taskboard-test-"))
        self.data = Path(data) if data else self.folder / "data"
        self.tls = Shared.get() if OVER_TLS and not tls and "--tls-cert" not in flags else tls
        self.flags = [str(flag) for flag in flags] + (self.tls.flags if self.tls else [])
        settings = {"VERS_AUTH_TOKEN": TOKEN, **(env or {})}
        self.env = clean_environment({k: v for k, v in settings.items() if v is not None})
        self.host, self.asked_port = host, port
        self.process = None
        self.port = None
        self.runs = 0
        self.clients = []
        self.prober = None
        self.damaged = False  # by the test, on purpose

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()

    @property
    def log_path(self):
        return self.folder / f"log.{self.runs}"

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def command(self):
        hosts = ["--host", self.host] if self.host else []
        ports = [] if self.asked_port is None else ["--port", str(self.asked_port)]
        return [program(), *ports, *hosts, "--data", self.data, *self.flags]

    def launch(self):
        """Starts the process without waiting for anything."""
        self.runs += 1
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env)
        return self

    def listening(self):
        """The port that the log names, or None."""
        found = re.search(r"listening on (?:\S*:)?(\d+)", self.log())
        return int(found.group(1)) if found else None

    def start(self):
        self.launch()
        eventually(lambda: self.listening() or self.process.poll() is not None, "the server to listen")
        self.port = self.listening()
        if self.port is None or self.process.poll() is not None:
            raise Refusal(self.process.wait(), self.log())
        remember(self.port, self.tls and self.tls.context())
        return self

    def refusal(self):
        """Starts a server that is expected to refuse; returns (exit code, log)."""
        self.launch()
        try:
            return self.process.wait(PATIENCE_SECONDS), self.log()
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()

    def client(self, **options):
        options.setdefault("token", TOKEN)
        client = Client(self.port, **options)
        self.clients.append(client)
        return client

    def raw(self):
        return Raw(self.port)

    def turn_round(self):
        """Lets a server with one event loop read what it was sent so far: what stands beside a request that it answers
        has its turn before that answer's reader can send another one. Twice, for new connections are accepted first."""
        if not self.prober or self.prober.port != self.port:
            self.prober = self.client(check=False)
        for _ in range(2):
            assert self.prober.get("/health").status == 200

    def send_signal(self, number):
        self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM):
        """Asks the server to end and expects it to end well."""
        self.send_signal(number)
        self.ended()

    def ended(self, code=0):
        try:
            got = self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the server did not end in {PATIENCE_SECONDS} s:\n{self.log()[-4000:]}") from None
        assert got == code, f"the server ended with {got}:\n{self.log()[-8000:]}"
        assert not SANITIZER_REPORT.search(self.log()), self.log()[-8000:]

    def kill(self):
        """kill -9"""
        self.process.kill()
        self.process.wait()

    def leave(self):
        """Closes the connections of all clients that were made here: a server that drains waits for open ones."""
        for client in self.clients:
            client.close()

    def restart(self):
        self.leave()
        self.stop()
        return self.start()

    def is_up(self):
        return self.process is not None and self.process.poll() is None

    def resident_bytes(self):
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def check(self):
        """The offline check of the store, with the server's own settings."""
        return subprocess.run([*self.command(), "--check"], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=self.env,
                              timeout=CHECK_SECONDS, check=False)

    def expect_sound(self):
        checked = self.check()
        assert checked.returncode == 0 or "in use by another" in checked.stderr, f"the store is not sound ({checked.returncode}):\n{checked.stdout}{checked.stderr}"

    def close(self):
        """Ends the server, if it is still up, checks the store that it leaves and removes everything."""
        self.leave()
        try:
            if self.is_up():
                self.stop()
            if self.port and not self.damaged:
                self.expect_sound()
        finally:
            if self.is_up():
                self.kill()
            shutil.rmtree(self.folder, ignore_errors=True)


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def is_sanitized():
    """True for a server built with a sanitizer: its memory tells nothing."""
    return b"__asan_init" in program().read_bytes() or b"__tsan_init" in program().read_bytes()

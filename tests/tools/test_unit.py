"""The systemd unit: systemd takes all of it, calls it well hardened, and the server does not need what it forbids."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
for folder in (ROOT / "tests", ROOT / "tests/http"):
    sys.path.append(str(folder))

from harness import Certificate, Server, Sse, Ws, eventually  # noqa: E402  (found through the path set above)
from harness.later import claim as waiting_claim  # noqa: E402

UNIT = ROOT / "config/taskboardd.service"
EXPOSURE_MAX = 2.0
SECONDS_MAX = 60

# What strace shows of the loader and of the program's start by strace itself.
BEFORE_MAIN = {"execve"}


def analyze(*arguments, check=True):
    told = subprocess.run(["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    assert not check or told.returncode == 0, told.stdout + told.stderr
    return told.stdout + told.stderr


def exposure(unit):
    told = analyze("security", "--offline=true", "--no-pager", unit)
    assert "ignoring" not in told.lower() and "unknown" not in told.lower(), told
    return float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", told).group(1))


def test_it_is_well_hardened(tmp_path):
    assert exposure(UNIT) <= EXPOSURE_MAX
    bare = tmp_path / "taskboardd.service"
    bare.write_text("[Service]\nExecStart=/usr/bin/taskboardd\n")
    assert exposure(bare) > 9, "it can tell"


def test_systemd_takes_it(tmp_path):
    """With the program where it stands here."""
    text = UNIT.read_text()
    assert text.count("/usr/bin/taskboardd ") == 1
    text = text.replace("/usr/bin/taskboardd ", f"{shutil.which('true')} ").replace("Documentation=man:taskboardd(8)\n", "").replace("=taskboard\n", "=root\n")
    (tmp_path / "taskboardd.service").write_text(text)
    told = analyze("verify", "--man=no", tmp_path / "taskboardd.service", check=False)
    assert "taskboardd.service" not in told, told


def test_the_flags_are_the_servers():
    (line,) = re.findall(r"^ExecStart=\S+ (.*)$", UNIT.read_text(), re.MULTILINE)
    usage = subprocess.run([os.environ["TASKBOARDD"], "--help"], capture_output=True, text=True, check=True, timeout=SECONDS_MAX).stdout
    for flag in re.findall(r"--[a-z-]+", line):
        assert f"{flag} " in usage, flag


# --- what it forbids ---

def names_of(group):
    """The system calls of a group such as @basic-io, or the one that was given."""
    if not group.startswith("@"):
        return {group}
    lines = [line.strip() for line in analyze("syscall-filter", group).splitlines()[1:]]
    return set().union(*(names_of(line) for line in lines if line and not line.startswith("#")))


def allowed():
    calls = set()
    for value in re.findall(r"^SystemCallFilter=(.*)$", UNIT.read_text(), re.MULTILINE):
        taken = set().union(*(names_of(name) for name in value.lstrip("~").split()))
        calls = calls - taken if value.startswith("~") else calls | taken
    return calls


class Traced(Server):
    """Under strace, which takes down what is called, by all threads."""

    @property
    def trace(self):
        return self.folder / f"trace.{self.runs}"

    def command(self):
        return ["strace", "-f", "-qq", "-o", self.trace, *super().command()]

    def send_signal(self, number):
        """To the server, not to strace."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        os.kill(int(children[0]), number)

    def expect_sound(self):
        pass


def live(server):
    """A little of everything that a server does."""
    board = server.client()
    with Sse(server, "/events/stream") as stream, Ws(server, "/events/ws") as ws:
        waiting = waiting_claim(server, "bob")
        for n in range(20):
            board.create(f"task {n}")
        assert waiting.answer().json["count"] == 1
        assert stream.events(1) and ws.events(1)
    for path in ("/metrics", "/health", "/ready", "/board/tasks", "/board/summary", "/events"):
        assert board.get(path, check=False).status == 200
    for path in ("/admin/backup", "/admin/export"):
        assert board.get(path, check=False).status == 200
    assert board.post("/auth/tokens", {"name": "a", "role": "viewer"}).status == 201
    server.send_signal(signal.SIGHUP)
    eventually(lambda: server.log().count("the TLS certificate is read") == 2, "the reload")


def called(trace):
    return {match.group(1) for match in re.finditer(r"^\d+ +(?:<\.\.\. )?([a-z_0-9]+)(?:\(| resumed)", trace.read_text(errors="replace"), re.MULTILINE)}


@pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace")
def test_it_needs_nothing_that_is_forbidden(tmp_path):
    permitted = allowed()
    assert {"read", "futex", "epoll_wait", "accept4", "fdatasync", "prlimit64"} <= permitted
    assert not {"setuid", "mount", "ptrace", "bpf", "reboot", "keyctl", "chroot", "execve"} & permitted - {"execve"}
    archive = tmp_path / "archive"
    archive.mkdir()
    with Traced("--retain-done", 1, "--archive", archive, tls=Certificate(tmp_path)) as server:
        live(server)
        server.leave()
        server.stop()
        calls = called(server.trace)
    assert {"read", "futex", "epoll_wait", "accept4", "fdatasync", "landlock_restrict_self"} <= calls, "the trace tells"
    assert calls - permitted - BEFORE_MAIN == set()

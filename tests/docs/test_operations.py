"""docs/OPERATIONS.md works as it stands: its `sh` blocks, in their order, in an empty folder. (The tour of README.md is run by
tests/tools/test_tour.py, that of docs/CLI.md by tests/cli/test_docs.py.)"""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
for folder in (ROOT / "tests", ROOT / "tests/http"):
    sys.path.append(str(folder))

from harness.server import clean_environment  # noqa: E402  (found through the path set above)

HANDBOOK = (ROOT / "docs/OPERATIONS.md").read_text(encoding="utf-8")
SECONDS_MAX = 120
PORT = 3000  # of the document
CONSOLE_COMMANDS = {"apt", "systemctl", "taskboard", "docker"}


def blocks(kind):
    return re.findall(rf"^```{kind}\n(.*?)^```$", HANDBOOK, re.MULTILINE | re.DOTALL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(script, folder, port):
    programs = {Path(os.environ[name]).parent for name in ("TASKBOARDD", "TASKBOARD")}
    env = clean_environment({"PATH": ":".join([*map(str, programs), "/usr/bin", "/bin"]), "HOME": str(folder), "NO_COLOR": "1",
                             "TASKBOARD_URL": f"http://127.0.0.1:{port}"})
    process = subprocess.Popen(["bash", "-c", script], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=SECONDS_MAX)
        return process.returncode, output
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)  # what it has left running
        except ProcessLookupError:
            pass


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The folder in which everything was done, and what was said meanwhile."""
    folder, port = tmp_path_factory.mktemp("operator"), free_port()
    script = "\n".join(["set -euo pipefail", *blocks("sh"), "kill %1 && wait %1"])
    assert str(PORT) in script
    code, output = run(re.sub(rf"\b{PORT}\b", str(port), script), folder, port)
    assert code == 0, output + ((folder / "log").read_text() if (folder / "log").exists() else "")
    return folder, output


def test_the_blocks_work_one_after_the_other(told):
    folder, output = told
    assert len(blocks("sh")) >= 7
    assert output.count("the store is sound: 1 task") == 3, "the backup, what it became, and the export: " + output
    assert output.count("The first task") >= 3
    assert {"data", "restored", "moved", "tls.crt", "farm-1.token", "board.backup"} <= {path.name for path in folder.iterdir()}


def test_the_certificate_was_exchanged_without_a_restart(told):
    folder, _ = told
    log = (folder / "log").read_text()
    assert log.count("the TLS certificate is read") == 2 and log.count("listening on") == 1


def test_a_block_that_fails_fails_the_test(tmp_path):
    code, _ = run("set -euo pipefail\ntaskboardd --check --config nowhere\ntrue", tmp_path, free_port())
    assert code != 0


def test_what_is_not_run_names_programs_that_there_are():
    """The `console` blocks: prompts with commands of Debian and of ours, whose flags exist."""
    usage = {name: subprocess.run([os.environ[variable], "--help"], capture_output=True, text=True, check=True, timeout=SECONDS_MAX).stdout
             for name, variable in (("taskboard", "TASKBOARD"), ("taskboardd", "TASKBOARDD"))}
    commands = [shlex.split(line[2:]) for block in blocks("console") for line in block.splitlines() if line[:2] in ("# ", "$ ")]
    assert len(commands) >= 6
    for command in commands:
        assert command[0] in CONSOLE_COMMANDS, command
        for flag in command[1:] if command[0] in usage else []:
            assert not flag.startswith("--") or f"{flag.partition('=')[0]} " in usage[command[0]], command


def test_the_files_that_are_named_are_there():
    for path in set(re.findall(r"`((?:config|docs|cli|server|bench|tests)/[\w./-]+)`", HANDBOOK)):
        assert (ROOT / path).exists(), path

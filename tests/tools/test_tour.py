"""README.md tells the truth: its tour is run line by line against a real server, its table of flags is that of --help."""

import os
import pathlib
import re
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS_MAX = 60


def tour():
    """The sh blocks of the tour, joined: they share their variables."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = re.search(r"^## Two-minute tour$(.*?)^## ", text, re.MULTILINE | re.DOTALL).group(1)
    return re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def program():
    path = os.environ.get("TASKBOARDD")
    if path is None:
        pytest.skip("TASKBOARDD names no server")
    return path


@pytest.fixture
def server(tmp_path):
    """A board with its data in ./data of the test's folder and a token that it made itself. Yields (folder, port)."""
    settings = ("PORT", "VERS_AUTH_TOKEN")
    env = {k: v for k, v in os.environ.items() if k not in settings and not k.startswith("TASKBOARD_")}
    log_path = tmp_path / "log"
    with open(log_path, "wb") as log:
        process = subprocess.Popen(
            [program(), "--host", "127.0.0.1", "--port", "0", "--data", "data"], cwd=tmp_path, env=env, stdout=log, stderr=log
        )
    try:
        yield tmp_path, wait_for_port(process, log_path)
    finally:
        process.terminate()
        assert process.wait(SECONDS_MAX) == 0, log_path.read_text()


def wait_for_port(process, log_path):
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"listening on (?:\S*:)?(\d+)", log_path.read_text())
        if found:
            return int(found.group(1))
        time.sleep(0.02)
    raise AssertionError(f"the server does not listen:\n{log_path.read_text()}")


def test_the_tour_works_line_by_line(server):
    folder, port = server
    blocks = tour()
    assert len(blocks) >= 5
    script = "set -euo pipefail\n" + "\n".join(blocks)
    assert "http://localhost:3000" in script
    script = script.replace("http://localhost:3000", f"http://127.0.0.1:{port}")
    ran = subprocess.run(
        ["bash", "-c", script], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS_MAX
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    output = ran.stdout
    assert output.count('"in_progress"') == 1 and '"in_review"' in output
    # Only the first is ready before it is approved, only the second afterwards.
    assert re.search(r'"Write the parser"\n\{\s*"status": "done",\s*"outcome": "success"\s*\}\n"Test the parser"\n', output)
    for event in ("task.created", "task.noted", "task.reviewed", "task.approved"):
        assert event in output
    assert '"code":"version_mismatch"' in output and "refused, as it should be" in output


def test_the_table_of_flags_is_that_of_the_help():
    usage = subprocess.run([program(), "--help"], capture_output=True, text=True, check=True, timeout=SECONDS_MAX).stdout
    shown = {}
    for line in usage.splitlines():
        match = re.match(r"\s+(--[a-z-]+)(?: ([A-Z]+))?\s.*?(?:\[(.+)\])?$", line)
        if match:
            shown[match.group(1)] = (match.group(2), match.group(3))
    documented = {}
    for row in re.findall(r"^(\| `--.*)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE):
        names, _, default, *_ = [cell.strip() for cell in row[2:].split("|")]
        default = re.match(r"(?:`([^`]+)`)?", default).group(1)
        for flag, argument in re.findall(r"`(--[a-z-]+)(?: ([A-Z]+))?`", names):
            documented[flag] = (argument or None, default)
    assert documented == shown

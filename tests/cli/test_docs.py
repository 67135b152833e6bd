"""docs/CLI.md works line by line; the manual and the completion know every command and every option."""

import re
import subprocess
from pathlib import Path

import pytest
from conftest import program
from harness import Server

ROOT = Path(__file__).resolve().parents[2]
MANUAL = ROOT / "cli/taskboard.1"
COMPLETION = ROOT / "cli/completion.bash"


def options_of(text):
    return set(re.findall(r"^  --([a-z-]+)", text, re.MULTILINE))


@pytest.fixture(scope="module")
def commands():
    """{command: its own options}, and under None those of every command, as the help tells them."""
    def says(*words):
        return subprocess.run([program(), "help", *words], capture_output=True, text=True, check=True).stdout
    overview = says()
    names = re.findall(r"^  ([a-z]+) ", overview, re.MULTILINE)
    assert len(names) > 20
    own = {name: options_of(says(name).partition("Options of every command")[0]) for name in names}
    return {None: options_of(overview), **own}


def test_the_tour_works_line_by_line(tmp_path):
    text = (ROOT / "docs/CLI.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 6
    used = 'taskboard add "An older one" --tag parser --quiet\n'  # as the tour of the README leaves one
    script = "set -euo pipefail\n" + "\n".join([blocks[0], used, *blocks[1:]])
    with Server(data=tmp_path / "data", env={"VERS_AUTH_TOKEN": None}) as server:
        assert "http://localhost:3000" in script
        script = script.replace("http://localhost:3000", f"http://127.0.0.1:{server.port}")
        env = {**server.env, "HOME": str(tmp_path), "PATH": f"{Path(program()).parent}:/usr/bin:/bin"}
        env.pop("XDG_STATE_HOME", None)
        ran = subprocess.run(["bash", "-c", script], cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                             env=env, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    output = ran.stdout
    assert '{"rules":12}' in output and "it waits for" in output and "The grammar is ambiguous." in output
    assert '{"title":"Test the parser","generation":2}' in output and "https://reports.example/" in output
    assert "ended with 1" in output and "dead letter" in output and "retried 1" in output
    assert "AGENT" in output and "robot-1" in output and "revoked" in output and (tmp_path / "board.backup").stat().st_size > 0
    assert ',"Write the parser"]' in output and "paused: tag web: a new design" in output


def test_the_manual_has_every_command_and_option(commands):
    text = MANUAL.read_text(encoding="utf-8").replace("\\-", "-")
    for command, options in commands.items():
        assert command is None or re.search(rf"^\.(It|Sh|Nm)? ?.*\b{command}\b", text, re.MULTILINE), command
        for option in options:
            assert re.search(rf"Fl -{option}\b", text), f"{command} --{option}"
    known = set().union(*commands.values())
    assert set(re.findall(r"Fl -([a-z][a-z-]+)", text)) - {"name"} <= known


def test_the_manual_and_the_page_agree_on_exit_codes():
    page = (ROOT / "docs/CLI.md").read_text(encoding="utf-8").partition("| exit status |")[2]
    manual = MANUAL.read_text(encoding="utf-8").partition(".Sh EXIT STATUS")[2].partition(".Sh")[0]
    codes = re.findall(r"^\| (\d) \|", page, re.MULTILINE)
    assert codes == re.findall(r"^\.It (\d)$", manual, re.MULTILINE) == [str(code) for code in range(8)]


def test_the_manual_is_well_formed():
    linted = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", MANUAL], capture_output=True, text=True, check=False)
    wrong = [line for line in linted.stdout.splitlines() if "Xr taskboardd" not in line]
    assert wrong == []
    shown = subprocess.run(["mandoc", "-T", "utf8", MANUAL], capture_output=True, text=True, check=True)
    assert "taskboard" in shown.stdout


def completed(*words):
    script = f'source {COMPLETION}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _taskboard; printf "%s\\n" "${{COMPREPLY[@]}}"'
    ran = subprocess.run(["bash", "-euo", "pipefail", "-c", script, "bash", "taskboard", *words], capture_output=True, text=True, check=True)
    return ran.stdout.split()


def test_the_completion_has_every_command_and_option(commands):
    common = {f"--{name}" for name in commands[None]}
    names = set(commands) - {None}
    assert set(completed("")) == names | common
    for name in names:
        own = {f"--{option}" for option in commands[name]}
        assert set(completed(name, "--")) == own | common, name
    assert completed("work", "--unt") == ["--until-empty"]
    assert completed("ls", "--color", "a") == ["auto", "always"]
    assert "true" in completed("work", "--", "tru")

"""Fixtures of the tests of `taskboard`: the real client against a real server."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
for folder in (TESTS, TESTS / "http"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

from harness import Server, TOKEN, eventually  # noqa: E402  (found through the path set above)
from harness.server import SANITIZER_REPORT, clean_environment  # noqa: E402

SECONDS_MAX = 60


def program():
    path = Path(os.environ.get("TASKBOARD") or TESTS.parent / "build/dev/bin/taskboard")
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there: build it, or name it in TASKBOARD")
    return str(path)


class Ran:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        assert not SANITIZER_REPORT.search(err), err

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def lines(self):
        """Each line's JSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    def __repr__(self):
        return f"<exit {self.code}\n{self.out}\n{self.err}>"


class Running:
    """A client that is still at work; what it prints goes to files, so that no pipe fills."""

    def __init__(self, words, env, folder, number):
        self.out_path, self.err_path = folder / f"out.{number}", folder / f"err.{number}"
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env, cwd=folder)

    @property
    def out(self):
        return self.out_path.read_text(errors="replace")

    @property
    def err(self):
        return self.err_path.read_text(errors="replace")

    def says(self, text):
        eventually(lambda: text in self.err or self.process.poll() is not None, f"{text!r} in {self.err!r}")
        assert text in self.err, self.err
        return self

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self

    def ended(self, code=0, seconds=SECONDS_MAX):
        try:
            got = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end:\n{self.err[-4000:]}") from None
        ran = Ran(got, self.out, self.err)
        assert got == code, ran
        return ran

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Cli:
    """The client with a board and a home of its own."""

    def __init__(self, port, folder):
        self.folder, self.port = folder, port
        self.started = []
        self.env = clean_environment({
            "TASKBOARD_URL": f"http://127.0.0.1:{port}", "TASKBOARD_TOKEN": TOKEN, "TASKBOARD_AGENT": "me",
            "HOME": str(folder), "NO_COLOR": "", "PATH": f"{Path(program()).parent}:{os.environ['PATH']}",
        })
        self.env.pop("XDG_STATE_HOME", None)

    def with_env(self, env):
        merged = {**self.env, **(env or {})}
        return {name: value for name, value in merged.items() if value is not None}

    def run(self, *words, code=0, input="", env=None):
        """Runs it to its end, which must be `code`. A variable that is None is taken away."""
        ran = subprocess.run([program(), *map(str, words)], input=input, capture_output=True, text=True, env=self.with_env(env),
                             cwd=self.folder, timeout=SECONDS_MAX, check=False)
        ran = Ran(ran.returncode, ran.stdout, ran.stderr)
        assert ran.code == code, ran
        assert TOKEN not in ran.out + ran.err, "the token was shown"
        return ran

    def json(self, *words, **options):
        return self.run(*words, "--json", **options).json

    def start(self, *words, env=None):
        running = Running([program(), *map(str, words)], self.with_env(env), self.folder, len(self.started))
        self.started.append(running)
        return running

    def work(self, *words, handler, env=None):
        """A worker that runs this shell script."""
        return self.start("work", *words, "--", "sh", "-c", handler, env=env)

    def add(self, title="a task", *words):
        return self.run("add", title, "--quiet", *words).out.strip()

    def close(self):
        for running in self.started:
            running.close()


@pytest.fixture
def server():
    with Server() as server:
        yield server


@pytest.fixture
def board(server):
    """A client of the harness, to look at the board by itself."""
    return server.client()


@pytest.fixture
def cli(server, tmp_path):
    cli = Cli(server.port, tmp_path)
    yield cli
    cli.close()


@pytest.fixture
def other(server, tmp_path):
    """Another client, with a home of its own."""
    folder = tmp_path / "other"
    folder.mkdir()
    cli = Cli(server.port, folder)
    cli.env["TASKBOARD_AGENT"] = "other"
    yield cli
    cli.close()


@pytest.fixture
def serve_short():
    """A board whose log keeps few events."""
    with Server("--retain-events", "10") as server:
        yield server


@pytest.fixture
def make_cli(tmp_path):
    made = []

    def make(server):
        made.append(Cli(server.port, tmp_path))
        return made[-1]

    yield make
    for cli in made:
        cli.close()

"""Clients that we did not write: an EventSource, a WebSocket, curl, fetch. They see what the log says."""

import json
import os
import subprocess
import threading
from pathlib import Path

import pytest
from harness import TOKEN, eventually

FOLDER = Path(__file__).resolve().parent


class Program:
    """A program that prints a line for each thing that it sees."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=FOLDER, text=True,
                                        env={**os.environ, "TOKEN": TOKEN})
        self.lines = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def end(self):
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join()


class Follower(Program):
    def __init__(self, kind, server, path, *messages):
        scheme = "ws" if kind == "ws" else "http"
        super().__init__("node", "follow.mjs", kind, f"{scheme}://127.0.0.1:{server.port}{path}", *messages)

    def seen(self, what):
        return [line for line in map(json.loads, list(self.lines)) if line["what"] == what]

    def wait(self, what, count=1):
        eventually(lambda: len(self.seen(what)) >= count, f"{count} {what}; there are {self.lines}")
        return self.seen(what)

    def data(self, count):
        return [line["data"] for line in self.wait("message", count)]


KINDS = [("eventsource", "/events/stream"), ("fetch", "/events/stream"), ("ws", "/events/ws")]
EVENT_SOURCES = ["eventsource", "fetch"]


@pytest.mark.parametrize("kind, path", KINDS)
def test_it_sees_what_the_log_says(server, kind, path):
    board = server.client()
    task = board.create(title="Größe \"äöü\" 日本\n")
    with Follower(kind, server, f"{path}?since=0") as follower:
        board.note(task["id"], content="x" * 60000)
        for _ in range(20):
            board.create()
        assert follower.data(22) == board.events("since=0")
        assert follower.seen("error") == []
        if kind == "fetch":
            assert follower.seen("answer") == [{"what": "answer", "encoding": "gzip"}]


@pytest.mark.parametrize("kind, path", KINDS)
def test_without_a_since_it_starts_now(server, kind, path):
    board = server.client()
    board.create()
    with Follower(kind, server, path) as follower:
        follower.wait("open")
        board.create()
        assert [event["seq"] for event in follower.data(1)] == [2]


@pytest.mark.parametrize("kind, path", KINDS)
def test_a_reset(server, kind, path):
    board = server.client()
    board.create()
    with Follower(kind, server, f"{path}?since=99") as follower:
        if kind in EVENT_SOURCES:
            assert follower.wait("reset")[0]["data"] == {"oldest": 1, "head": 1}
            assert follower.data(1) == board.events("since=0")
        else:
            assert follower.data(2) == [{"type": "reset", "oldest": 1, "head": 1}, *board.events("since=0")]


@pytest.mark.parametrize("kind", EVENT_SOURCES)
def test_an_event_source_comes_back_by_itself_and_misses_nothing(server, kind):
    board = server.client()
    with Follower(kind, server, "/events/stream") as follower:
        follower.wait("open")
        board.create()
        follower.data(1)
        port = server.port
        server.leave()
        server.stop()
        server.asked_port = port
        server.start()
        board = server.client()
        for _ in range(5):
            board.create()
        assert [event["seq"] for event in follower.data(6)] == [1, 2, 3, 4, 5, 6]
        assert len(follower.seen("open")) == 2


@pytest.mark.parametrize("kind", EVENT_SOURCES)
def test_an_event_source_survives_a_crash(server, kind):
    board = server.client()
    with Follower(kind, server, "/events/stream") as follower:
        follower.wait("open")
        board.create()
        follower.data(1)
        port = server.port
        server.kill()
        server.asked_port = port
        server.start()
        server.client().create()
        assert [event["seq"] for event in follower.data(2)] == [1, 2]


def test_an_event_source_that_had_no_event_yet_misses_nothing_either(server):
    """The one on fetch forgets the id of a block without data (WHATWG HTML, 9.2.6 says to keep it)."""
    with Follower("eventsource", server, "/events/stream?tag=x") as follower:
        follower.wait("open")
        port = server.port
        server.stop()
        server.asked_port = port
        server.start()
        server.client().create(tags=["x"])
        assert [event["seq"] for event in follower.data(1)] == [1]


def test_a_websocket_says_what_it_wants(server):
    board = server.client()
    with Follower("ws", server, "/events/ws", '{"tag":"x"}', "nonsense") as follower:
        (error,) = follower.data(1)
        assert (error["type"], error["code"]) == ("error", "invalid_json")
        board.create()
        board.create(tags=["x"])
        assert follower.data(2)[1]["seq"] == 2


def test_closing_is_polite_on_both_sides(server):
    follower = Follower("ws", server, "/events/ws")
    follower.wait("open")
    follower.end()
    assert follower.seen("close") == [{"what": "close", "code": 1000, "reason": ""}]
    with Follower("ws", server, "/events/ws") as follower:
        follower.wait("open")
        server.stop()
        assert follower.wait("close")[0]["code"] == 1001


def test_a_token_is_needed(server):
    with Program("node", "-e", f"""
        const WebSocket = require("ws");
        const socket = new WebSocket("ws://127.0.0.1:{server.port}/events/ws?token={TOKEN}");
        socket.on("unexpected-response", (request, response) => console.log(response.statusCode));
    """) as program:
        eventually(lambda: program.lines == ["401"])


@pytest.mark.parametrize("kind", EVENT_SOURCES)
def test_the_feed(server, kind):
    board = server.client()
    with Follower(kind, server, "/feed/stream?agent=ann") as follower:
        follower.wait("open")
        event = board.post("/feed/events", {"agent": "ann", "type": "custom", "summary": "s"}).json
        assert follower.wait("message")[0] == {"what": "message", "id": event["id"], "data": event}


def test_fetch(server):
    board = server.client()
    board.create()
    with Program("node", "-e", f"""
        fetch("http://127.0.0.1:{server.port}/events/stream?since=0", {{headers: {{Authorization: "Bearer {TOKEN}"}}}})
            .then(async (answer) => {{
                console.log(answer.status, answer.headers.get("content-type"), answer.headers.get("content-encoding"));
                for await (const part of answer.body) process.stdout.write(Buffer.from(part).toString());
                console.log("ended");
            }}).catch((error) => console.log("error", error));
    """) as program:
        eventually(lambda: any(line.startswith("data: ") for line in program.lines), f"an event: {program.lines}")
        assert program.lines[0] == "200 text/event-stream gzip"
        board.create()
        eventually(lambda: sum(line.startswith("data: ") for line in program.lines) == 2, "the next event, at once")
        server.leave()
        server.stop()
        eventually(lambda: program.lines[-1] == "ended", f"the end: {program.lines}")


@pytest.mark.parametrize("flags", [[], ["--compressed"]], ids=["plain", "compressed"])
def test_curl(server, flags):
    board = server.client()
    board.create()
    with Program("curl", *flags, "--silent", "--no-buffer", "--fail", "--include", "--header", f"Authorization: Bearer {TOKEN}",
                 f"http://127.0.0.1:{server.port}/events/stream?since=0") as program:
        eventually(lambda: sum(line.startswith("data: ") for line in program.lines) == 1)
        board.create()
        eventually(lambda: sum(line.startswith("data: ") for line in program.lines) == 2)
        assert ("content-encoding: gzip" in program.lines) == bool(flags)
        server.stop()
        assert program.process.wait(10) == 0

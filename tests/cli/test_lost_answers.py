"""Answers that never arrive: between the client and the board stands a connection that breaks behind every third request, after
the board has done what it asks for."""

import http.client
import socketserver
import threading
from collections import Counter

import pytest
from conftest import Cli

LOSE_EACH = 3


class Lossy(socketserver.ThreadingTCPServer):
    """Hands requests on, and keeps each third answer to a POST to itself."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port):
        super().__init__(("127.0.0.1", 0), OneConnection)
        self.port, self.posts, self.lost, self.lock = port, 0, 0, threading.Lock()

    def loses_this(self, path):
        with self.lock:
            self.posts += 1
            loses = self.posts % LOSE_EACH == 1
            self.lost += loses
            self.paths[path.rpartition("/")[2]] += loses
            return loses

    paths = Counter()


class OneConnection(socketserver.StreamRequestHandler):
    def handle(self):
        while True:
            method, _, rest = self.rfile.readline().decode().partition(" ")
            if not rest:
                return
            path, headers = rest.split(" ")[0], {}
            while (line := self.rfile.readline().decode().strip()):
                name, _, value = line.partition(": ")
                headers[name] = value
            body = self.rfile.read(int(headers.get("Content-Length", 0)))
            board = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=90)
            board.request(method, path, body or None, headers)
            answer = board.getresponse()
            content = answer.read()
            board.close()
            if method == "POST" and self.server.loses_this(path):
                return
            head = "".join(f"{name}: {value}\r\n" for name, value in answer.getheaders()
                           if name.lower() not in ("transfer-encoding", "content-length", "connection"))
            self.wfile.write(f"HTTP/1.1 {answer.status} X\r\n{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)


@pytest.fixture
def lossy(server):
    with Lossy(server.port) as proxy:
        thread = threading.Thread(target=proxy.serve_forever)
        thread.start()
        yield proxy
        proxy.shutdown()
        thread.join()


@pytest.fixture
def far(lossy, tmp_path):
    """A client behind that connection."""
    lossy.paths = Counter()
    cli = Cli(lossy.server_address[1], tmp_path)
    yield cli
    cli.close()


def test_nothing_is_added_twice(far, lossy, board):
    for n in range(6):
        far.run("add", f"task {n}", "--retry", "20s")
    assert lossy.lost >= 2
    assert Counter(task["title"] for task in board.list()) == {f"task {n}": 1 for n in range(6)}


def test_what_may_not_be_repeated_is_not(far, lossy, board):
    """With no time to try again, a lost answer is no answer."""
    assert "cannot reach" in far.run("add", "a task", "--retry", "0", code=4).err
    assert len(board.list()) == 1


def test_no_claim_is_stranded(far, lossy, board):
    task = board.create()["id"]
    far.run("claim", "--retry", "20s")
    far.run("note", task, "text", "--retry", "20s")
    far.run("done", task, "--retry", "20s")
    assert lossy.lost >= 1
    shown = board.task(task)
    assert shown["outcome"] == "success" and shown["attempts"] == 1 and len(shown["notes"]) == 1


def test_a_worker_does_everything_once(far, lossy, board):
    tasks = board.create_many([{"title": f"task {n}", "createdBy": "t"} for n in range(30)])
    worker = far.work("--until-empty", "--wait", "1", "--retry", "1m", "--concurrency", "4", "--vm", "vm", "--quiet",
                      handler='echo "$TASK_ID" >>effects; echo "progress 50 half" >&3; case $TASK_TITLE in *7) exit 65; esac')
    worker.ended()
    assert lossy.paths["claim"] and lossy.paths["complete"], lossy.paths
    effects = Counter((far.folder / "effects").read_text().split())
    assert effects == {task["id"]: 1 for task in tasks}
    summary = board.summary()
    assert summary["byStatus"]["done"] == 27 and summary["deadLetters"] == 3 and summary["claimed"] == 0


def test_a_command_waits_for_a_board_that_starts(server, cli):
    server.asked_port = server.port
    server.leave()
    server.kill()
    adding = cli.start("add", "late", "--retry", "1m")
    server.start()
    adding.ended()
    assert [task["title"] for task in server.client().list()] == ["late"]

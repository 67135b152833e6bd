"""Answers that no board gives: the terminal and the memory of whoever asked are his own all the same."""

import json
import re
import resource
import socket
import threading
import time

import pytest
from conftest import Cli
from harness import eventually

EVIL = "\x1b[2J\x9b31m\u202e"
PLAYS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")
HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: "


@pytest.fixture
def liar(tmp_path):
    """A client whose board answers each request with liar.answer."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        cli = Cli(listening.getsockname()[1], tmp_path)
        cli.asked = 0

        def answer_all():
            while True:
                connection = listening.accept()[0]
                with connection:
                    if not connection.recv(65536):
                        return
                    cli.asked += 1
                    try:
                        connection.sendall(cli.answer)
                    except OSError:
                        pass  # it had enough

        thread = threading.Thread(target=answer_all)
        thread.start()
        yield cli
        cli.close()
        socket.create_connection(listening.getsockname()).close()
        thread.join()


def all_evil(names):
    return {name: EVIL for name in names}


def test_nothing_of_an_answer_plays_with_the_terminal(liar):
    note = all_evil(("id", "author", "content", "type", "createdAt"))
    task = {**all_evil(("id", "title", "status", "createdAt", "updatedAt", "assignee", "createdBy", "notBefore", "description", "payload")),
            "claim": all_evil(("by", "vmId", "claimedAt", "expiresAt")), "progress": {"percent": 1, "message": EVIL}, "tags": [EVIL],
            "artifacts": [all_evil(("type", "url", "label"))], "notes": [note], "result": {EVIL: EVIL}, "blockedReason": {"kind": EVIL}}
    told = {("show", "x"): task, ("ls",): {"tasks": [task], "nextCursor": EVIL}, ("summary",): {"byTag": {EVIL: EVIL}, "oldestReadyAt": EVIL},
            ("why", "x"): {"reasons": [all_evil(("code", "by", "tag"))]}, ("fleet",): {"vms": [all_evil(("id", "role", "status", "name", "lastSeen"))]}}
    for words, answer in told.items():
        liar.answer = HEAD + b"application/json\r\n\r\n" + json.dumps(answer, ensure_ascii=False).replace("\x1b", "\\u001b").encode()
        ran = liar.run(*words)
        assert not PLAYS.search(ran.out + ran.err), (words, ran)


@pytest.mark.parametrize("line", [b":\n", b"data:\n", b"event: x\n"])
def test_a_stream_that_never_ends_an_event_takes_no_more_memory_than_an_event(liar, line):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    liar.answer = HEAD + b"text/event-stream\r\n\r\n" + line * 300_000 + b"\ndata: {}\n\n" * 2
    watcher = liar.start("watch", "--count", "1", "--retry", "0")
    if line != b":\n":
        watcher.process.wait(60)
    else:
        watcher.ended()
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < max(before, 400_000)


def test_a_page_of_somebody_else_is_no_backup(liar):
    liar.answer = HEAD + b"text/html\r\n\r\n<p>Welcome"
    assert "no backup" in liar.run("backup", "board.backup", code=4).err
    assert not list(liar.folder.iterdir())


def test_a_page_of_somebody_else_is_no_stream_of_events(liar):
    liar.answer = HEAD + b"text/html\r\n\r\n<p>Welcome"
    assert "no stream of events" in liar.run("watch", "--since", "0", code=4).err


def test_a_stream_whose_type_a_proxy_has_added_to_is_one(liar):
    liar.answer = HEAD + b"Text/Event-Stream; charset=utf-8\r\n\r\nid: 1\ndata: {}\n\n"
    liar.run("watch", "--since", "0", "--count", "2")
    assert liar.asked == 2, "it ended, and was asked for again"


def test_a_page_of_somebody_else_has_no_work(liar):
    liar.answer = HEAD + b"text/html\r\n\r\n<p>Welcome"
    for how in ((), ("--once",), ("--until-empty",)):
        assert liar.run("work", *how, "--", "true", code=4).err.count("not from a board") == 1


@pytest.mark.parametrize("words", [("ls",), ("claim",), ("show", "x"), ("work", "--once", "--", "true")])
def test_a_page_that_is_not_there_is_not_that_nothing_is_ready(liar, words):
    liar.answer = HEAD.replace(b"200 OK", b"404 Not Found") + b"text/html\r\n\r\n<p>No such page"
    assert "not a board's" in liar.run(*words, code=1).err


def test_a_worker_that_does_not_wait_at_the_board_does_not_flood_it(liar):
    liar.answer = HEAD + b'application/json\r\n\r\n{"tasks":[],"count":0}'
    worker = liar.start("work", "--wait", "0", "--", "true")
    eventually(lambda: liar.asked >= 3, "it to ask again and again")
    begun, before = time.monotonic(), liar.asked
    eventually(lambda: liar.asked >= before + 3, "it to ask on")
    assert time.monotonic() - begun > 1.5
    worker.signal().ended()

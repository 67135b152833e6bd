"""Clients that never come to an end with their request are let go, and hinder nobody meanwhile."""

import json
import re
import signal
import threading
from pathlib import Path

from harness import Raw, TOKEN, eventually
from tools.prometheus_text import parse

BODY = json.dumps({"title": "never finished", "createdBy": "c"})
HEAD = (f"POST /board/tasks HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Content-Length: {len(BODY)}\r\n\r\n")
CHUNKED = HEAD.replace(f"Content-Length: {len(BODY)}", "Transfer-Encoding: chunked")

STOPS = {
    "nothing": "",
    "in the request line": "GET /board",
    "in a header": HEAD[:50],
    "before the body": HEAD,
    "in the body": HEAD + BODY[:10],
    "in a chunk": CHUNKED + "100\r\n" + BODY,
    "between two requests": "GET /health HTTP/1.1\r\nHost: t\r\n\r\n",
    "in the second request": "GET /health HTTP/1.1\r\nHost: t\r\n\r\nGET /hea",
}


def drip(raw, stop):
    """Sends the request a byte at a time, so that there is never silence for long."""
    for byte in (HEAD + BODY).encode():
        if stop.wait(0.2) or not raw.send(bytes([byte])):
            return


def test_requests_that_never_end_are_cut_off_while_others_are_served(own_server, board):
    connections = {name: own_server.raw() for name in STOPS}
    for name, text in STOPS.items():
        connections[name].send(text)
    dripping, stop = Raw(own_server.port), threading.Event()
    thread = threading.Thread(target=drip, args=[dripping, stop])
    thread.start()
    try:
        for n in range(50):
            board.create(str(n))
        for name, raw in connections.items():
            received = raw.receive_all()  # to the end: the server closes
            assert received == b"" or received.startswith(b"HTTP/1.1 "), name
        eventually(lambda: not thread.is_alive(), "the dripping client to be cut off")
    finally:
        stop.set()
        thread.join()
        dripping.close()
        for raw in connections.values():
            raw.close()
    assert len(board.list()) == 50
    assert board.head_seq() == 50


def is_stopped(server):
    return Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_who_sends_many_requests_at_once_does_not_hold_up_others(serve):
    """While the server stands still one client asks, and then another one a thousand times. The loop comes to that one first; the
    first client must not wait for all of its answers."""
    server, count = serve("--threads", "1"), 1000
    board = server.client()
    board.create_many([{"title": f"t{n}", "createdBy": "c"} for n in range(500)])
    with Raw(server.port) as one, Raw(server.port) as many:
        server.turn_round()
        server.send_signal(signal.SIGSTOP)
        eventually(lambda: is_stopped(server), "the server to stand still")
        try:
            one.send(f"GET /metrics HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")
            many.send(f"HEAD /board/tasks?limit=500 HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\n\r\n" * count)
        finally:
            server.send_signal(signal.SIGCONT)
        answered = parse(one.answer().body.decode())["taskboard_http_requests_total"].total(method="GET", route="/board/tasks")
        assert answered < count / 2
        many.half_close()
        assert many.receive_all().count(b"HTTP/1.1 200 OK") == count


AT_ONCE = 256  # connections that the loop is told of in one turn
SPARE = 8      # it may be told of something else, too


def test_who_asks_once_is_not_passed_by_who_asks_in_the_next_turn(serve):
    """The loop comes to the last one that it is told of first, and nearly the last one asks three hundred times."""
    server = serve("--threads", "1")
    server.client().create_many([{"title": f"t{n}", "createdBy": "c"} for n in range(500)])
    early, many, late = [Raw(server.port) for _ in range(AT_ONCE - SPARE)], Raw(server.port), [Raw(server.port) for _ in range(40)]
    ask = "GET /ui/login HTTP/1.1\r\nHost: t\r\nX-Request-Id: {}\r\n\r\n"
    try:
        server.turn_round()
        server.send_signal(signal.SIGSTOP)
        eventually(lambda: is_stopped(server), "the server to stand still")
        try:
            for raw in early:
                raw.send(ask.format("early"))
            many.send(f"HEAD /board/tasks?limit=500 HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\n\r\n" * 300)
            for raw in late:
                raw.send(ask.format("late"))
        finally:
            server.send_signal(signal.SIGCONT)
        assert {raw.answer().status for raw in early + late} == {200}
        many.half_close()
        many.receive_all()
    finally:
        for raw in [*early, many, *late]:
            raw.close()
    server.leave()
    server.stop()
    answered = re.findall(r" id=(early|late) ", server.log())
    late_ones = [place for place, who in enumerate(answered) if who == "late"]
    assert "early" in answered and "early" not in answered[late_ones[SPARE]:]


def test_hundreds_of_connections_are_served_side_by_side(own_server):
    clients = [own_server.client() for _ in range(300)]
    for number, client in enumerate(clients):
        assert client.create(str(number))["title"] == str(number)
    for client in clients:
        assert client.get("/health").status == 200
    assert len(clients[0].list("fields=id")) == 300

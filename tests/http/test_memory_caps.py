"""What many clients together can make the server keep in memory is bounded, and hitting the bound is a clear end."""

import json

import pytest
from harness import Raw, TOKEN, eventually

MIB = 1024 * 1024
CAP = 512 * MIB  # of bodies on their way, of answers that wait: each, over all loops
SOON_SECONDS = 20  # and long before a client that does not read is let go
HEAD = f"HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\n"


def is_cut(raw):
    """Has the server ended the connection? It says nothing to a request that is not whole."""
    raw.socket.setblocking(False)
    try:
        return raw.socket.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_bodies_on_their_way_take_no_more_than_their_cap(own_server, board):
    part = b"x" * (12 * MIB)
    count = 2 * CAP // len(part)
    connections = [Raw(own_server.port) for _ in range(count)]
    try:
        for raw in connections:
            raw.send(f"POST /board/tasks {HEAD}Content-Length: {15 * MIB}\r\n\r\n")
            raw.send(part)
        eventually(lambda: sum(not is_cut(raw) for raw in connections) * len(part) <= CAP,
                   "enough of the connections to be cut off")
        assert any(not is_cut(raw) for raw in connections)
        assert board.create("still served")["title"] == "still served"
    finally:
        for raw in connections:
            raw.close()
    assert board.head_seq() == 1


def held_read(board):
    return f'GET /board/tasks?wait=50 {HEAD}If-None-Match: {board.get("/board/tasks").headers["ETag"]}\r\n\r\n'


def waiting_claim(_):
    body = json.dumps({"agent": "a", "tags": ["none"], "wait": 50})
    return f"POST /board/claim {HEAD}Content-Length: {len(body)}\r\n\r\n{body}"


def slowed_logins(_):
    return "GET /board/tasks HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer wrong\r\n\r\n" * 1000


def untaken_answers(_):
    return "GET /ui/login HTTP/1.1\r\nHost: t\r\n\r\n" * 4000


@pytest.mark.parametrize("behind", [untaken_answers, slowed_logins, held_read, waiting_claim])
def test_what_clients_send_ahead_of_an_answer_takes_no_more_than_the_cap(own_server, board, behind):
    """The buffer of a large body lives on while something stands in it: here requests behind it, which are not answered soon."""
    body = b"x" * (12 * MIB)
    ahead = behind(board) + "GET / HTTP/1.1\r\n"
    connections = [Raw(own_server.port, receive_buffer=4096) for _ in range(2 * CAP // len(body))]
    try:
        for raw in connections:
            raw.send(f"POST /ui/login HTTP/1.1\r\nHost: t\r\nContent-Length: {len(body)}\r\n\r\n")
            raw.send(body[:-1])
            raw.send(body[-1:] + ahead.encode())
        eventually(lambda: own_server.resident_bytes() < CAP + 128 * MIB, "enough of the connections to be cut off", SOON_SECONDS)
        large = b"[" + b'{"title":"t","createdBy":"c"}' + b" " * (2 * MIB) + b"]"
        assert board.post("/board/tasks", large).status == 201, "those who came first are cut off"
    finally:
        for raw in connections:
            raw.close()


def test_answers_that_nobody_reads_take_no_more_than_their_cap(own_server, board):
    task = board.create("talked about")
    content = "x" * 65000
    for _ in range(60):
        board.post(f"/board/tasks/{task['id']}/notes", {"author": "a", "content": content, "type": "update"})
    answer_bytes = len(json.dumps(board.get(f"/board/tasks/{task['id']}").json))
    connections = []

    def ask_in_vain():
        """One more that does not read: the look itself may have had the last room for a moment."""
        connections.append(Raw(own_server.port, receive_buffer=4096))
        return connections[-1].send(f"GET /board/tasks/{task['id']} {HEAD}\r\n")

    def look():
        ask_in_vain()
        answer = board.get(f"/board/tasks/{task['id']}", check=False)
        return answer if answer.status != 200 else None

    try:
        for _ in range(2 * CAP // answer_bytes):
            ask_in_vain()
        refused = eventually(look, "large answers to be refused")
        assert (refused.status, refused.json["code"]) == (503, "overloaded")
        assert int(refused.headers["Retry-After"]) >= 1
        assert board.create("still served")["title"] == "still served"
    finally:
        for raw in connections:
            raw.close()
    eventually(lambda: board.get(f"/board/tasks/{task['id']}").status == 200, "the room to be given back")

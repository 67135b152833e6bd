"""GET /events/ws: the same events as text frames (RFC 6455)."""

import socket
import struct
import threading

import pytest
from harness import Ended, TOKEN, Ws, eventually, refused
from tools.prometheus_text import parse


def plan(board, count=3):
    return board.create_many([{"title": "t", "createdBy": "c"}] * count)


# --- the handshake ---

def test_the_accept_key_is_that_of_the_standard(shared_server):
    with Ws(shared_server) as ws:  # its harness compares the key
        assert ws.status == 101
        assert "content-type" not in ws.headers and "sec-websocket-extensions" not in ws.headers


@pytest.mark.parametrize("headers", [
    {"Upgrade": None}, {"Upgrade": "h2c"}, {"Connection": "close"}, {"Sec-WebSocket-Version": "12"}, {"Sec-WebSocket-Version": None},
])
def test_what_is_no_handshake_is_told_what_is_spoken_here(shared_server, headers):
    with Ws(shared_server, headers=headers) as ws:
        assert ws.status == 426
        assert ws.headers["upgrade"] == "websocket" and ws.headers["sec-websocket-version"] == "13"
        assert "upgrade" in ws.headers["connection"]


def test_a_handshake_is_a_get(shared_server):
    asked = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    answer = shared_server.client().request("HEAD", "/events/ws", headers=asked, check=False)
    assert answer.status == 426 and answer.headers["Sec-WebSocket-Version"] == "13"


def test_a_plain_get_is_refused_in_our_own_form(client):
    refused(client.get("/events/ws"), 426, "upgrade_required", "WebSocket")
    assert client.get("/health").status == 200


@pytest.mark.parametrize("key", [None, "", "short", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25j!Q==", "dGhlIHNhbXBsZSBub25jZQAA"])
def test_a_key_that_is_none(shared_server, key):
    with Ws(shared_server, headers={"Sec-WebSocket-Key": key}) as ws:
        assert ws.status == 400


def test_it_needs_a_token(shared_server):
    with Ws(shared_server, token=None) as ws:
        assert ws.status == 401
    with Ws(shared_server, f"/events/ws?token={TOKEN}", token=None) as ws:
        assert ws.status == 401


def test_the_query_is_checked_before_the_upgrade(shared_server):
    with Ws(shared_server, "/events/ws?since=x") as ws:
        assert ws.status == 400


def test_other_paths_are_not_upgraded(shared_server):
    with Ws(shared_server, "/board/tasks") as ws:
        assert ws.status == 200


# --- events ---

def test_without_a_since_it_starts_now(own_server, board):
    plan(board, 1)
    with Ws(own_server) as ws:
        assert ws.headers["events-seq"] == "1"
        plan(board, 2)
        assert ws.events(2) == board.events("since=1")
        assert ws.is_quiet()


def test_since_and_filters_of_the_url(own_server, board):
    plan(board)
    tagged = board.create(tags=["x"])
    board.note(tagged["id"])
    with Ws(own_server, "/events/ws?since=1") as ws:
        assert ws.events(4) == board.events("since=1")
    with Ws(own_server, "/events/ws?since=0&tag=x&type=task.noted") as ws:
        assert ws.next()["seq"] == 5
        assert ws.is_quiet()


def test_beyond_the_head_is_a_reset(own_server, board):
    plan(board, 1)
    with Ws(own_server, "/events/ws?since=9") as ws:
        assert ws.next() == {"type": "reset", "oldest": 1, "head": 1}
        assert ws.next()["seq"] == 1


def test_events_of_every_length(own_server, board):
    task = board.create()
    for length in (1, 60, 126, 127, 40000, 65536):
        board.note(task["id"], content="n" * length)
    with Ws(own_server, "/events/ws?since=0") as ws:
        assert ws.events(7) == board.events("since=0")


# --- what a client may say ---

def test_another_filter(own_server, board):
    with Ws(own_server) as ws:
        ws.send({"tag": "x"})
        assert ws.echo() == []
        plan(board)
        task = board.create(tags=["x"])
        assert ws.next()["taskId"] == task["id"]
        ws.send({"type": "task.noted", "taskId": task["id"]})
        assert ws.echo() == []
        board.act(task["id"], "bump")
        board.note(task["id"])
        assert ws.next()["type"] == "task.noted"
        ws.send({})
        assert ws.echo() == []
        plan(board, 1)
        assert ws.next()["type"] == "task.created"


def test_another_since(own_server, board):
    plan(board)
    with Ws(own_server) as ws:
        ws.send({"since": 1, "topic": "board"})
        assert [event["seq"] for event in ws.events(2)] == [2, 3]
        ws.send({"since": 0})
        assert [event["seq"] for event in ws.events(3)] == [1, 2, 3]
        ws.send({"since": 99})
        assert ws.next() == {"type": "reset", "oldest": 1, "head": 3}
        assert [event["seq"] for event in ws.events(3)] == [1, 2, 3]
        assert ws.is_quiet()


def test_null_is_as_if_it_were_not_there(own_server, board):
    with Ws(own_server, "/events/ws?tag=none") as ws:
        ws.send({"tag": None, "since": None})
        assert ws.echo() == []
        plan(board, 1)
        assert ws.next()["seq"] == 1


@pytest.mark.parametrize("message, code", [
    (b"", None), (b" ", None), (b"{", "invalid_json"), (b"[]", "invalid_json"), (b"7", "invalid_json"),
    (b'{"since":1,"since":2}', "invalid_json"), (b'{"since":"1"}', "invalid_field"), (b'{"since":-1}', "invalid_field"),
    (b'{"since":1.5}', "invalid_field"), (b'{"since":1e30}', "invalid_field"), (b'{"topic":7}', "invalid_field"),
    (b'{"tag":["a"]}', "invalid_field"), (b'{"tags":"a"}', "unknown_field"), (b'{"tag":"\\ud800"}', "invalid_json"),
])
def test_a_wrong_message_is_answered_and_changes_nothing(own_server, board, message, code):
    with Ws(own_server, "/events/ws?tag=x") as ws:
        ws.send(message)
        if code is None:
            assert ws.echo() == []
            return
        answer = ws.next()  # no echo: a pong may overtake it
        assert (answer["type"], answer["code"]) == ("error", code) and answer["error"]
        board.create()
        board.create(tags=["x"])
        assert ws.next()["seq"] == 2


def test_the_answer_names_the_field(own_server):
    with Ws(own_server) as ws:
        ws.send({"types": "task.noted"})
        assert ws.next() == {"type": "error", "error": "unknown field types (did you mean type?)", "code": "unknown_field",
                             "field": "types", "nearest": "type"}
        ws.send({"topic": 1})
        assert ws.next()["field"] == "topic"


def test_a_message_in_fragments(own_server, board):
    with Ws(own_server) as ws:
        ws.send_frame(1, b'{"tag"', final=False)
        ws.send_frame(9, b"between")
        assert ws.next_frame() == (10, b"between")
        ws.send_frame(0, b':"x"', final=False)
        ws.send_frame(0, b"}")
        assert ws.echo() == []
        board.create()
        board.create(tags=["x"])
        assert ws.next()["seq"] == 2


def test_a_message_byte_by_byte(own_server, board):
    with Ws(own_server) as ws:
        for byte in ws.frame(1, b'{"tag":"x"}'):
            ws.raw.send(bytes([byte]))
        assert ws.echo() == []
        board.create()
        board.create(tags=["x"])
        assert ws.next()["seq"] == 2


def test_what_comes_with_the_handshake_counts(own_server, board):
    class Eager(Ws):
        def fill(self):
            if not hasattr(self, "sent"):
                self.sent = True
                self.send({"tag": "x"})
            super().fill()

    with Eager(own_server) as ws:
        assert ws.echo() == []
        board.create()
        board.create(tags=["x"])
        assert ws.next()["seq"] == 2


# --- control frames and faults ---

def test_a_ping_is_answered(shared_server):
    with Ws(shared_server) as ws:
        for payload in (b"", b"x", b"p" * 125):
            ws.send_frame(9, payload)
            assert ws.next_frame() == (10, payload)
        ws.send_frame(10, b"a pong that nobody asked for")
        assert ws.echo() == []


@pytest.mark.parametrize("payload", [b"", b"\x03\xe8", b"\x03\xe8bye", b"\x0f\xa0"])
def test_a_client_that_closes(own_server, board, payload):
    with Ws(own_server) as ws:
        ws.send_frame(8, payload)
        assert ws.next_frame() == (8, payload[:2])  # the code, without the reason
        with pytest.raises(Ended):
            ws.fill()
    eventually(lambda: "stream ended" in own_server.log())


@pytest.mark.parametrize("bad, code", [
    (dict(opcode=2, payload=b"x"), 1003),
    (dict(opcode=1, payload=b"x", masked=False), 1002),
    (dict(opcode=1, payload=b"x", reserved=0x40), 1002),
    (dict(opcode=3, payload=b"x"), 1002),
    (dict(opcode=0, payload=b"x"), 1002),
    (dict(opcode=9, payload=b"x", final=False), 1002),
    (dict(opcode=9, payload=b"x" * 126), 1002),
    (dict(opcode=8, payload=b"\x03"), 1005),
    (dict(opcode=8, payload=b"\x03\xed"), 1002),
    (dict(opcode=1, payload=b"\xff"), 1007),
    (dict(opcode=1, payload=b'{"tag":"' + b"x" * 8200 + b'"}'), 1009),
    (dict(opcode=1, payload=b"x" * 70000), 1009),
])
def test_faults_have_their_codes(own_server, board, bad, code):
    with Ws(own_server) as ws:
        ws.send_frame(**bad)
        assert ws.closed() == code
    assert board.get("/health").status == 200


def test_a_message_of_too_many_fragments(own_server):
    with Ws(own_server) as ws:
        ws.send_frame(1, b" ", final=False)
        for _ in range(100):
            ws.send_frame(0, b" ", final=False)
        assert ws.closed() == 1008


def test_the_longest_message_is_taken(own_server):
    with Ws(own_server) as ws:
        body = b'{"tag":"x"}'
        ws.send(body + b" " * (8192 - len(body)))
        assert ws.echo() == []


def test_nothing_is_sent_after_a_close(own_server, board):
    with Ws(own_server) as ws:
        ws.send_frame(2, b"x")
        for _ in range(20):
            board.create()
        before = 0
        while True:
            opcode, _ = ws.next_frame()
            if opcode == 8:
                break
            before += 1
        assert before <= 20
        ws.raw.half_close()
        with pytest.raises(Ended):
            ws.fill()


def streams(board):
    return parse(board.get("/metrics").body.decode())["taskboard_streams"].total()


def test_after_a_fault_the_server_ends_its_half_and_still_reads(serve):
    """Else the client would wait for an end that comes late, or lose the close frame to a reset."""
    server = serve("--threads", "1")
    board = server.client()
    with Ws(server) as ws:
        ws.send_frame(3, b"x")
        assert ws.next_frame() == (8, struct.pack(">H", 1002))
        with pytest.raises(Ended):
            ws.fill()
        assert streams(board) == 1, "the end came with that of the connection"
        for _ in range(10):
            assert ws.raw.send(ws.frame(1, b"x" * 50000))
            assert streams(board) == 1
    eventually(lambda: streams(board) == 0, "the stream to be over")


def test_a_flood_of_pings_is_bounded(own_server, board):
    """Who does not read his pongs is not read any further, and costs no memory."""
    with Ws(own_server, receive_buffer=4096) as ws:
        ws.raw.socket.settimeout(0.5)
        flood, sent = ws.frame(9, b"p" * 125) * 1000, 0
        try:
            while sent < 200_000_000:
                sent += ws.raw.socket.send(flood)
        except (socket.timeout, ConnectionError):
            pass
        assert sent < 100_000_000, "the server read all of it"
        assert own_server.resident_bytes() < 300_000_000
        assert board.get("/health").status == 200


def test_a_client_that_leaves_is_noticed(own_server):
    ws = Ws(own_server)
    ws.leave()
    eventually(lambda: "stream ended" in own_server.log())
    assert "path=/events/ws status=101" in own_server.log()


def test_draining_says_goodbye(own_server, board):
    sockets = [Ws(own_server) for _ in range(5)]
    own_server.leave()
    stopping = threading.Thread(target=own_server.stop)
    stopping.start()
    for ws in sockets:
        with pytest.raises(Ended) as ended:
            ws.next()
        assert ended.value.args[0] == 1001
        ws.send_frame(8, b"\x03\xe9")
        with pytest.raises(Ended):
            ws.fill()
    stopping.join()


def test_draining_does_not_wait_for_who_does_not_answer(serve):
    server = serve("--drain-seconds", "20")
    with Ws(server):
        server.stop()


# --- what has to wait ---

def silence_is_answered_with_a_ping(server):
    with Ws(server) as ws:
        opcode, payload = ws.within(30).next_frame()
        assert opcode == 9
        ws.send_frame(10, payload)
        assert ws.echo() == []


def who_gives_no_sign_of_life_is_let_go(server):
    with Ws(server) as ws:
        assert ws.within(60).closed() == 1011


@pytest.mark.parametrize("story", [silence_is_answered_with_a_ping, who_gives_no_sign_of_life_is_let_go], ids=lambda story: story.__name__)
def test_in_time(end_of, story):
    end_of(story)

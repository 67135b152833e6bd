"""Streams in gzip: each event can be read as soon as it is sent, and what is read is what a plain stream says."""

import os
import threading

import pytest
from harness import GZIP, Ended, Sse, TOKEN, Ws, at_the_same_time, event_log, eventually

FEED_EVENT = {"agent": "ann", "type": "finding"}
PATHS = ["/events/stream", "/feed/stream"]


def random_text(count):
    return os.urandom(count // 2).hex()


def publish(client, summary):
    answer = client.post("/feed/events", {**FEED_EVENT, "summary": summary})
    assert answer.status == 201, answer
    return answer.json


# --- who gets it ---

YES = ["gzip", "GZIP", "gzip, deflate, br", "deflate, gzip;q=0.5", "*", "identity;q=0.2, gzip;q=0.3"]
NO = [None, "", "identity", "br, deflate", "gzip;q=0", "gzip;q=0.0, *", "*;q=0", "gzip;q=0.5, identity", "gzip;q=3"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("accepted, coding", [(value, "gzip") for value in YES] + [(value, None) for value in NO])
def test_who_asks_for_it_gets_it(shared_server, path, accepted, coding):
    headers = {} if accepted is None else {"Accept-Encoding": accepted}
    with Sse(shared_server, path, headers) as stream:
        assert stream.status == 200
        assert stream.headers.get("content-encoding") == coding
        assert stream.headers["vary"].lower() == "accept-encoding"
        assert stream.headers["content-type"] == "text/event-stream" and "content-length" not in stream.headers
        assert stream.opening.retry == 2000


def test_two_lines_are_one_list(shared_server):
    with shared_server.raw() as raw:
        raw.send(f"GET /events/stream HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\n"
                 "Accept-Encoding: br\r\nAccept-Encoding: gzip\r\n\r\n")
        seen = b""
        while b"\r\n\r\n" not in seen:
            seen += raw.receive()
        assert b"content-encoding: gzip" in seen


def test_head_says_the_same(client):
    assert client.request("HEAD", "/events/stream", headers=GZIP).headers["Content-Encoding"] == "gzip"
    answer = client.request("HEAD", "/events/stream", headers={"Accept-Encoding": "identity"})
    assert answer.headers["Content-Encoding"] is None and answer.headers["Vary"].lower() == "accept-encoding"


def test_a_refusal_is_plain(client):
    answer = client.get("/events/stream?since=x", headers=GZIP)
    assert answer.status == 400 and answer.json["code"] == "invalid_query" and answer.headers["Content-Encoding"] is None


def test_a_websocket_is_plain(own_server, board):
    with Ws(own_server, headers=GZIP) as ws:
        assert "content-encoding" not in ws.headers
        board.create()
        assert ws.next()["seq"] == 1


# --- what it says ---

def test_each_event_at_once(own_server, board):
    with Sse(own_server, headers=GZIP) as stream:
        for seq in range(1, 51):
            board.create(title=random_text(seq * 4))
            assert stream.next().id == str(seq)
            assert stream.bytes == b""
        assert not stream.is_whole


def test_the_events_are_those_of_the_log(own_server, board):
    task = board.create(tags=["a"], createdBy="ann")
    board.note(task["id"], content="a \"note\"\nwith\u2028lines\r\nand ü")
    for n in range(8):
        board.note(task["id"], content=random_text(65536))
    with Sse(own_server, "/events/stream?since=0", GZIP) as stream:
        assert stream.events(10) == event_log(board)
        assert stream.is_quiet()
    with Sse(own_server, "/events/stream?since=0&type=task.created", GZIP) as stream:
        assert [event["type"] for event in stream.events(1)] == ["task.created"]
        board.create()
        assert stream.next().id == "11"


def test_a_long_log_comes_whole_and_small(own_server, board):
    for _ in range(6):
        board.create_many([{"title": "t" * 500, "createdBy": "c"}] * 1000, check=False)
    with Sse(own_server, "/events/stream?since=0", GZIP) as stream:
        for seq in range(1, 6001):
            assert stream.next().id == str(seq)
        assert stream.received < 6000 * 100


def test_the_feed(own_server, board):
    first = publish(board, "first")
    with Sse(own_server, "/feed/stream?since=00000000000000000000000000", GZIP) as stream:
        assert stream.next().json == first
        board.create()
        second = publish(board, "second")
        assert stream.next().json == second
        last_id = stream.last_id
    third = publish(board, "third")
    with Sse(own_server, "/feed/stream", GZIP, last_id=last_id) as stream:
        assert stream.events(1) == [third]


def test_who_comes_back_goes_on_where_it_was(own_server, board):
    board.create_many([{"title": "t", "createdBy": "c"}] * 10)
    last_id = "0"
    for seq in range(1, 11):
        with Sse(own_server, headers=GZIP if seq % 2 else None, last_id=last_id) as stream:
            assert stream.next().id == str(seq)
            last_id = stream.last_id


def test_a_reset(own_server, board):
    board.create_many([{"title": "t", "createdBy": "c"}] * 2)
    with Sse(own_server, headers=GZIP, last_id="7") as stream:
        assert stream.opening.id is None
        reset = stream.next()
        assert (reset.name, reset.json, reset.id) == ("reset", {"oldest": 1, "head": 2}, "0")
        assert [event["seq"] for event in stream.events(2)] == [1, 2]
        board.create()
        assert stream.next().id == "3"


def test_heartbeats_stand_between_events(own_server, board):
    with Sse(own_server, headers=GZIP) as stream, Sse(own_server, "/feed/stream", GZIP) as feed:
        board.create()
        assert stream.next().id == "1"
        beat = stream.within(20).block()
        assert (beat.comments, beat.id, beat.data) == (["heartbeat"], "1", None)
        assert feed.within(20).until(b"\n\n") == b": heartbeat\n\n"
        event = publish(board, "behind")
        assert stream.next().id == "2"
        assert feed.next().json == event
        own_server.leave()
        own_server.stop()
        for one in (stream, feed):
            with pytest.raises(Ended):
                one.next()
            assert one.is_whole, "the sum counts the heartbeat, too"


# --- many, and slow ones ---

def test_streams_in_both_codings_get_the_same(own_server, board):
    streams = [Sse(own_server, "/events/stream?since=0", GZIP if n % 2 else None) for n in range(50)]
    at_the_same_time(*[lambda: [own_server.client().create() for _ in range(20)] for _ in range(5)])
    log = board.events("since=0&limit=1000")
    assert len(log) == 100
    for stream in streams:
        assert stream.events(100) == log
        stream.leave()


def test_a_slow_reader_misses_nothing_and_keeps_nobody_waiting(own_server, board):
    def fill():
        board.create_many([{"title": random_text(1000), "createdBy": "c"} for _ in range(1000)], check=False)

    fill()
    with Sse(own_server, "/events/stream?since=0", GZIP, receive_buffer=4096) as slow, \
            Sse(own_server, "/events/stream?since=0", GZIP) as quick:
        for _ in range(9):
            fill()
        for seq in range(1, 10001):
            assert quick.next().id == str(seq)
        for seq in range(1, 10001):
            assert slow.next().id == str(seq)
        assert slow.received > 5_000_000, "what it was sent did not fit into any buffer on the way"


def test_a_slow_reader_that_falls_past_retention_is_told(serve):
    server = serve("--retain-events", "1000")
    board = server.client()
    with Sse(server, headers=GZIP, receive_buffer=4096) as slow:
        for _ in range(20):
            board.create_many([{"title": random_text(1000), "createdBy": "c"} for _ in range(1000)], check=False)
        board.wait_for_trim(beyond=10000)
        seen, resets = 0, 0
        while seen < 20000:
            event = slow.next()
            if event.name == "reset":
                resets += 1
                assert event.json["oldest"] > seen + 1
                seen = event.json["oldest"] - 1
            else:
                seen += 1
                assert int(event.id) == seen
        assert resets > 0


# --- the end ---

def test_draining_ends_it_as_a_whole(own_server, board):
    streams = [Sse(own_server, path, GZIP) for path in PATHS * 3]
    event = publish(board, "the last one")
    own_server.leave()
    stopping = threading.Thread(target=own_server.stop)
    stopping.start()
    for stream in streams:
        assert stream.next().json["id"] == event["id"]
        with pytest.raises(Ended):
            stream.next()
        assert stream.is_whole
    stopping.join()


def test_a_cut_is_no_end(own_server, board):
    """Who is cut off, by a proxy or a crash, has everything up to there, and can tell it from an end."""
    with Sse(own_server, headers=GZIP) as stream:
        board.create()
        eventually(lambda: board.head_seq() == 1)
        assert stream.next().id == "1"
        own_server.kill()
        with pytest.raises(Ended):
            stream.next()
        assert not stream.is_whole

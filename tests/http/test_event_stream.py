"""GET /events/stream: every event, in order, from wherever the client left off."""

import threading

import pytest
from harness import Ended, Sse, TOKEN, at_the_same_time, event_log, eventually, refused


def test_the_head_says_what_it_is(shared_server, client):
    head = client.head_seq()
    with Sse(shared_server) as stream:
        assert stream.status == 200
        assert stream.headers["content-type"] == "text/event-stream"
        assert stream.headers["cache-control"] == "no-store"
        assert stream.headers["x-accel-buffering"] == "no"
        assert stream.headers["x-content-type-options"] == "nosniff"
        assert stream.headers["events-seq"] == str(head)
        assert "close" in stream.headers["connection"] and "content-length" not in stream.headers
        assert stream.opening.retry == 2000 and stream.opening.data is None
        assert stream.opening.id == str(head)


def test_without_a_since_it_starts_now(shared_server, client):
    client.create()
    with Sse(shared_server) as stream:
        assert stream.is_quiet()
        task = client.create(title="seen")
        event = stream.next()
        assert event.name is None and event.id == str(client.head_seq())
        assert event.json["data"]["task"]["id"] == task["id"] and event.json["seq"] == int(event.id)
        assert stream.is_quiet()


def test_the_events_are_those_of_the_log(own_server, board):
    task = board.create(tags=["a"], createdBy="ann")
    board.note(task["id"], content="a \"note\"\nwith\u2028lines\r\nand ü")
    board.done(task["id"])
    with Sse(own_server, "/events/stream?since=0") as stream:
        assert stream.events(3) == board.events("since=0")
        assert stream.is_quiet()


@pytest.mark.parametrize("since", [0, 1, 2, 3])
def test_since_is_exclusive(own_server, board, since):
    board.create_many([{"title": "t", "createdBy": "c"}] * 3)
    with Sse(own_server, f"/events/stream?since={since}") as stream:
        assert [event["seq"] for event in stream.events(3 - since)] == list(range(since + 1, 4))
        assert stream.is_quiet()


def test_the_header_wins_over_the_url(own_server, board):
    board.create_many([{"title": "t", "createdBy": "c"}] * 3)
    with Sse(own_server, "/events/stream?since=0", last_id="2") as stream:
        assert stream.next().id == "3"
    with Sse(own_server, "/events/stream", last_id="1") as stream:
        assert stream.next().id == "2"
    with Sse(own_server, "/events/stream?since=2", last_id="") as stream:
        assert stream.next().id == "3"


def test_who_is_cut_off_before_any_event_resumes_all_the_same(own_server, board):
    with Sse(own_server) as stream:
        last_id = stream.last_id
    board.create()
    with Sse(own_server, last_id=last_id) as stream:
        assert stream.next().id == "1"


@pytest.mark.parametrize("last_id", ["x", "-1", "1.5", "99999999999999999999", "1 2"])
def test_an_id_that_is_none(shared_server, client, last_id):
    refused(client.get("/events/stream", headers={"Last-Event-ID": last_id}), 400, "invalid_header", "Last-Event-ID")


@pytest.mark.parametrize("query", ["since=x", "since=-1", "since=1&since=2"])
def test_a_since_that_is_none(client, query):
    refused(client.get(f"/events/stream?{query}"), 400, "invalid_query", "since")


def test_it_needs_a_token(shared_server):
    for token, status in ((None, 401), ("wrong", 401)):
        with Sse(shared_server, token=token) as stream:
            assert stream.status == status


def test_a_token_in_the_url_is_none(shared_server):
    with Sse(shared_server, f"/events/stream?token={TOKEN}&access_token={TOKEN}", token=None) as stream:
        assert stream.status == 401


@pytest.mark.parametrize("path", ["/events/stream", "/feed/stream"])
def test_head_gets_the_head_only(client, path):
    answer = client.request("HEAD", path)
    assert "Content-Length" not in answer.headers, "a stream has none"
    assert answer.status == 200 and answer.body == b"" and answer.headers["Content-Type"] == "text/event-stream"
    assert client.get("/health").status == 200


def test_beyond_the_head_is_a_reset(own_server, board):
    board.create_many([{"title": "t", "createdBy": "c"}] * 2)
    with Sse(own_server, last_id="7") as stream:
        assert stream.opening.id is None
        reset = stream.next()
        assert (reset.name, reset.json, reset.id) == ("reset", {"oldest": 1, "head": 2}, "0")
        assert [event["seq"] for event in stream.events(2)] == [1, 2]
        board.create()
        assert stream.next().id == "3"


def test_a_reset_of_an_empty_log(own_server):
    with Sse(own_server, last_id="7") as stream:
        reset = stream.next()
        assert (reset.name, reset.json, reset.id) == ("reset", {"oldest": 1, "head": 0}, "0")


FILTERS = ["topic=board", "topic=feed", "type=task.done", "type=task.noted", "agent=ann", "agent=", "tag=a", "tag=a&tag=b",
           "type=task.noted&type=task.created", "taskId=nonsense"]


@pytest.mark.parametrize("query", FILTERS)
def test_filters_are_those_of_the_list(own_server, board, query):
    for agent in ("ann", "bob"):
        task = board.create(createdBy=agent, tags=["a"] if agent == "ann" else ["a", "b"])
        board.note(task["id"], author=agent)
    expected = board.events(f"{query}&limit=100")
    with Sse(own_server, f"/events/stream?since=0&{query}") as stream:
        assert stream.events(len(expected)) == expected
        assert stream.is_quiet()
        board.create(createdBy="ann", tags=["a", "b"])
        more = board.events(f"{query}&limit=100&since=4")
        assert stream.events(len(more)) == more


def test_one_task(own_server, board):
    tasks = board.create_many([{"title": "t", "createdBy": "c"}] * 2)
    with Sse(own_server, f"/events/stream?since=0&taskId={tasks[1]['id']}") as stream:
        assert stream.next().json["taskId"] == tasks[1]["id"]
        board.note(tasks[0]["id"])
        board.note(tasks[1]["id"])
        assert stream.next().json["type"] == "task.noted"
        assert stream.is_quiet()


def test_one_task_far_back_in_a_long_log(own_server, board):
    (wanted,) = board.create_many([{"title": "wanted", "createdBy": "c"}], check=False)
    for _ in range(5):
        board.create_many([{"title": "t", "createdBy": "c"}] * 1000, check=False)
    board.note(wanted["id"])
    with Sse(own_server, f"/events/stream?since=0&taskId={wanted['id']}") as stream:
        assert [event["seq"] for event in stream.events(2)] == [1, 5002]
        board.act(wanted["id"], "bump")
        assert stream.next().json["type"] == "task.bumped"


def test_a_long_log_comes_whole(own_server, board):
    for _ in range(6):
        board.create_many([{"title": "t" * 500, "createdBy": "c"}] * 1000, check=False)
    with Sse(own_server, "/events/stream?since=0") as stream:
        for seq in range(1, 6001):
            assert stream.next().id == str(seq)
    with Sse(own_server, "/events/stream?since=0&tag=none") as stream:
        assert stream.is_quiet()
        board.create(tags=["none"])
        assert stream.next().id == "6001"


def test_large_events(own_server, board):
    task = board.create()
    for n in range(8):
        board.note(task["id"], content=chr(ord("a") + n) * 65536)
    with Sse(own_server, "/events/stream?since=0") as stream:
        assert stream.events(9) == event_log(board)


def test_many_streams_get_the_same(own_server, board):
    streams = [Sse(own_server, "/events/stream?since=0") for _ in range(50)]
    at_the_same_time(*[lambda: [own_server.client().create() for _ in range(20)] for _ in range(5)])
    log = board.events("since=0&limit=1000")
    assert len(log) == 100
    for stream in streams:
        assert stream.events(100) == log
        stream.leave()


def test_a_stream_does_not_keep_other_requests_waiting(serve):
    server = serve("--threads", "1")
    with Sse(server):
        assert server.client().get("/health").status == 200


def test_what_the_client_sends_behind_is_not_read_as_a_request(own_server, board):
    with Sse(own_server) as stream:
        stream.raw.send("GET /health HTTP/1.1\r\nHost: t\r\n\r\n")
        board.create()
        assert stream.next().id == "1"
        assert stream.is_quiet()


def test_http_1_0(own_server, board):
    with own_server.raw() as raw:
        raw.send(f"GET /events/stream?since=0 HTTP/1.0\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")
        board.create()
        seen = b""
        while b'"seq":1,' not in seen:
            seen += raw.receive()
        assert b"transfer-encoding" not in seen.lower()


def test_a_client_that_leaves_is_noticed(own_server, board):
    stream = Sse(own_server)
    stream.leave()
    eventually(lambda: "stream ended" in own_server.log(), "the end of the stream to be logged")
    assert own_server.log().count("path=/events/stream status=200") == 1


def test_draining_ends_streams(own_server, board):
    streams = [Sse(own_server) for _ in range(5)]
    board.create()
    own_server.leave()
    stopping = threading.Thread(target=own_server.stop)
    stopping.start()
    for stream in streams:
        assert stream.next().id == "1"
        with pytest.raises(Ended):
            stream.next()
    stopping.join()


def test_a_restart_in_between(own_server, board):
    board.create()
    with Sse(own_server, "/events/stream?since=0") as stream:
        assert stream.next().id == "1"
        last_id = stream.last_id
    own_server.restart()
    own_server.client().create()
    with Sse(own_server, last_id=last_id) as stream:
        assert stream.next().id == "2"


def trim(board):
    """Writes more than is kept, until the log begins later than at 1."""
    for _ in range(3):
        board.create_many([{"title": "t", "createdBy": "c"}] * 1000, check=False)
    board.wait_for_trim(beyond=2)


def test_what_is_not_kept_any_more_is_a_reset(serve):
    server = serve("--retain-events", "1000")
    board = server.client()
    trim(board)
    with Sse(server, "/events/stream?since=1") as stream:
        assert stream.opening.id == "1"
        reset = stream.next()
        assert reset.name == "reset" and reset.json["head"] == board.head_seq() and reset.json["oldest"] > 2
        assert int(reset.id) == reset.json["oldest"] - 1
        assert stream.next().id == str(reset.json["oldest"])
    oldest = reset.json["oldest"]
    with Sse(server, last_id=str(oldest - 1)) as stream:
        assert stream.next().name is None, "nothing was lost"


def test_a_slow_reader_that_falls_past_retention_is_told(serve):
    server = serve("--retain-events", "1000")
    board = server.client()
    with Sse(server, receive_buffer=4096) as slow, Sse(server, "/events/stream?tag=rare") as waiting:
        for _ in range(20):
            board.create_many([{"title": "t" * 1000, "createdBy": "c"}] * 1000, check=False)
        board.create(tags=["rare"])
        board.wait_for_trim(beyond=10000)
        seen, resets = 0, 0
        while seen < 20001:
            event = slow.next()
            if event.name == "reset":
                resets += 1
                assert event.json["oldest"] > seen + 1
                seen = event.json["oldest"] - 1
            else:
                seen += 1
                assert int(event.id) == seen
        assert resets > 0
        assert waiting.next().json["seq"] == 20001, "who keeps up loses nothing"


# --- what has to wait ---

def heartbeats_come_and_carry_the_id(server):
    with Sse(server, "/events/stream?tag=rare") as stream:
        server.client().create()
        beat = stream.within(20).block()
        assert beat.comments == ["heartbeat"] and beat.data is None
        assert beat.id == "1"


@pytest.mark.parametrize("story", [heartbeats_come_and_carry_the_id], ids=lambda story: story.__name__)
def test_in_time(end_of, story):
    end_of(story)

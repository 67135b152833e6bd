"""GET /feed/stream: unnamed events, each one of the feed, as today's clients read them."""

import pytest
from harness import Sse, refused

EVENT = {"agent": "ann", "type": "finding", "summary": "it works"}


def publish(client, **fields):
    answer = client.post("/feed/events", {**EVENT, **fields})
    assert answer.status == 201, answer
    return answer.json


def test_new_events_as_they_come(own_server, board):
    publish(board, summary="old")
    with Sse(own_server, "/feed/stream") as stream:
        assert stream.headers["content-type"] == "text/event-stream"
        assert stream.is_quiet()
        board.create()
        event = publish(board, detail="d", metadata={"m": 1})
        seen = stream.next()
        assert (seen.name, seen.id, seen.json) == (None, event["id"], event)
        assert stream.is_quiet()


def test_since_an_id(own_server, board):
    events = [publish(board, summary=f"s{n}") for n in range(4)]
    with Sse(own_server, f"/feed/stream?since={events[1]['id']}") as stream:
        assert stream.events(2) == events[2:]
    with Sse(own_server, f"/feed/stream?since={events[0]['id']}", last_id=events[2]["id"]) as stream:
        assert stream.events(1) == events[3:]
    with Sse(own_server, "/feed/stream?since=00000000000000000000000000") as stream:
        assert stream.events(4) == events


def test_an_id_of_the_log_that_is_not_of_the_feed(own_server, board):
    publish(board)
    board.create()
    (created,) = board.events("topic=board")
    event = publish(board, summary="behind")
    with Sse(own_server, f"/feed/stream?since={created['id']}") as stream:
        assert stream.next().json == event


def test_one_agent(own_server, board):
    with Sse(own_server, "/feed/stream?agent=bob&since=00000000000000000000000000") as stream:
        publish(board)
        event = publish(board, agent="bob")
        assert stream.next().json == event
        board.create(createdBy="bob")
        assert stream.is_quiet()


def test_clearing_is_no_event_of_the_feed(own_server, board):
    old = publish(board, summary="old")
    with Sse(own_server, "/feed/stream") as stream:
        assert board.request("DELETE", "/feed/events").status == 200
        new = publish(board, summary="new")
        assert stream.next().json == new
    with Sse(own_server, "/feed/stream?since=00000000000000000000000000") as stream:
        assert stream.next().json == new
    with Sse(own_server, f"/feed/stream?since={old['id']}") as stream:
        assert stream.next().json == new


@pytest.mark.parametrize("since", ["x", "17", "2026-01-01T00:00:00Z"])
def test_a_since_that_is_none(board, since):
    refused(board.get(f"/feed/stream?since={since}"), 400, "invalid_query", "since")
    refused(board.get("/feed/stream", headers={"Last-Event-ID": since}), 400, "invalid_header", "Last-Event-ID")


def test_a_cut_and_a_restart(own_server, board):
    first = publish(board, summary="first")
    with Sse(own_server, "/feed/stream?since=00000000000000000000000000") as stream:
        assert stream.next().json == first
        last_id = stream.last_id
    second = publish(board, summary="second")
    own_server.restart()
    third = publish(own_server.client(), summary="third")
    with Sse(own_server, "/feed/stream", last_id=last_id) as stream:
        assert stream.events(2) == [second, third]


def test_it_needs_a_token(shared_server):
    with Sse(shared_server, "/feed/stream", token=None) as stream:
        assert stream.status == 401


# --- what has to wait ---

def heartbeats_are_those_that_clients_know(server):
    with Sse(server, "/feed/stream") as stream:
        assert stream.within(20).until(b"\n\n") == b": heartbeat\n\n"


@pytest.mark.parametrize("story", [heartbeats_are_those_that_clients_know], ids=lambda story: story.__name__)
def test_in_time(end_of, story):
    end_of(story)

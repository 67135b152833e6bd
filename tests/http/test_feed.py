"""/feed: what agents tell each other, as today's clients know it."""

import pytest
from harness import changes_nothing, refused

TYPES = ("task_started, task_completed, task_failed, blocker_found, question, finding, skill_proposed, file_changed, cost_update, "
         "agent_started, agent_stopped, token_update, custom")
EVENT = {"agent": "ann", "type": "finding", "summary": "it works"}


def publish(client, **fields):
    answer = client.post("/feed/events", {**EVENT, **fields}, documented=True)
    assert answer.status == 201, answer
    return answer.json


def summaries(client, query=""):
    answer = client.get(f"/feed/events?{query}")
    assert answer.status == 200 and isinstance(answer.json, list)
    return [event["summary"] for event in answer.json]


def test_publish_and_read(board):
    event = publish(board, detail="  more\n", metadata={"a": [1, None]})
    assert event == {**EVENT, "detail": "  more\n", "metadata": {"a": [1, None]}, "id": event["id"], "timestamp": event["timestamp"]}
    assert board.get("/feed/events").json == [event]
    assert board.get(f"/feed/events/{event['id']}").json == event


@pytest.mark.parametrize("kind", TYPES.split(", "))
def test_every_type(board, kind):
    assert publish(board, type=kind)["type"] == kind
    assert board.get("/events?topic=feed", check=False).json["events"][0]["type"] == f"feed.{kind}"


@pytest.mark.parametrize("body, sentence", [
    (b"", "Invalid JSON body"), (b" ", "Invalid JSON body"), (b"{", "Invalid JSON body"), (b"x", "Invalid JSON body"),
    ({}, "Missing or invalid 'agent' field"), ([], "Missing or invalid 'agent' field"),
    ({**EVENT, "agent": ""}, "Missing or invalid 'agent' field"), ({**EVENT, "agent": 7}, "Missing or invalid 'agent' field"),
    ({**EVENT, "type": "x"}, f"Invalid 'type'. Must be one of: {TYPES}"), ({"agent": "a"}, f"Invalid 'type'. Must be one of: {TYPES}"),
    ({**EVENT, "summary": ""}, "Missing or invalid 'summary' field"), ({**EVENT, "summary": None}, "Missing or invalid 'summary' field"),
])
def test_the_sentences_that_clients_know(board, body, sentence):
    with changes_nothing(board):
        answer = board.post("/feed/events", body)
        assert answer.status == 400 and answer.json["error"] == sentence


def test_lists(board):
    for n in range(60):
        publish(board, agent="ann" if n % 2 else "bob", summary=f"s{n}", type="question" if n % 3 else "finding")
    assert summaries(board) == [f"s{n}" for n in range(10, 60)]
    assert summaries(board, "limit=3") == ["s57", "s58", "s59"]
    for limit in ("0", "-1", "x", "10000"):
        assert len(summaries(board, f"limit={limit}")) == 60
    assert summaries(board, "agent=ann&limit=2") == ["s57", "s59"]
    assert summaries(board, "type=finding&limit=2") == ["s54", "s57"]
    assert summaries(board, "agent=nobody") == summaries(board, "type=nothing") == []


def test_since_an_id_or_an_instant(board):
    events = [publish(board, summary=f"s{n}") for n in range(4)]
    assert summaries(board, f"since={events[1]['id']}") == ["s2", "s3"]
    assert summaries(board, f"since={events[3]['id']}") == []
    assert len(summaries(board, "since=2020-01-01T00:00:00Z")) == 4
    assert summaries(board, "since=2120-01-01T00:00:00Z") == []


def test_an_event_that_is_not_there(board):
    publish(board)
    task = board.create()
    for event_id in ("x", "01KAP2Y5Q3V8C4D1E7F9G2H5JK", task["id"], "%00"):
        assert refused(board.get(f"/feed/events/{event_id}"), 404, "event_not_found")["error"] == "Event not found"


def test_clear_hides_what_was(board):
    old = publish(board, summary="old")
    answer = board.request("DELETE", "/feed/events")
    assert answer.status == 200 and answer.json == {"ok": True}
    assert summaries(board) == []
    assert board.get("/feed/stats").json == {"total": 0, "byAgent": {}, "byType": {}, "latestPerAgent": {}}
    assert board.get(f"/feed/events/{old['id']}").status == 404
    publish(board, summary="new")
    assert summaries(board) == ["new"]
    types = [event["type"] for event in board.get("/events?topic=feed", check=False).json["events"]]
    assert types == ["feed.finding", "feed.cleared", "feed.finding"]


def test_stats(board):
    publish(board)
    publish(board, agent="bob", type="question")
    last = publish(board, summary="last")
    stats = board.get("/feed/stats").json
    assert (stats["total"], stats["byAgent"], stats["byType"]) == (3, {"ann": 2, "bob": 1}, {"finding": 2, "question": 1})
    assert stats["latestPerAgent"]["ann"] == last and set(stats["latestPerAgent"]) == {"ann", "bob"}


def test_unknown_fields_are_ignored_and_named(board):
    answer = board.post("/feed/events", {**EVENT, "mood": "good"})
    assert answer.status == 201 and answer.headers["Taskboard-Ignored-Fields"] == "mood"


def test_a_restart_forgets_nothing(own_server, board):
    event = publish(board)
    own_server.restart()
    assert own_server.client().get("/feed/events").json == [event]

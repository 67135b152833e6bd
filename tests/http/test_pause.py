"""Pausing the board, or a tag: nothing is handed out till it is resumed."""

import pytest
from harness import changes_nothing, refused
from harness.later import claim


def pause(board, **fields):
    answer = board.post("/board/pause", fields, documented=True)
    assert answer.status == 200, answer
    return answer.json["paused"]


def resume(board, **fields):
    answer = board.post("/board/resume", fields, documented=True)
    assert answer.status == 200, answer
    return answer.json["paused"]


def test_a_paused_board_hands_out_nothing(board):
    made = board.create()
    (entry,) = pause(board, reason="deploy", by="lead")
    assert entry["reason"] == "deploy" and entry["by"] == "lead" and entry["since"] and "tag" not in entry
    assert board.claim("ann") == []
    refused(board.act(made["id"], "claim", {"agent": "ann"}), 409, "paused")
    assert board.summary()["paused"] == [entry] and board.summary()["ready"] == 0
    assert board.task(made["id"])["ready"] is False and board.ids("ready=true") == []
    assert resume(board) == []
    assert "paused" not in board.summary() and board.task(made["id"])["ready"] is True
    assert board.claim_one("ann")["id"] == made["id"]


def test_a_paused_tag_holds_back_its_tasks_only(board):
    red, blue = board.create("r", tags=["red", "x"]), board.create("b", tags=["blue"])
    (entry,) = pause(board, tag="red")
    assert entry["tag"] == "red"
    assert board.claim_one("ann", max=9)["id"] == blue["id"]
    refused(board.act(red["id"], "claim", {"agent": "ann"}), 409, "paused")
    assert resume(board, tag="red") == []
    assert board.claim_one("ann")["id"] == red["id"]


def test_who_works_goes_on_and_is_told(board):
    board.create(tags=["red"])
    held = board.claim_one("ann")
    assert board.finish(held, "heartbeat").json["paused"] is False
    pause(board, tag="red")
    assert board.finish(held, "heartbeat").json["paused"] is True
    assert board.completed(held)["status"] == "done"


def test_pausing_twice_says_why_anew_and_resuming_twice_is_fine(board):
    (first,) = pause(board, reason="a", by="ann")
    (second,) = pause(board, reason="b", by="bob")
    assert second["since"] == first["since"] and second["reason"] == "b"
    resume(board)
    with changes_nothing(board):
        assert resume(board) == []
    assert [event["type"] for event in board.events()] == ["board.paused", "board.paused", "board.resumed"]
    assert all("taskId" not in event for event in board.events())


def test_a_pause_outlives_a_restart(own_server, board):
    board.create()
    pause(board, reason="r")
    own_server.restart()
    board = own_server.client()
    assert board.claim("ann") == [] and board.summary()["paused"][0]["reason"] == "r"


@pytest.mark.parametrize("tag", [None, "red"])
def test_resuming_serves_who_waits(serve, tag):
    server = serve("--threads", "1")
    board = server.client()
    scope = {"tag": tag} if tag else {}
    pause(board, **scope)
    waiting = [claim(server, f"w{n}") for n in range(3)]
    made = board.create_many([{"title": str(n), "createdBy": "c", "tags": ["red"]} for n in range(2)])
    assert not any(one.is_answered() for one in waiting)
    resume(board, **scope)
    for n in range(2):
        (task,) = waiting[n].answer().json["tasks"]
        assert task["claim"]["by"] == f"w{n}" and task["id"] in [one["id"] for one in made]
    assert not waiting[2].is_answered()
    waiting[2].leave()


@pytest.mark.parametrize("body", [{"tag": ""}, {"tag": 1}, {"reason": "x" * 5000}, {"tags": ["a"]}])
def test_a_wrong_pause_is_refused(client, body):
    with changes_nothing(client):
        assert client.post("/board/pause", body).status == 400

"""Complete, fail and release: how a claim ends, and what a token is worth afterwards."""

import pytest
from harness import changes_nothing, refused

ARTIFACT = {"type": "branch", "url": "https://example.org/x", "label": "PR"}


@pytest.fixture
def held(client):
    """A task that ann has claimed."""
    made = client.create("work")
    return client.act(made["id"], "claim", {"agent": "ann"}).json


# --- complete ---

def test_complete_finishes_the_task(client, held):
    answer = client.finish(held, "complete", result={"n": 1}, summary=" all done ", artifacts=[ARTIFACT])
    assert answer.status == 200
    task = answer.json
    assert task["status"] == "done" and task["outcome"] == "success" and task["result"] == {"n": 1}
    assert task["assignee"] == "ann" and "claim" not in task and "token" not in answer.body.decode()
    (note,) = task["notes"]
    assert (note["content"], note["type"], note["author"]) == ("all done", "update", "ann")
    (artifact,) = task["artifacts"]
    assert artifact["url"] == ARTIFACT["url"] and artifact["addedBy"] == "ann"
    assert answer.etag == f'"{task["version"]}"' and client.task(task["id"]) == task
    event = client.events(f"taskId={task['id']}")[-1]
    assert event["type"] == "task.completed" and event["seq"] == answer.seq and event["data"]["attempt"] == 1


def test_complete_with_review_hands_it_in(client, held):
    task = client.finish(held, "complete", review=True, result=[1]).json
    assert task["status"] == "in_review" and task["assignee"] == "ann" and "claim" not in task
    assert client.events(f"taskId={task['id']}")[-1]["type"] == "task.reviewed"
    assert task["id"] in [one["id"] for one in client.get("/board/review").json["tasks"]]


# --- fail ---

def test_fail_opens_the_task_again_after_a_while(client, held):
    task = client.finish(held, "fail", error="boom").json
    assert task["status"] == "open" and task["ready"] is False and task["notBefore"] > task["updatedAt"]
    assert task["attempts"] == 1 and "assignee" not in task and "claim" not in task
    assert client.claim("ann", tags=["none"]) == []


def test_a_delay_of_zero_is_at_once(client, held):
    task = client.finish(held, "fail", error="boom", delaySeconds=0).json
    assert task["ready"] is True and "notBefore" not in task


def test_the_last_attempt_that_fails_makes_a_dead_letter(client):
    made = client.create(maxAttempts=2)
    for attempt in (1, 2):
        held = client.act(made["id"], "claim", {"agent": "ann"}).json
        assert held["claim"]["attempt"] == attempt
        task = client.finish(held, "fail", error=f"e{attempt}", delaySeconds=0).json
    assert task["status"] == "blocked"
    reason = task["blockedReason"]
    assert (reason["kind"], reason["attempt"], reason["outcome"]) == ("dead_letter", 2, "failed")
    event = client.events(f"taskId={made['id']}")[-1]
    assert event["type"] == "task.dead" and event["data"]["error"] == "e2"
    refused(client.act(made["id"], "claim", {"agent": "ann"}), 409, "not_ready")


def test_a_failure_that_is_not_worth_another_try_is_a_dead_letter_at_once(client, held):
    task = client.finish(held, "fail", error="never", retryable=False).json
    assert task["status"] == "blocked" and task["blockedReason"]["kind"] == "dead_letter"


# --- release ---

def test_release_gives_the_task_back_uncounted(client):
    made = client.create(assignee="ann")
    held = client.act(made["id"], "claim", {"agent": "ann"}).json
    task = client.finish(held, "release", reason="lunch").json
    assert task["status"] == "open" and task["ready"] is True and task["attempts"] == 0
    assert task["assignee"] == "ann"
    again = client.act(made["id"], "claim", {"agent": "ann"}).json
    assert again["claim"]["attempt"] == 2 and again["previousAttempt"]["outcome"] == "released"


# --- next ---

@pytest.mark.parametrize("verb, fields", [("complete", {}), ("fail", {"error": "e"}), ("release", {})])
def test_every_one_of_them_can_fetch_the_next_task_in_one_request(board, verb, fields):
    board.create_many([{"title": str(n), "createdBy": "c", "tags": ["t"]} for n in range(3)])
    held = board.claim_one("ann")
    answer = board.finish(held, verb, next={"agent": "ann", "tags": ["t"], "max": 2}, **fields)
    assert answer.status == 200
    found = answer.json["next"]
    assert found["count"] == len(found["tasks"]) == 2 and all(task["claim"]["token"] for task in found["tasks"])
    assert answer.json["task"]["id"] == held["id"]
    assert found["tasks"][-1]["version"] == 2 and answer.seq == board.head_seq()


def test_a_bad_next_refuses_the_whole_request(client, held):
    for wanted in ({"agent": ""}, {"agent": "a", "wait": 1}, {"agent": "a", "max": 99}, {"agent": "a", "x": 1}):
        with changes_nothing(client):
            assert client.finish(held, "complete", next=wanted).status == 400
    assert client.finish(held, "heartbeat").status == 200


# --- tokens ---

@pytest.mark.parametrize("verb, fields", [("heartbeat", {}), ("complete", {}), ("fail", {"error": "e"}), ("release", {})])
def test_without_the_token_of_the_claim_nothing_happens(client, held, verb, fields):
    act = lambda token: client.act(held["id"], verb, {**token, **fields})
    with changes_nothing(client):
        refused(act({}), 428, "claim_token_required")
        refused(act({"claimToken": None}), 428, "claim_token_required")
        refused(act({"claimToken": "x" * 10}), 400, "invalid_field", "claimToken")
        number, _, mac = held["claim"]["token"].partition(".")
        flipped = ("B" if mac[0] == "A" else "A") + mac[1:]
        refused(act({"claimToken": f"{number}.{flipped}"}), 409, "claim_lost")
        refused(act({"claimToken": f"9.{mac}"}), 409, "claim_lost")


@pytest.mark.parametrize("verb, fields", [("complete", {"result": 7}), ("fail", {"error": "e"}), ("release", {})])
def test_the_verb_that_ended_a_claim_can_be_repeated(board, verb, fields):
    board.create()
    held = board.claim_one("ann")
    board.create("another")
    first = board.finish(held, verb, **fields)
    with changes_nothing(board):
        assert board.finish(held, verb, **fields).json == first.json
        again = board.finish(held, verb, next={"agent": "ann"}, **fields)
    assert again.status == 200 and again.json["task"] == first.json
    assert again.json["next"] == {"tasks": [], "count": 0}


def test_another_verb_learns_how_the_claim_ended(client, held):
    client.finish(held, "release")
    with changes_nothing(client):
        for verb, fields in (("heartbeat", {}), ("fail", {"error": "e"})):
            refusal = refused(client.finish(held, verb, **fields), 409, "claim_lost")
            assert refusal["reason"] == "released" and "claim" not in refusal
    other = client.act(held["id"], "claim", {"agent": "bob"}).json
    refusal = refused(client.finish(held, "heartbeat"), 409, "claim_lost")
    assert refusal["claim"] == {"by": "bob", "generation": other["claim"]["generation"]}


def test_if_match_is_honoured(client, held):
    with changes_nothing(client):
        refused(client.finish(held, "complete", headers={"If-Match": '"1"'}), 412, "version_mismatch")
    assert client.finish(held, "complete", headers={"If-Match": f'"{held["version"]}"'}).status == 200


@pytest.mark.parametrize("verb, fields", [("complete", {"result": 7}), ("fail", {"error": "e"}), ("release", {})])
def test_if_match_does_not_stand_in_the_way_of_a_repetition(client, held, verb, fields):
    headers = {"If-Match": f'"{held["version"]}"'}
    first = client.finish(held, verb, headers=headers, **fields)
    assert first.status == 200
    with changes_nothing(client):
        again = client.finish(held, verb, headers=headers, **fields)
    assert again.status == 200 and again.json == first.json


def test_who_lost_the_claim_hears_of_that_and_not_of_the_version(client, held):
    client.finish(held, "release")
    for verb, fields in (("heartbeat", {}), ("fail", {"error": "e"}), ("complete", {})):
        answer = client.finish(held, verb, headers={"If-Match": f'"{held["version"]}"'}, **fields)
        assert refused(answer, 409, "claim_lost")["reason"] == "released"

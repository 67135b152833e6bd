"""Claims: who gets which task, in which order, and what the holder is told."""

import pytest
from harness import at_the_same_time, changes_nothing, next_instant, refused


def titles(tasks):
    return [task["title"] for task in tasks]


# --- one claim ---

def test_a_claim_takes_the_task_and_tells_its_holder_how_to_prove_it(board):
    made = board.create("t", tags=["x"])
    vm = {"id": "vm-1", "name": "one", "role": "worker", "address": "10.0.0.7"}
    assert board.post("/registry/vms", vm).status == 201
    task = board.claim_one("ann", vmId="vm-1", leaseSeconds=60)
    claim = task["claim"]
    assert task["status"] == "in_progress" and task["assignee"] == "ann" and task["attempts"] == 1
    assert (claim["by"], claim["vmId"], claim["attempt"], claim["generation"]) == ("ann", "vm-1", 1, 1)
    assert claim["claimedAt"] < claim["expiresAt"] and claim["token"]
    assert "previousAttempt" not in task and task["version"] == made["version"] + 1
    shown = board.task(made["id"])
    assert "token" not in shown["claim"]
    assert shown["claim"] == {name: value for name, value in claim.items() if name != "token"}
    (event,) = board.events(f"taskId={made['id']}&type=task.claimed")
    assert event["actor"] == "ann" and event["data"]["attempt"] == 1 and event["data"]["generation"] == 1
    assert "token" not in event["data"]["task"]["claim"]


def test_nothing_ready_is_an_empty_answer(board):
    with changes_nothing(board):
        assert board.claim("ann") == []
    board.create(assignee="bob")
    board.create(delaySeconds=3600)
    board.create(dependencies=["none"])
    board.create(status="blocked")
    with changes_nothing(board):
        assert board.claim("ann") == []


def test_tasks_are_handed_out_by_priority_then_by_age(board):
    for title, priority in [("a", 0), ("b", 0), ("urgent", 50), ("later", -50)]:
        next_instant()
        board.create(title, priority=priority)
    assert titles(board.claim("ann")) == ["urgent"]
    assert titles(board.claim("ann", max=32)) == ["a", "b", "later"]


def test_a_bump_is_worth_a_point_of_priority(board):
    board.create("first")
    next_instant()
    second = board.create("second")
    board.act(second["id"], "bump")
    assert titles(board.claim("ann", max=2)) == ["second", "first"]


def test_max_is_the_most_that_one_claim_takes(board):
    board.create_many([{"title": str(n), "createdBy": "c"} for n in range(40)])
    assert len(board.claim("ann", max=3)) == 3
    taken = board.claim("ann", max=32)
    assert len(taken) == 32 and len({task["claim"]["token"] for task in taken}) == 32
    generations = [task["claim"]["generation"] for task in taken]
    assert generations == sorted(set(generations)) and generations[0] == 4
    assert len(board.claim("ann", max=32)) == 5


def test_tags_narrow_a_claim(board):
    for title, tags in [("r", ["red"]), ("rb", ["red", "blue"]), ("g", ["green"]), ("none", [])]:
        next_instant()
        board.create(title, tags=tags)
    assert titles(board.claim("ann", tags=["red", "blue"])) == ["rb"]
    assert titles(board.claim("ann", anyTags=["blue", "green"])) == ["g"]
    assert titles(board.claim("ann", tags=["red"], anyTags=["green"], max=9)) == []
    assert titles(board.claim("ann", tags=["red"])) == ["r"]
    assert titles(board.claim("ann")) == ["none"]


def test_a_reserved_task_waits_for_its_agent(board):
    board.create("mine", assignee="bob", priority=9)
    board.create("free")
    assert titles(board.claim("ann", max=2)) == ["free"]
    assert titles(board.claim("bob", max=2)) == ["mine"]


def test_what_depends_on_a_task_is_handed_out_when_that_is_done(board):
    first, second = board.create_many([
        {"title": "first", "createdBy": "c", "ref": "f"},
        {"title": "second", "createdBy": "c", "dependencies": ["#f"]}])
    task = board.claim_one("ann", max=2)
    assert task["id"] == first["id"] and board.claim("ann") == []
    board.completed(task)
    assert board.claim_one("ann")["id"] == second["id"]


@pytest.mark.parametrize("body, code, word", [
    ({}, "missing_field", "agent"),
    ({"agent": " "}, "missing_field", "agent"),
    ({"agent": 1}, "missing_field", "agent"),
    ({"agent": "a", "max": 0}, "invalid_field", "max"),
    ({"agent": "a", "max": 33}, "invalid_field", "max"),
    ({"agent": "a", "leaseSeconds": 9}, "invalid_field", "leaseSeconds"),
    ({"agent": "a", "leaseSeconds": 86401}, "invalid_field", "leaseSeconds"),
    ({"agent": "a", "wait": 61}, "invalid_field", "wait"),
    ({"agent": "a", "wait": -1}, "invalid_field", "wait"),
    ({"agent": "a", "tags": "x"}, "invalid_field", "tags"),
    ({"agent": "a", "anyTags": [1]}, "invalid_field", "anyTags"),
    ({"agent": "a", "vmID": "x"}, "unknown_field", "vmID"),
])
def test_a_wrong_claim_is_refused(client, body, code, word):
    with changes_nothing(client):
        refused(client.post("/board/claim", body), 400, code, word)


# --- one that is named ---

def test_a_task_can_be_claimed_by_its_id(board):
    board.create("other", priority=50)
    made = board.create("this")
    answer = board.act(made["id"], "claim", {"agent": "ann", "leaseSeconds": 20}, documented=True)
    assert answer.status == 200 and answer.json["claim"]["token"] and answer.json["id"] == made["id"]
    assert answer.etag == f'"{answer.json["version"]}"'
    refusal = refused(board.act(made["id"], "claim", {"agent": "bob"}), 409, "already_claimed")
    assert refusal["claim"] == {"by": "ann", "generation": answer.json["claim"]["generation"]}


def test_a_task_that_cannot_be_claimed_says_why(board):
    reserved = board.create(assignee="bob")
    delayed = board.create(delaySeconds=60)
    held = board.create(status="in_progress", assignee="bob")
    done = board.create(status="done")
    with changes_nothing(board):
        refused(board.act(reserved["id"], "claim", {"agent": "ann"}), 409, "assigned_elsewhere")
        for task in (delayed, held, done):
            refused(board.act(task["id"], "claim", {"agent": "ann"}), 409, "not_ready")
        refused(board.act("01ARZ3NDEKTSV4RRFFQ69G5FAV", "claim", {"agent": "ann"}), 404, "task_not_found")
        refused(board.act(reserved["id"], "claim", {"agent": "bob", "max": 2}), 400, "unknown_field", "max")
        refused(board.act(reserved["id"], "claim", {"agent": "bob"}, headers={"If-Match": '"7"'}), 412,
                "version_mismatch")
    assert board.act(reserved["id"], "claim", {"agent": "bob"}).status == 200


# --- heartbeats ---

def test_a_heartbeat_moves_the_end_of_the_lease_and_nothing_else(board):
    made = board.create()
    task = board.claim_one("ann", leaseSeconds=10)
    seq = board.head_seq()
    answer = board.finish(task, "heartbeat", leaseSeconds=3600)
    assert answer.status == 200
    beat = answer.json
    assert beat["expiresAt"] > task["claim"]["expiresAt"] and beat["serverTime"] < beat["expiresAt"]
    assert beat["cancelRequested"] is False and beat["paused"] is False
    after = board.task(made["id"])
    assert after["claim"]["expiresAt"] == beat["expiresAt"]
    assert after["version"] == task["version"] and after["updatedAt"] == task["updatedAt"]
    assert board.head_seq() == seq


def test_progress_is_shown_and_told_at_most_every_five_seconds(board):
    board.create()
    task = board.claim_one("ann")
    for percent in (1, 2, 3):
        assert board.finish(task, "heartbeat", progress={"percent": percent, "message": "m"}).status == 200
    assert board.task(task["id"])["progress"]["percent"] == 3
    assert len(board.events("type=task.progress")) == 1


def test_a_heartbeat_needs_the_token_of_the_claim(board):
    board.create_many([{"title": "a", "createdBy": "c"}, {"title": "b", "createdBy": "c"}])
    first, second = board.claim("ann", max=2)
    stranger = {"claimToken": second["claim"]["token"]}
    with changes_nothing(board):
        refused(board.act(first["id"], "heartbeat", {}), 428, "claim_token_required")
        refused(board.act(first["id"], "heartbeat", {"claimToken": "nonsense"}), 400, "invalid_field")
        assert "reason" not in refused(board.act(first["id"], "heartbeat", stranger), 409, "claim_lost")


# --- many at once ---

def test_two_who_claim_at_the_same_time_never_get_the_same_task(own_server, board):
    board.create_many([{"title": str(n), "createdBy": "c"} for n in range(200)])

    def drain(agent):
        client, mine = own_server.client(check=False), []
        while tasks := client.claim(agent):
            mine += [task["id"] for task in tasks]
        return mine

    taken = at_the_same_time(*[lambda n=n: drain(f"w{n}") for n in range(8)])
    together = sum(taken, [])
    assert len(together) == len(set(together)) == 200

"""Dependencies: what is blocked by what, what turns ready when, and that there are no cycles."""

import pytest
from harness import at_the_same_time, changes_nothing, event_log, refused, replay

NOBODY = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def chain(client, length):
    """Tasks of which each waits for the one before."""
    ids = []
    for n in range(length):
        ids.append(client.create(str(n), dependencies=ids[-1:])["id"])
    return ids


def test_an_unmet_dependency_blocks_until_it_is_done(client):
    first = client.create("first")
    second = client.create("second", dependencies=[first["id"]])
    assert second["blockedBy"] == [first["id"]] and second["ready"] is False
    answer = client.patch(first["id"], {"status": "done"})
    after = client.task(second["id"])
    assert after["blockedBy"] == [] and after["ready"] is True
    assert after["version"] == 2 and after["updatedAt"] == second["updatedAt"]
    events = client.events(f"since={answer.seq - 2}")
    assert [(event["taskId"], event["type"]) for event in events][-1] == (second["id"], "task.ready")
    assert events[-1]["data"]["task"]["ready"] is True and "actor" not in events[-1]


def test_a_task_that_waits_for_several_is_ready_with_the_last_of_them(client):
    firsts = [client.create(str(n))["id"] for n in range(3)]
    last = client.create("last", dependencies=firsts)["id"]
    for done, left in ((1, [firsts[0], firsts[2]]), (0, [firsts[2]]), (2, [])):
        client.done(firsts[done])
        task = client.task(last)
        assert task["blockedBy"] == left and task["ready"] is (left == [])


def test_dependents_are_those_that_name_the_task_done_or_not(client):
    first = client.create("first")["id"]
    done, waits = (client.create(name, dependencies=[first, NOBODY], tags=["held"])["id"] for name in ("done", "waits"))
    client.create("of the second", dependencies=[waits])
    client.done(done)
    client.done(first)
    answer = client.get(f"/board/tasks/{first}/dependents")
    assert answer.status == 200 and answer.json["count"] == 2 and answer.seq == client.summary()["seq"]
    assert [task["id"] for task in answer.json["tasks"]] == [done, waits]
    assert [task["status"] for task in answer.json["tasks"]] == ["done", "open"]
    assert all("description" not in task and "notes" not in task for task in answer.json["tasks"])
    client.patch(waits, {"dependencies": []})
    assert [task["id"] for task in client.get(f"/board/tasks/{first}/dependents").json["tasks"]] == [done]
    assert client.get(f"/board/tasks/{waits}/dependents").json["count"] == 1
    refused(client.get(f"/board/tasks/{NOBODY}/dependents"), 404, "task_not_found")


def test_a_dependent_that_is_paused_is_not_ready(client):
    first = client.create("first")["id"]
    client.create("held", dependencies=[first], tags=["held"])
    client.done(first)
    ready = lambda: [task["ready"] for task in client.get(f"/board/tasks/{first}/dependents").json["tasks"]]
    assert ready() == [True]
    assert client.post("/board/pause", {"tag": "held"}).status == 200
    assert ready() == [False]


@pytest.mark.parametrize("outcome", ["failed", "cancelled"])
def test_only_success_meets_a_dependency(client, outcome):
    first = client.create()
    second = client.create(dependencies=[first["id"]])
    client.done(first["id"], outcome=outcome)
    assert client.task(second["id"])["blockedBy"] == [first["id"]]
    client.change(first["id"], status="open")
    client.done(first["id"])
    assert client.task(second["id"])["ready"]


WAYS_TO_DONE = {
    "patch": lambda client, task_id: client.patch(task_id, {"status": "done"}),
    "approve": lambda client, task_id: client.act(task_id, "approve", {}),
}
WAYS_BACK = {
    "patch": lambda client, task_id: client.patch(task_id, {"status": "in_progress"}),
    "reject": lambda client, task_id: client.act(task_id, "reject", {"reason": "r"}),
    "review": lambda client, task_id: client.act(task_id, "review", {"summary": "s"}),
    "failed": lambda client, task_id: client.patch(task_id, {"status": "done", "outcome": "failed"}),
    "delete": lambda client, task_id: client.delete(task_id),
}


@pytest.mark.parametrize("back", WAYS_BACK)
@pytest.mark.parametrize("done", WAYS_TO_DONE)
def test_a_dependency_that_is_done_no_more_makes_tasks_wait_again(client, done, back):
    first = client.create()["id"]
    second = client.create(dependencies=[first])["id"]
    assert WAYS_TO_DONE[done](client, first).status == 200
    assert client.task(second)["ready"]
    assert WAYS_BACK[back](client, first).status == 200
    after = client.task(second)
    assert after["blockedBy"] == [first] and not after["ready"]
    assert second in client.ids("ready=false") and second not in client.ids("ready=true")


def test_a_task_in_progress_stays_so_when_its_dependency_is_undone(client):
    first = client.create(status="done")["id"]
    second = client.create(dependencies=[first], status="in_progress")["id"]
    client.change(first, status="open")
    after = client.task(second)
    assert after["status"] == "in_progress" and after["blockedBy"] == [first] and not after["ready"]


def test_a_dependency_may_name_what_does_not_exist_and_is_unmet(client):
    task = client.create(dependencies=[NOBODY, "dep-1"])
    assert task["blockedBy"] == [NOBODY, "dep-1"] and not task["ready"]


def test_a_new_task_is_blocked_by_the_unmet_ones_only(client):
    met, unmet = client.create(status="done")["id"], client.create()["id"]
    task = client.create(dependencies=[met, unmet, "nowhere"])
    assert task["blockedBy"] == [unmet, "nowhere"]
    assert client.create(dependencies=[met])["ready"]


def test_a_patch_of_dependencies_judges_anew(client):
    met, unmet = client.create(status="done")["id"], client.create()["id"]
    task = client.create()
    assert client.change(task["id"], dependencies=[unmet, met])["blockedBy"] == [unmet]
    after = client.change(task["id"], dependencies=[met])
    assert after["blockedBy"] == [] and after["ready"] and after["dependencies"] == [met]
    client.change(met, status="open")
    assert client.task(task["id"])["blockedBy"] == [met]


def test_one_done_task_makes_everything_ready_that_waited_for_it_alone(client):
    first = client.create()["id"]
    waiting = [client.create(dependencies=[first])["id"] for _ in range(20)]
    before = client.head_seq()
    answer = client.patch(first, {"status": "done"})
    events = client.events(f"since={before}&type=task.ready&limit=1000")
    assert sorted(event["taskId"] for event in events) == waiting
    assert client.head_seq() == before + 21 == answer.seq
    assert all(client.task(task_id)["ready"] for task_id in waiting)


def test_a_dependency_and_a_delay_must_both_be_over(client):
    first = client.create()["id"]
    task_id = client.create(dependencies=[first], notBefore="2999-01-01T00:00:00Z")["id"]
    client.done(first)
    assert client.task(task_id)["blockedBy"] == [] and not client.task(task_id)["ready"]
    assert client.change(task_id, notBefore=None)["ready"]


def test_a_task_cannot_wait_for_itself(client):
    task_id = client.create()["id"]
    with changes_nothing(client):
        body = refused(client.patch(task_id, {"dependencies": [task_id]}), 409, "dependency_cycle")
        assert set(body["path"]) == {task_id}


def test_a_done_task_waits_for_nothing(client):
    task = client.create(dependencies=["nowhere"])
    assert client.done(task["id"])["blockedBy"] == []
    reopened = client.change(task["id"], status="open")
    assert reopened["blockedBy"] == ["nowhere"] and not reopened["ready"]


@pytest.mark.parametrize("length", [2, 3, 10])
def test_a_cycle_is_refused_with_its_path(client, length):
    ids = chain(client, length)
    with changes_nothing(client):
        body = refused(client.patch(ids[0], {"dependencies": ["elsewhere", ids[-1]]}), 409, "dependency_cycle")
        assert set(body["path"]) == set(ids)
        steps = list(zip(body["path"], body["path"][1:]))
        allowed = {(later, earlier) for earlier, later in zip(ids, ids[1:])} | {(ids[0], ids[-1])}
        assert set(steps) <= allowed and len(steps) >= length - 1, "the path follows the dependencies"


def test_tasks_that_are_done_count_for_cycles_too(client):
    ids = chain(client, 3)
    client.done(ids[0])
    client.done(ids[1])
    with changes_nothing(client):
        refused(client.patch(ids[0], {"dependencies": [ids[2]]}), 409, "dependency_cycle")


def test_a_cycle_goes_away_with_a_task_or_a_dependency_of_it(client):
    ids = chain(client, 3)
    client.change(ids[1], dependencies=[])
    assert client.patch(ids[0], {"dependencies": [ids[2]]}).status == 200
    ids = chain(client, 3)
    client.delete(ids[1])
    assert client.patch(ids[0], {"dependencies": [ids[2]]}).status == 200


def test_a_wide_diamond_is_no_cycle(client):
    top = client.create()["id"]
    middle = [client.create(dependencies=[top])["id"] for _ in range(10)]
    bottom = client.create(dependencies=middle + [top])
    assert len(bottom["blockedBy"]) == 11


def test_of_two_requests_that_race_to_close_a_cycle_one_is_refused(shared_server, client):
    one, two = shared_server.client(), shared_server.client()
    for _ in range(60):
        a, b = client.create()["id"], client.create()["id"]
        answers = at_the_same_time(lambda: one.patch(a, {"dependencies": [b]}),
                                   lambda: two.patch(b, {"dependencies": [a]}))
        assert sorted(answer.status for answer in answers) == [200, 409]
        loser = next(answer for answer in answers if answer.status == 409)
        assert set(refused(loser, 409, "dependency_cycle")["path"]) == {a, b}
        assert sorted(len(client.task(task_id)["dependencies"]) for task_id in (a, b)) == [0, 1]


def test_a_ring_of_racing_patches_stays_open_somewhere(shared_server, client):
    clients = [shared_server.client() for _ in range(5)]
    for _ in range(20):
        ids = [client.create()["id"] for _ in clients]
        answers = at_the_same_time(*[
            lambda who=who, n=n: who.patch(ids[n], {"dependencies": [ids[n - 1]]}) for n, who in enumerate(clients)])
        assert sorted(answer.status for answer in answers) == [200, 200, 200, 200, 409]


def test_dependencies_that_turn_back_and_forth_agree_with_the_log(board):
    """Many clients finish, reopen and delete what others wait for; the log, replayed, is the list."""
    ids = chain(board, 8)
    wide = [board.create(dependencies=ids[n % 8:n % 8 + 1])["id"] for n in range(16)]

    def turn(offset):
        own = type(board)(board.port, token=board.token)
        for n in range(40):
            task_id = ids[(n * 3 + offset) % 8]
            status = own.patch(task_id, {"status": "done" if (n + offset) % 2 else "open"}).status
            assert status == 200
            own.act(wide[(n + offset) % 16], "bump")
        own.close()

    at_the_same_time(*[lambda n=n: turn(n) for n in range(4)])
    listed = {task["id"]: task for task in board.list("view=summary")}
    assert replay(event_log(board)) == listed
    for task in listed.values():
        unmet = [d for d in task["dependencies"] if listed[d].get("outcome") != "success"]
        assert task["blockedBy"] == ([] if task["status"] == "done" else unmet)
        assert task["ready"] is (task["status"] == "open" and not unmet)

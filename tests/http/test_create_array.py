"""POST /board/tasks with many tasks: one transaction, refs, and errors that name the index."""

import pytest
from harness import changes_nothing, refused


def post(client, body, **options):
    return client.post("/board/tasks", body, **options)


def item(title="t", **fields):
    return {"title": title, "createdBy": "planner", **fields}


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_array_and_a_tasks_member_are_the_same_request(client, wrapped):
    items = [item("one", tags=["a"]), item("two", priority=3)]
    answer = post(client, {"tasks": items} if wrapped else items)
    assert answer.status == 201 and set(answer.json) == {"tasks", "count"}
    tasks = answer.json["tasks"]
    assert answer.json["count"] == 2 and [task["title"] for task in tasks] == ["one", "two"]
    assert tasks[0]["id"] < tasks[1]["id"]
    assert [client.task(task["id"]) for task in tasks] == tasks


def test_each_task_of_an_array_has_its_own_event(client):
    before = client.head_seq()
    answer = post(client, [item(str(n)) for n in range(5)])
    events = client.events(f"since={before}")
    assert [event["type"] for event in events] == ["task.created"] * 5
    assert [event["taskId"] for event in events] == [task["id"] for task in answer.json["tasks"]]
    assert answer.seq == events[-1]["seq"]


def test_a_whole_plan_with_refs_is_one_request(client):
    plan = [
        item("deploy", ref="deploy", dependencies=["#test", "#build", "an-id-from-elsewhere"]),
        item("build", ref="build", parentId="#goal"),
        item("test", ref="test", dependencies=["#build"], parentId="#goal"),
        item("goal", ref="goal"),
    ]
    deploy, build, test, goal = client.create_many(plan)
    assert deploy["dependencies"] == [test["id"], build["id"], "an-id-from-elsewhere"]
    assert deploy["blockedBy"] == [test["id"], build["id"], "an-id-from-elsewhere"] and not deploy["ready"]
    assert test["dependencies"] == test["blockedBy"] == [build["id"]] and not test["ready"]
    assert build["ready"] and build["parentId"] == test["parentId"] == goal["id"]
    assert all("ref" not in task for task in (deploy, build, test, goal))
    client.done(build["id"])
    assert client.task(test["id"])["ready"]


def test_a_ref_to_a_task_that_is_created_done_is_met(client):
    first, second = client.create_many([item(ref="a", status="done"), item(dependencies=["#a"])])
    assert second["blockedBy"] == [] and second["ready"]
    assert first["outcome"] == "success"


def test_a_unique_key_that_is_taken_puts_the_existing_task_in_its_place(client):
    existing = client.create("existing", uniqueKey="array-hit")
    before = client.head_seq()
    tasks = post(client, [item("new"), item("other", uniqueKey="array-hit", ref="hit"),
                          item("waits", dependencies=["#hit"])]).json["tasks"]
    assert tasks[1] == existing and tasks[2]["blockedBy"] == [existing["id"]]
    assert client.head_seq() == before + 2


def test_one_unique_key_twice_in_an_array_is_one_task(client):
    tasks = client.create_many([item("first", uniqueKey="array-twice"), item("second", uniqueKey="array-twice")])
    assert tasks[0] == tasks[1] and tasks[0]["title"] == "first"


REFUSED = [
    ("nothing", [], 400, None, None),
    ("nothing in tasks", {"tasks": []}, 400, None, None),
    ("tasks that are no array", {"tasks": {"title": "t"}}, 400, "invalid_field", None),
    ("a task that is no object", [item(), 5], 400, "invalid_field", 1),
    ("a missing title", [item(), item(), {"createdBy": "a"}], 400, "missing_field", 2),
    ("a wrong status", [item(), item(status="nope")], 400, "invalid_field", 1),
    ("a long title", [item(), item("x" * 1025)], 400, "invalid_field", 1),
    ("an unknown field", [item(), item(colour="red")], 400, "unknown_field", 1),
    ("an unknown ref", [item(), item(dependencies=["#nobody"])], 400, "unknown_ref", 1),
    ("an unknown ref as parent", [item(), item(parentId="#nobody")], 400, "unknown_parent", 1),
    ("an unknown parent", [item(), item(parentId="01ARZ3NDEKTSV4RRFFQ69G5FAV")], 400, "unknown_parent", 1),
    ("one ref twice", [item(ref="a"), item(ref="a")], 400, "invalid_field", 1),
    ("an empty ref", [item(), item(ref="")], 400, "invalid_field", 1),
    ("a task that waits for itself", [item(), item(ref="a", dependencies=["#a"])], 409, "dependency_cycle", 1),
]


@pytest.mark.parametrize("body, status, code, index", [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_an_array_is_all_or_nothing_and_names_the_index(client, body, status, code, index):
    with changes_nothing(client):
        answer = post(client, body)
        assert answer.status == status, answer
        assert code is None or answer.json["code"] == code, answer
        assert answer.json.get("index") == index, answer


def test_a_legacy_text_stands_in_an_array_too(client):
    assert post(client, [item(), item(status="x")]).json["error"].endswith("invalid status: x")
    assert post(client, [{"title": "t"}]).json["error"].endswith("createdBy is required")


def test_a_cycle_inside_an_array_names_its_path(client):
    plan = [item("a", ref="a", dependencies=["#c"]), item("b", ref="b", dependencies=["#a"]),
            item("c", ref="c", dependencies=["#b"])]
    with changes_nothing(client):
        body = refused(post(client, plan), 409, "dependency_cycle")
        assert len(body["path"]) >= 3 and body["index"] in (0, 1, 2)


def test_an_unknown_member_beside_tasks_is_refused(client):
    with changes_nothing(client):
        refused(post(client, {"tasks": [item()], "dryRun": True}), 400, "unknown_field", "dryRun")


def test_a_thousand_tasks_are_taken_and_one_more_is_not(own_server):
    board = own_server.client(check=False)
    tasks = board.create_many([item(str(n), dependencies=["#first"] if n else [], ref="first" if n == 0 else f"r{n}")
                               for n in range(1000)])
    assert [task["title"] for task in tasks] == [str(n) for n in range(1000)]
    assert board.head_seq() == 1000
    with changes_nothing(board):
        assert post(board, [item(str(n)) for n in range(1001)]).status == 400
    assert len(board.ids()) == 1000


def test_an_array_may_be_longer_than_a_single_task_may(client):
    items = [item(str(n), payload="x" * 200_000) for n in range(20)]
    answer = post(client, items, check=False)
    assert answer.status == 201 and answer.json["count"] == 20
    for task in answer.json["tasks"]:
        assert client.delete(task["id"]).status == 200

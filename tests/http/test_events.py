"""GET /events and the history of a task: gapless, one event a change, and what each one tells."""

import pytest
from harness import at_the_same_time, event_log, refused, replay

ARTIFACT = {"type": "url", "url": "u", "label": "l"}

# name: (what is done to a task, the type of its event, the actor that the request names)
CHANGES = {
    "patch": (lambda c, i: c.patch(i, {"priority": 1}), "task.updated", None),
    "done": (lambda c, i: c.patch(i, {"status": "done"}), "task.completed", None),
    "failed": (lambda c, i: c.patch(i, {"status": "done", "outcome": "failed"}), "task.failed", None),
    "cancelled": (lambda c, i: c.patch(i, {"status": "done", "outcome": "cancelled"}), "task.cancelled", None),
    "bump": (lambda c, i: c.act(i, "bump"), "task.bumped", None),
    "note": (lambda c, i: c.act(i, "notes", {"author": "ann", "content": "c", "type": "finding"}), "task.noted", "ann"),
    "artifacts": (lambda c, i: c.act(i, "artifacts", {"artifacts": [ARTIFACT] * 2}), "task.artifacts", None),
    "review": (lambda c, i: c.act(i, "review", {"summary": "s", "reviewedBy": "ann", "artifacts": [ARTIFACT]}),
               "task.reviewed", "ann"),
    "approve": (lambda c, i: c.act(i, "approve", {"approvedBy": "bob"}), "task.approved", "bob"),
    "reject": (lambda c, i: c.act(i, "reject", {"reason": "r", "rejectedBy": "bob"}), "task.rejected", "bob"),
    "delete": (lambda c, i: c.delete(i), "task.deleted", None),
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_is_exactly_one_event(client, name):
    act, kind, actor = CHANGES[name]
    task = client.create(createdBy=f"for {name}")
    before = client.head_seq()
    answer = act(client, task["id"])
    assert answer.status in (200, 201)
    (event,) = client.events(f"since={before}")
    assert event["seq"] == before + 1 == answer.seq == client.head_seq()
    assert event["type"] == kind and event["topic"] == "board" and event["taskId"] == task["id"]
    assert event["at"] >= task["updatedAt"]
    assert event["actor"] if actor is None else event["actor"] == actor
    if name == "delete":
        assert event["data"] == {"tags": task["tags"]}
    else:
        assert [event["data"]["task"]] == client.list(f"view=summary&createdBy=for+{name}")
    if name in ("note", "review", "approve", "reject"):
        assert event["data"]["note"] == client.task(task["id"])["notes"][-1]
    if name in ("artifacts", "review"):
        assert event["data"]["artifacts"] == client.task(task["id"])["artifacts"]


def test_the_creator_is_the_actor_of_a_creation(client):
    task = client.create(createdBy="planner")
    (event,) = client.events(f"taskId={task['id']}")
    assert event["type"] == "task.created" and event["actor"] == "planner" and event["at"] == task["createdAt"]


def test_a_change_by_nobody_named_is_by_the_token(client):
    task = client.create()
    client.change(task["id"], priority=1)
    assert client.events(f"taskId={task['id']}")[-1]["actor"]


def test_data_task_is_the_summary_view_after_the_change(board):
    task_id = board.create("t", description="d", payload=1, tags=["x"])["id"]
    steps = [lambda: board.change(task_id, title="u"), lambda: board.note(task_id),
             lambda: board.change(task_id, status="blocked"), lambda: board.done(task_id)]
    for step in steps:
        step()
        assert board.events(f"taskId={task_id}&limit=1000")[-1]["data"]["task"] == board.list("view=summary")[0]


def test_the_log_replayed_is_the_board(board):
    ids = [task["id"] for task in board.create_many([{"title": str(n), "createdBy": "c"} for n in range(20)])]
    for n, task_id in enumerate(ids):
        for name in list(CHANGES)[n % 3:n % 3 + n % 7]:
            CHANGES[name][0](board, task_id)
    board.change(ids[19], dependencies=[ids[18]])
    events = event_log(board)
    assert replay(events) == {task["id"]: task for task in board.list("view=summary")}
    assert len(events) == board.head_seq()


def test_writers_at_the_same_time_leave_no_gap(own_server, board):
    def write():
        own = own_server.client()
        for n in range(30):
            task = own.create(str(n))
            own.note(task["id"])
            if n % 3 == 0:
                assert own.delete(task["id"]).status == 200

    at_the_same_time(*[write] * 5)
    events = event_log(board)
    assert len(events) == 5 * (30 + 30 + 10) and events[0]["seq"] == 1
    assert replay(events) == {task["id"]: task for task in board.list("view=summary")}


def test_since_is_exclusive_and_limit_counts(board):
    for n in range(10):
        board.create(str(n))
    seqs = lambda query: [event["seq"] for event in board.events(query)]
    assert seqs("") == seqs("since=0") == list(range(1, 11))
    assert seqs("since=4") == [5, 6, 7, 8, 9, 10]
    assert seqs("since=4&limit=2") == [5, 6]
    assert seqs("since=10") == seqs("since=11") == seqs("since=99999999") == []
    body = board.get("/events?since=3&limit=1").json
    assert body["oldest"] == 1 and body["head"] == 10 and body["count"] == 1
    assert board.get("/events").seq == 10


def test_an_empty_log_has_no_head(board):
    answer = board.get("/events")
    assert answer.json == {"events": [], "count": 0, "oldest": 1, "head": 0}


@pytest.fixture
def told(board):
    """A board with events of several kinds, tags and agents."""
    one = board.create("one", tags=["red"], createdBy="ann")["id"]
    two = board.create("two", tags=["red", "blue"], createdBy="bob")["id"]
    board.note(one, author="bob")
    board.change(two, tags=["blue"])
    board.act(two, "reject", {"reason": "r", "rejectedBy": "ann"})
    board.delete(one)
    return board, one, two


FILTERS = [
    ("topic=board", [1, 2, 3, 4, 5, 6]),
    ("topic=feed", []),
    ("topic=registry", []),
    ("topic=nonsense", []),
    ("topic=board&topic=feed", []),
    ("type=task.created", [1, 2]),
    ("type=task.noted", [3]),
    ("type=task.nonsense", []),
    ("type=task.created&type=task.noted", []),
    ("taskId={one}", [1, 3, 6]),
    ("taskId={two}", [2, 4, 5]),
    ("taskId={two}&type=task.rejected", [5]),
    ("taskId={one}&taskId={two}", []),
    ("taskId=nonsense", []),
    ("agent=ann", [1, 5]),
    ("agent=bob", [2, 3]),
    ("agent=bob&type=task.noted", [3]),
    ("agent=nobody", []),
    ("tag=red", [1, 2, 3, 6]),
    ("tag=blue", [2, 4, 5]),
    ("tag=red&tag=blue", [2]),
    ("tag=blue&since=2", [4, 5]),
    ("tag=blue&limit=2", [2, 4]),
    ("topic=&type=&taskId=&agent=&tag=", [1, 2, 3, 4, 5, 6]),
    ("unknown=1", [1, 2, 3, 4, 5, 6]),
]


def test_filters_give_exactly_what_fits(told):
    board, one, two = told
    for query, expected in FILTERS:
        got = [event["seq"] for event in board.events(query.format(one=one, two=two))]
        assert got == expected, query


def test_the_history_of_a_task_is_what_happened_to_it(told):
    board, one, two = told
    history = board.get(f"/board/tasks/{two}/history").json
    assert [event["seq"] for event in history["events"]] == [2, 4, 5] and history["count"] == 3
    assert (history["oldest"], history["head"]) == (1, 6)
    later = board.get(f"/board/tasks/{two}/history?since=2&limit=1").json
    assert [event["seq"] for event in later["events"]] == [4]
    typed = board.get(f"/board/tasks/{two}/history?type=task.rejected").json
    assert [event["seq"] for event in typed["events"]] == [5]


def test_the_history_outlives_its_task(told):
    board, one, _ = told
    events = board.get(f"/board/tasks/{one}/history").json["events"]
    assert [event["type"] for event in events] == ["task.created", "task.noted", "task.deleted"]


def test_the_history_of_what_never_was_is_404(client):
    for task_id in ("nonexistent", "01ARZ3NDEKTSV4RRFFQ69G5FAV"):
        refused(client.get(f"/board/tasks/{task_id}/history"), 404, "task_not_found")


def test_a_long_history_is_read_in_pages(client):
    task_id = client.create()["id"]
    for _ in range(250):
        client.act(task_id, "bump")
    seen, since = [], 0
    while page := client.get(f"/board/tasks/{task_id}/history?limit=100&since={since}").json["events"]:
        seen += page
        since = page[-1]["seq"]
    assert [event["data"]["task"]["version"] for event in seen] == list(range(1, 252))


@pytest.mark.parametrize("query, word", [
    ("limit=0", "limit"), ("limit=1001", "limit"), ("limit=abc", "limit"), ("limit=-1", "limit"),
    ("limit=1.0", "limit"),
    ("since=abc", "since"), ("since=-1", "since"), ("since=1.5", "since"), ("since=99999999999999999999999", "since"),
])
def test_a_bad_value_is_refused_and_named(client, query, word):
    refused(client.get(f"/events?{query}"), 400, "invalid_query", word)


def test_refused_and_fruitless_requests_leave_no_event(client):
    task = client.create(uniqueKey="fruitless")
    before = client.head_seq()
    client.patch(task["id"], {"title": ""})
    client.act(task["id"], "notes", {})
    client.delete("nonexistent")
    client.post("/board/tasks", {"title": "t", "createdBy": "c", "uniqueKey": "fruitless"})
    client.patch(task["id"], {"title": "x"}, headers={"If-Match": '"77"'})
    assert client.head_seq() == before


def test_ids_of_tasks_notes_and_events_rise_together(board):
    task = board.create()
    note = board.note(task["id"])
    first, second = board.events()
    assert task["id"] < note["id"] and first["id"] < second["id"]

"""GET /board/tasks: every filter, alone and together, the views, and what is refused."""

import pytest
from harness import Server, next_instant, refused

# name: fields. Created in this order on a board of their own.
TASKS = {
    "plain": {},
    "mine": {"assignee": "ann", "tags": ["red"]},
    "done": {"status": "done", "tags": ["red", "blue"], "assignee": "bob"},
    "busy": {"status": "in_progress", "assignee": "ann", "tags": ["blue"], "createdBy": "planner"},
    "review": {"status": "in_review", "tags": ["a,b"], "createdBy": "planner"},
    "stuck": {"status": "blocked", "tags": ["red"], "priority": 9},
    "waits": {"dependencies": ["not-there"], "tags": ["red", "blue", "green"], "assignee": "bob"},
    "child": {"parentId": "plain", "tags": ["Red"], "priority": 5, "assignee": "søren & co=?"},
    "later": {"delaySeconds": 86400, "tags": ["red "], "createdBy": "planner", "parentId": "plain"},
}


@pytest.fixture(scope="module")
def ids():
    """name → id of TASKS, on one server for the whole file."""
    with Server() as server:
        board, ids = server.client(), {}
        for name, fields in TASKS.items():
            if "parentId" in fields:
                fields = {**fields, "parentId": ids[fields["parentId"]]}
            ids[name] = board.create(title=name, **fields)["id"]
        yield ids, board
        assert server.is_up()


def titles(board, query):
    return [task["title"] for task in board.list(query)]


NEWEST_FIRST = list(TASKS)[::-1]

FILTERS = [
    ("", NEWEST_FIRST),
    ("status=open", ["later", "child", "waits", "mine", "plain"]),
    ("status=done", ["done"]),
    ("status=in_progress", ["busy"]),
    ("status=in_review", ["review"]),
    ("status=blocked", ["stuck"]),
    ("status=done,blocked", ["stuck", "done"]),
    ("status=done,nonsense", ["done"]),
    ("status=nonsense", []),
    ("status=Open", []),
    ("status=done&status=open", []),
    ("status=done,open&status=done,blocked", ["done"]),
    ("status=", NEWEST_FIRST),
    ("assignee=ann", ["busy", "mine"]),
    ("assignee=Ann", []),
    ("assignee=nobody", []),
    ("assignee=", NEWEST_FIRST),
    ("assignee=ann&assignee=bob", []),
    ("assignee=ann&assignee=ann", ["busy", "mine"]),
    ("assignee=ann,bob", []),
    ("assignee=s%C3%B8ren+%26%20co%3D%3F", ["child"]),
    ("tag=red", ["waits", "stuck", "done", "mine"]),
    ("tag=red&tag=blue", ["waits", "done"]),
    ("tag=red&tag=blue&tag=green", ["waits"]),
    ("tag=red,blue", []),
    ("tag=a,b", ["review"]),
    ("tag=red%20", ["later"]),
    ("tag=", NEWEST_FIRST),
    ("tag=" + "x" * 200, []),
    ("createdBy=planner", ["later", "review", "busy"]),
    ("createdBy=tester&status=open", ["child", "waits", "mine", "plain"]),
    ("parentId=plain", ["later", "child"]),
    ("parentId=nonsense", []),
    ("parentId=plain&assignee=bob", []),
    ("ready=true", ["child", "mine", "plain"]),
    ("ready=false", ["later", "waits", "stuck", "review", "busy", "done"]),
    ("ready=false&status=open", ["later", "waits"]),
    ("ready=true&tag=red", ["mine"]),
    ("ready=true&ready=false", []),
    ("ready=", NEWEST_FIRST),
    ("status=open&assignee=bob&tag=blue&createdBy=tester&ready=false", ["waits"]),
    ("unknown=1&Status=done&tags=red", NEWEST_FIRST),
    ("limit=3", NEWEST_FIRST[:3]),
    ("limit=10000", NEWEST_FIRST),
    ("limit=1&tag=blue", ["waits"]),
    ("&&tag=blue&", ["waits", "busy", "done"]),
    ("order=created", NEWEST_FIRST),
    ("order=updated", NEWEST_FIRST),
]


@pytest.mark.parametrize("query, expected", FILTERS)
def test_a_filter_gives_exactly_what_fits_newest_first(ids, query, expected):
    by_name, board = ids
    query = query.replace("parentId=plain", f"parentId={by_name['plain']}")
    assert titles(board, query) == expected


def test_the_rank_order_puts_priority_first_then_age(ids):
    _, board = ids
    assert titles(board, "order=rank") == ["stuck", "child"] + [n for n in TASKS if n not in ("stuck", "child")]
    assert titles(board, "order=rank&ready=true") == ["child", "plain", "mine"]


def test_an_empty_board_lists_nothing(board):
    assert board.get("/board/tasks").json == {"tasks": [], "count": 0}
    assert board.get("/board/review").json == {"tasks": [], "count": 0}


HEAVY = {"description": "long", "payload": {"a": 1}}


@pytest.fixture(scope="module")
def heavy(ids):
    _, board = ids
    task = board.create("heavy", assignee="h", uniqueKey="heavy", **HEAVY)
    board.note(task["id"])
    board.act(task["id"], "artifacts", {"artifacts": [{"type": "url", "url": "u", "label": "l"}]})
    yield board, board.task(task["id"])
    board.delete(task["id"])


def test_a_list_gives_whole_tasks_as_get_does(heavy):
    board, task = heavy
    assert board.list("assignee=h") == [task]


def test_the_summary_view_leaves_out_what_is_heavy(heavy):
    board, task = heavy
    summary = {k: v for k, v in task.items() if k not in ("description", "notes", "artifacts", "payload", "result")}
    assert board.list("assignee=h&view=summary") == [summary]
    assert {"description", "notes", "artifacts", "payload"} & set(summary) == set()


FIELDS = [
    ("fields=id", {"id"}),
    ("fields=id,title,status", {"id", "title", "status"}),
    ("fields=title,id,title", {"id", "title"}),
    ("fields=id,outcome,result,notBefore", {"id"}),
    ("fields=notes,artifacts,payload,description", {"notes", "artifacts", "payload", "description"}),
    ("fields=ready,blockedBy,version,score,priority,uniqueKey,attempts,maxAttempts",
     {"ready", "blockedBy", "version", "score", "priority", "uniqueKey", "attempts", "maxAttempts"}),
]


@pytest.mark.parametrize("query, names", FIELDS)
def test_fields_gives_exactly_the_fields_named(heavy, query, names):
    board, task = heavy
    answer = board.get(f"/board/tasks?assignee=h&{query}")
    assert answer.json["tasks"] == [{name: task[name] for name in names}]


def test_the_latest_update_comes_first_under_order_updated(board):
    first, second, third = (board.create(str(n)) for n in range(3))
    next_instant()
    board.change(first["id"], priority=1)
    next_instant()
    board.note(second["id"])
    assert board.ids("order=updated") == [second["id"], first["id"], third["id"]]
    board.delete(second["id"])
    assert board.ids("order=updated") == [first["id"], third["id"]]


def test_updated_since_is_inclusive(board):
    tasks = [board.create(str(n)) for n in range(4)]
    board.change(tasks[0]["id"], title="changed")
    stamps = {task["id"]: task["updatedAt"] for task in board.list()}
    for task_id, stamp in stamps.items():
        expected = {i for i, s in stamps.items() if s >= stamp}
        got = set(board.ids(f"updatedSince={stamp}"))
        assert task_id in got and got == expected
    assert board.list("updatedSince=2999-01-01T00:00:00Z") == []
    assert len(board.list("updatedSince=")) == 4
    assert len(board.list("updatedSince=2020-01-01T01:00:00%2B02:00")) == 4


def test_an_unchanged_list_is_answered_304(board):
    task = board.create(tags=["t"], status="in_review")
    for path in ("/board/tasks", "/board/tasks?tag=t&view=summary", "/board/review", "/board/tasks?limit=1"):
        answer = board.get(path)
        again = board.get(path, headers={"If-None-Match": answer.etag})
        assert again.status == 304 and again.body == b"" and again.etag == answer.etag, path
        board.note(task["id"])
        changed = board.get(path, headers={"If-None-Match": answer.etag})
        assert changed.status == 200 and changed.etag != answer.etag, path


def test_the_review_list_takes_the_parameters_of_the_list(board):
    for n in range(3):
        next_instant()
        board.create(str(n), status="in_review", tags=["odd" if n % 2 else "even"], description="d")
    board.create("open", tags=["even"])
    titles = lambda query: [task["title"] for task in board.get(f"/board/review?{query}").json["tasks"]]
    assert titles("") == titles("status=open") == titles("order=created") == ["2", "1", "0"]
    assert titles("tag=even") == ["2", "0"] and titles("limit=1") == ["2"]
    page = board.get("/board/review?limit=2&view=summary").json
    assert "description" not in page["tasks"][0] and titles(f"cursor={page['nextCursor']}") == ["0"]
    link = board.get("/board/review?limit=1").headers["Link"]
    assert link.startswith("</board/review?")


def test_a_list_says_as_of_which_event_it_is(board):
    assert board.get("/board/tasks").seq == 0
    task = board.create()
    assert board.get("/board/tasks").seq == 1
    board.note(task["id"])
    assert board.get("/board/tasks?status=done").seq == board.get("/board/review").seq == board.head_seq() == 2


REFUSED = [
    ("limit=abc", "limit"), ("limit=0", "limit"), ("limit=-1", "limit"), ("limit=10001", "limit"),
    ("limit=1.5", "limit"), ("limit=1e3", "limit"), ("limit=%2B5", "limit"), ("limit=99999999999999999999", "limit"),
    ("limit=5&limit=6", "limit"), ("cursor=a&cursor=b", "cursor"),
    ("limit=5 ", "limit"), ("order=newest", "order"), ("order=Created", "order"), ("view=short", "view"),
    ("fields=id,nonsense", "fields"), ("fields=Title", "fields"), ("maxBytes=abc", "maxBytes"),
    ("maxBytes=1023", "maxBytes"), ("maxBytes=16777217", "maxBytes"), ("tag=%zz", ""), ("tag=%", ""),
    ("tag=%00", ""), ("q=%ff", ""), ("tag=%c0%80", ""), ("tag=%ed%a0%80", ""),
    ("updatedSince=yesterday", "updatedSince"), ("updatedSince=2023-02-30T00:00:00Z", "updatedSince"),
    ("ready=perhaps", "ready"),
]


@pytest.mark.parametrize("query, word", REFUSED)
def test_a_bad_query_value_is_refused_and_named(client, query, word):
    refused(client.get("/board/tasks?" + query.replace(" ", "%20")), 400, "invalid_query", word)


BAD_CURSORS = ["abc", "%00", "0", "x" * 500, "01ARZ3NDEKTSV4RRFFQ69G5FAV", "-1", "created:", "é"]


@pytest.mark.parametrize("cursor", BAD_CURSORS)
def test_a_bad_cursor_is_refused(client, cursor):
    from urllib.parse import quote
    answer = client.get(f"/board/tasks?cursor={quote(cursor, safe='%')}")
    assert answer.status == 400 and answer.json["code"] in ("invalid_cursor", "invalid_query"), answer
    assert "cursor" in answer.json["error"] or cursor == "%00"


def test_a_cursor_of_another_order_is_refused(board):
    for n in range(3):
        board.create(str(n))
    cursor = board.get("/board/tasks?limit=1&order=updated").json["nextCursor"]
    for order in ("created", "rank"):
        refused(board.get(f"/board/tasks?order={order}&cursor={cursor}"), 400, "invalid_cursor", "cursor")


def test_too_many_and_too_long_parameters_are_refused(client):
    for query in ("&".join(f"tag=t{n}" for n in range(33)), "tag=" + "x" * 9000):
        answer = client.get(f"/board/tasks?{query}")
        assert answer.status == 400 and answer.json["code"] == "invalid_query", answer

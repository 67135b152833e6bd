"""Cursors, the Link header and maxBytes: pages together are the list, each task once."""

from urllib.parse import parse_qs, urlsplit

import pytest
from harness import Server, walk

COUNT = 60


@pytest.fixture(scope="module")
def board():
    """60 tasks that differ in priority, status, tags and time of update."""
    with Server() as server:
        board = server.client()
        items = [{"title": f"task {n}", "createdBy": "c", "priority": n * 37 % 11 - 5, "tags": [f"t{n % 3}", "all"],
                  "status": "done" if n % 5 == 0 else "open", "assignee": f"agent-{n % 4}",
                  "dependencies": ["nowhere"] if n % 7 == 0 else [], "description": "word " * (n % 9)}
                 for n in range(COUNT)]
        tasks = board.create_many(items)
        for n in range(0, COUNT, 3):
            board.change(tasks[n * 7 % COUNT]["id"], maxAttempts=n)
        yield board
        assert server.is_up()


ORDERS = ["created", "updated", "rank"]
FILTERS = ["", "&tag=t1", "&status=open", "&ready=true", "&assignee=agent-2&tag=all", "&status=done&tag=t0", "&q=word",
           "&ready=false&status=open", "&createdBy=c&view=summary", "&fields=id,title"]
WALKS = [(f"order={order}{rest}", follow, limit) for order in ORDERS for rest in FILTERS
         for follow, limit in (("nextCursor", 7), ("Link", 13))]
SINGLE_STEPS = [(f"order={order}", follow, 1) for order in ORDERS for follow in ("nextCursor", "Link")]


@pytest.mark.parametrize("query, follow, limit", WALKS + SINGLE_STEPS)
def test_pages_together_are_exactly_the_list(board, query, follow, limit):
    whole = board.list(query)
    assert len(whole) > 3
    assert walk(board, f"{query}&limit={limit}", follow, check=limit > 1) == whole


def test_a_list_that_is_all_there_has_no_next_page(board):
    answer = board.get("/board/tasks")
    assert answer.json["count"] == COUNT
    assert "nextCursor" not in answer.json and answer.headers["Link"] is None


def test_a_full_page_says_where_the_next_one_is_in_the_body_and_in_the_header(board):
    answer = board.get("/board/tasks?limit=10&tag=all")
    target = urlsplit(answer.headers["Link"].partition(">")[0].lstrip("<"))
    assert target.path == "/board/tasks"
    assert parse_qs(target.query) == {"tag": ["all"], "limit": ["10"], "cursor": [answer.json["nextCursor"]]}


def test_a_walk_is_not_shaken_by_tasks_that_come_and_go_meanwhile(board):
    before = board.ids()
    first = board.get("/board/tasks?limit=20").json
    added = [board.create("meanwhile", tags=["all"])["id"] for _ in range(5)]
    assert board.delete(first["tasks"][-1]["id"]).status == 200
    rest = walk(board, "limit=20", cursor=first["nextCursor"])
    assert [task["id"] for task in first["tasks"] + rest] == before
    for task_id in added:
        board.delete(task_id)


@pytest.mark.parametrize("order", ["created", "updated", "rank"])
@pytest.mark.parametrize("most", [1024, 5000])
def test_max_bytes_gives_whole_tasks_only_and_says_that_it_cut(board, order, most):
    whole, path, got, pages = board.list(f"order={order}"), f"/board/tasks?order={order}&maxBytes={most}", [], 0
    while path:
        answer = board.get(path)
        assert len(answer.body) <= most, f"{len(answer.body)} bytes were sent"
        page = answer.json
        got, pages = got + page["tasks"], pages + 1
        assert page.get("truncated", False) is ("nextCursor" in page)
        path = page.get("nextCursor") and f"/board/tasks?order={order}&maxBytes={most}&cursor={page['nextCursor']}"
    assert got == whole and pages > 1


def test_a_task_longer_than_max_bytes_does_not_stop_a_walk(board):
    big = board.create("big", description="x" * 50_000)
    whole = board.list()
    assert walk(board, "maxBytes=2000", check=False) == whole
    board.delete(big["id"])


def test_max_bytes_that_suffice_truncate_nothing(board):
    answer = board.get("/board/tasks?maxBytes=16777216")
    assert answer.json["count"] == len(board.list()) and "truncated" not in answer.json


def test_the_limit_counts_when_it_comes_before_max_bytes(board):
    page = board.get("/board/tasks?limit=2&maxBytes=16777216").json
    assert page["count"] == 2 and "nextCursor" in page and "truncated" not in page

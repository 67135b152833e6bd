"""The board at a glance."""

from harness import eventually, refused

RATES = ("created", "claimed", "completed", "failed")


def test_an_empty_board(board):
    summary = board.summary()
    assert summary["byStatus"] == {s: 0 for s in ("open", "in_progress", "in_review", "blocked", "done")}
    assert summary["byTag"] == summary["byAssignee"] == {} and summary["seq"] == 0
    for name in ("ready", "scheduled", "waiting", "claimed", "deadLetters"):
        assert summary[name] == 0
    assert "oldestReadyAt" not in summary and "paused" not in summary
    assert summary["rates"] == {window: {name: 0 for name in RATES} for window in ("1m", "5m", "1h")}


def test_everything_is_counted(board):
    oldest = board.create("ready", tags=["a", "b"])
    board.create("ready too", tags=["a"], assignee="ann")
    board.create("scheduled", delaySeconds=60)
    board.create("waiting", dependencies=["none"], tags=["b"])
    board.create("done", status="done", tags=["a"], assignee="ann")
    board.create("dead", maxAttempts=1, priority=50)
    board.finish(board.claim_one("bob"), "fail", error="e")
    held = board.create("held", priority=50, tags=["b"])
    assert board.claim_one("bob")["id"] == held["id"]
    summary = board.summary()
    assert summary["byStatus"] == {"open": 4, "in_progress": 1, "in_review": 0, "blocked": 1, "done": 1}
    assert (summary["ready"], summary["scheduled"], summary["waiting"]) == (2, 1, 1)
    assert summary["claimed"] == 1 and summary["deadLetters"] == 1
    assert summary["byTag"] == {"a": 2, "b": 3} and summary["byAssignee"]["ann"] == 1
    assert summary["oldestReadyAt"] == oldest["createdAt"] and summary["seq"] == board.head_seq()
    for window in ("1m", "5m", "1h"):
        assert summary["rates"][window] == {"created": 7, "claimed": 2, "completed": 1, "failed": 1}


def test_the_largest_hundred_names_are_told(board):
    board.create_many([{"title": "t", "createdBy": "c", "tags": [f"t{n:03}"]} for n in range(120)])
    board.create_many([{"title": "t", "createdBy": "c", "tags": ["often"]} for _ in range(5)])
    tags = board.summary()["byTag"]
    assert len(tags) == 100 and tags["often"] == 5


def test_the_tag_changes_with_the_board_only(board):
    task = board.create()
    first = board.get("/board/summary")
    assert first.etag.startswith('"') and int(first.headers["Events-Seq"]) == first.json["seq"] == 1
    unchanged = board.get("/board/summary", headers={"If-None-Match": first.etag})
    assert unchanged.status == 304 and unchanged.body == b"" and unchanged.etag == first.etag
    for change in (lambda: board.note(task["id"]), lambda: board.post("/board/pause"),
                   lambda: board.post("/board/resume"), lambda: board.claim("ann"),
                   lambda: board.delete(task["id"], headers=None) and board.create()):
        before = board.get("/board/summary").etag
        change()
        after = board.get("/board/summary", headers={"If-None-Match": before})
        assert after.status == 200 and after.etag != before


def test_asked_again_and_again_on_many_connections_it_tells_the_present(own_server, board):
    watchers = [own_server.client() for _ in range(8)]  # of both loops: each keeps a copy of its own
    for n in range(1, 21):
        task = board.create(str(n), tags=[f"t{n}"])
        if n % 2 == 0:
            board.done(task["id"])
        for watcher in watchers:
            for _ in range(2):
                summary = watcher.get("/board/summary").json
                assert (summary["byStatus"]["open"], summary["byStatus"]["done"]) == (n - n // 2, n // 2)
                assert (summary["rates"]["1h"]["created"], summary["seq"]) == (n, n + n // 2)


def test_a_heartbeat_changes_the_tag(board):
    board.create()
    held = board.claim_one("ann")
    before = board.get("/board/summary").etag
    assert board.finish(held, "heartbeat", leaseSeconds=4000).status == 200
    assert eventually(lambda: board.get("/board/summary").etag != before, "another tag")


def test_a_restart_makes_new_tags(own_server, board):
    before = board.get("/board/summary").etag
    own_server.restart()
    assert own_server.client().get("/board/summary", headers={"If-None-Match": before}).status == 200


def test_wait_is_checked(client):
    for query in ("wait=61", "wait=-1", "wait=x", "wait=1&wait=2", "wait="):
        refused(client.get(f"/board/summary?{query}"), 400, "invalid_query", "wait")

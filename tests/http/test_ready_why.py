"""What claims would get, and why somebody does not get a task."""

from harness import next_instant, refused


def ready(client, query=""):
    answer = client.get(f"/board/ready{query and '?' + query}")
    assert answer.status == 200, answer
    assert answer.json["count"] == len(answer.json["tasks"])
    return [task["title"] for task in answer.json["tasks"]]


def codes(client, task, query=""):
    why = client.why(task["id"], query)
    assert why["claimable"] is (why["reasons"] == [])
    return [reason["code"] for reason in why["reasons"]]


def test_ready_tasks_stand_in_claim_order(board):
    for title, fields in [("old", {}), ("new", {}), ("urgent", {"priority": 9}), ("bob's", {"assignee": "bob"}),
                          ("red", {"tags": ["red"], "priority": -5}), ("later", {"delaySeconds": 60})]:
        next_instant()
        board.create(title, **fields)
    assert ready(board) == ["urgent", "old", "new", "bob's", "red"]
    assert ready(board, "agent=ann") == ["urgent", "old", "new", "red"]
    assert ready(board, "agent=bob&limit=4") == ["urgent", "old", "new", "bob's"]
    assert ready(board, "tag=red") == ["red"] and ready(board, "tag=red&tag=blue") == []
    taken = [task["title"] for task in board.claim("ann", max=9)]
    assert taken == ["urgent", "old", "new", "red"] and ready(board) == ["bob's"]
    refused(board.get("/board/ready?limit=0"), 400, "invalid_query")


def test_a_vm_that_takes_no_claims_would_get_nothing(board):
    board.create("t")
    vm = {"id": "vm-1", "name": "n", "role": "worker", "address": "a", "registeredBy": "ann"}
    for query in ("vmId=vm-1", "vmId=vm-1&agent=ann"):
        assert ready(board, query) == []
    assert board.post("/registry/vms", vm).status == 201
    for query in ("vmId=vm-1", "vmId=vm-1&agent=ann"):
        assert ready(board, query) == ["t"]
    assert board.request("PATCH", "/registry/vms/vm-1", {"status": "stopped"}).status == 200
    for query in ("vmId=vm-1", "vmId=vm-1&agent=ann"):
        assert ready(board, query) == []
    refused(board.post("/board/claim", {"agent": "ann", "vmId": "vm-1"}), 409, "unknown_vm")


def test_peeking_takes_nothing(board):
    board.create("t")
    assert ready(board, "agent=ann") == ready(board, "agent=ann") == ["t"]


def test_a_claimable_task_has_its_place(board):
    board.create("first")
    next_instant()
    second = board.create("second")
    assert board.why(second["id"]) == {"claimable": True, "reasons": [], "position": 2}
    assert board.why(second["id"], "agent=ann")["claimable"] is True


def test_every_reason_has_its_own_code(board):
    dead = board.create(maxAttempts=1)
    board.finish(board.claim_one("ann"), "fail", error="e")
    claimed = board.create()
    board.claim_one("ann")
    tasks = {
        "done": board.create(status="done"),
        "in_review": board.create(status="in_review"),
        "blocked": board.create(status="blocked"),
        "dead_letter": dead,
        "claimed": claimed,
        "held": board.create(status="in_progress", assignee="old"),
        "dependencies": board.create(dependencies=["none"]),
        "not_before": board.create(delaySeconds=60),
    }
    for code, task in tasks.items():
        assert codes(board, task) == [code]
    reserved = board.create(assignee="bob")
    assert codes(board, reserved) == codes(board, reserved, "agent=bob") == []
    assert codes(board, reserved, "agent=ann") == ["assigned_elsewhere"]


def test_all_reasons_are_told_at_once(board):
    task = board.create(dependencies=["none"], delaySeconds=60, assignee="bob", tags=["red"])
    board.post("/board/pause", {"tag": "red", "reason": "r"})
    board.post("/board/pause", {})
    assert sorted(codes(board, task, "agent=ann")) == [
        "assigned_elsewhere", "dependencies", "not_before", "paused", "tag_paused"]


def test_why_of_nothing_is_not_found(client):
    refused(client.get("/board/tasks/01ARZ3NDEKTSV4RRFFQ69G5FAV/why"), 404, "task_not_found")

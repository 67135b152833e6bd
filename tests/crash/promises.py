"""What must hold when a killed server is back: asked over HTTP, and held against what the workers remember."""

from collections import Counter

HEAVY = ("description", "payload", "result", "notes", "artifacts")


class Log:
    """The log as read so far, replayed: the board that it tells, and what it counts."""

    def __init__(self):
        self.head = 0
        self.tasks = {}
        self.about = {}          # seq → task id
        self.notes = Counter()   # task id → events that added a note
        self.bumps = Counter()

    def read_on(self, client):
        """Reads to the head: no seq is missing, each change of a task is one event and one version."""
        while True:
            page = client.get(f"/events?since={self.head}&limit=1000").json
            assert page["oldest"] == 1
            for event in page["events"]:
                assert event["seq"] == self.head + 1, f"seq {self.head + 1} is missing"
                self.take(event)
            if self.head >= page["head"]:
                assert self.head == page["head"]
                return
            assert page["events"], f"the log ends at {self.head} before its head {page['head']}"

    def take(self, event):
        task_id = event["taskId"]
        self.head = event["seq"]
        self.about[self.head] = task_id
        before = self.tasks.get(task_id)
        if event["type"] == "task.deleted":
            assert before, event
            del self.tasks[task_id]
            return
        task = event["data"]["task"]
        assert task["id"] == task_id and (before is None) == (event["type"] == "task.created"), event
        assert task["version"] == (before["version"] + 1 if before else 1), event
        self.tasks[task_id] = task
        self.notes[task_id] += "note" in event["data"]  # also the summary of a complete
        self.bumps[task_id] += event["type"] == "task.bumped"


def read_board(client):
    """Every task in full, by id."""
    tasks, path = {}, "/board/tasks?limit=10000"
    while path:
        answer = client.get(path)
        assert answer.status == 200, answer
        page = answer.json
        for task in page["tasks"]:
            assert task["id"] not in tasks, "a task is listed twice"
            tasks[task["id"]] = task
        path = page.get("nextCursor") and f"/board/tasks?limit=10000&cursor={page['nextCursor']}"
    return tasks


def summary(task):
    return {name: value for name, value in task.items() if name not in HEAVY}


def check(client, log, workers, shared):
    """All promises at once; afterwards the workers know what became of their pending requests."""
    log.read_on(client)
    board = read_board(client)
    assert {task_id: summary(task) for task_id, task in board.items()} == log.tasks, "the log does not tell the board"
    for task_id, task in board.items():
        check_dependencies(board, task)
        assert len(task["notes"]) == log.notes[task_id], f"{task_id} has not the notes that the log tells of"
    strangers = dict(board)
    for worker in workers:
        check_acknowledged(worker, board, log)
        check_pending(worker, board)
        for task_id in worker.known:
            strangers.pop(task_id, None)
    check_shared(workers, board, log, shared)
    for task_id in shared:
        strangers.pop(task_id)
    assert not strangers, f"nobody asked for {[task['title'] for task in strangers.values()]}"


def check_dependencies(board, task):
    unmet = [d for d in task["dependencies"] if d not in board or board[d].get("outcome") != "success"]
    assert task["blockedBy"] == ([] if task["status"] == "done" else unmet), task
    assert task["ready"] is (task["status"] == "open" and not unmet), task


def check_acknowledged(worker, board, log):
    for seq, task_id in worker.acks:
        assert log.about.get(seq) == task_id, f"the acknowledged event {seq} about {task_id} is lost"
    worker.acks = []
    for task_id, known in worker.known.items():
        there = board.get(task_id)
        mine = worker.pending.task_id == task_id
        if known is None:
            assert there is None, f"{task_id} is back after its deletion was acknowledged"
        elif there is None:
            assert mine and worker.pending.kind == "delete", f"the acknowledged task {known['title']} is lost"
        else:
            check_version(known, there, mine)


def check_version(known, there, mine):
    """The task is as acknowledged, or further by what was pending or by what it waits for."""
    if there["version"] == known["version"]:
        assert there == known
        return
    assert there["version"] > known["version"], f"an acknowledged change of {known['title']} is lost"
    assert mine or known["dependencies"], f"{known['title']} was changed by nobody"
    assert there["version"] == known["version"] + 1 or known["dependencies"]
    kept = [note["id"] for note in known["notes"]]
    assert [note["id"] for note in there["notes"]][:len(kept)] == kept, f"a note of {known['title']} is lost"


def check_pending(worker, board):
    """A pending create happened as a whole or not at all. The worker takes over what it finds."""
    pending = worker.pending
    found = {task["title"]: task for task in board.values()} if pending.titles else {}
    made = pending.titles & set(found)
    assert made in (set(), pending.titles), f"of a plan only {sorted(made)} are there"
    worker.known.update({found[title]["id"]: found[title] for title in made})
    for task_id, known in worker.known.items():
        worker.known[task_id] = known and board.get(task_id)


def check_shared(workers, board, log, shared):
    for task_id in shared:
        acknowledged = sum(worker.bumps.get(task_id, 0) for worker in workers)
        pending = [worker for worker in workers if worker.pending.kind == "bump" and worker.pending.task_id == task_id]
        score = board[task_id]["score"]
        assert acknowledged <= score <= acknowledged + len(pending), f"{score} after {acknowledged} acknowledged bumps"
        assert score == log.bumps[task_id] and board[task_id]["version"] == score + 1
        if pending:  # nobody can tell whose it was: give all of them to the first
            pending[0].bumps[task_id] = pending[0].bumps.get(task_id, 0) + score - acknowledged

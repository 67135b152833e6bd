"""What was answered, and what must be there afterwards: every acknowledged write, no refused one, nothing by halves."""

from script import PAUSED_TAG, says

HEAVY = ("description", "payload", "result", "notes", "artifacts")
FLEETING = ("lastSeen", "claims", "stale")


class Broken(Exception):
    """A promise is broken: what the sweep looks for."""


def require(holds, message):
    if not holds:
        raise Broken(message)


def got(client, path):
    answer = client.get(path)
    require(answer.status == 200, f"GET {path}: {answer}")
    return answer.json


def read_board(client):
    """Every task in full, by id."""
    tasks, path = {}, "/board/tasks?limit=1000"
    while path:
        page = got(client, path)
        tasks.update({task["id"]: task for task in page["tasks"]})
        path = page.get("nextCursor") and f"/board/tasks?limit=1000&cursor={page['nextCursor']}"
    return tasks


def summary(task):
    return {name: value for name, value in task.items() if name not in HEAVY}


def difference(told, there):
    """The members that differ. What follows from a pause of the task's tag is no change of the task."""
    passing = {"ready"} if PAUSED_TAG in there.get("tags", ()) else set()
    names = {**told, **there}.keys() - passing
    return {name: (told.get(name), there.get(name)) for name in names if told.get(name) != there.get(name)}


class Base:
    """A store as it is before the script: where its log ends and what its board holds."""

    def __init__(self, client):
        self.head = client.head_seq()
        self.tasks = {task_id: summary(task) for task_id, task in read_board(client).items()}


class Ledger:
    """`events`: how many events each step leaves when nothing fails.

    acked    (step, answer) in their order
    unsure   steps of which nobody knows the outcome: no answer came, or storage_failed
    """

    def __init__(self, base, events):
        self.base, self.events = base, events
        self.acked, self.unsure = [], []

    def note(self, step, answer):
        """Judges one answer (None: the server has gone) and remembers what follows from it."""
        if answer is None:
            if step.writes:
                self.unsure.append(step)
        elif answer.status in (step.status, *step.also):
            if step.writes and answer.status < 400:
                self.acked.append((step, answer))
        else:
            require(answer.status in (500, 503, 507) and says(answer), f"{step.name} is answered with {answer}")
            if step.writes and says(answer) == "storage_failed":
                self.unsure.append(step)

    # --- afterwards ---

    def check(self, client):
        events = self.read_log(client)
        board = read_board(client)
        self.check_board(board, events)
        self.check_acknowledged(client, board, events)
        self.check_extent(events)

    def read_log(self, client):
        """What was logged since the beginning: {seq: event}; no seq is missing."""
        events, head, expected = {}, None, self.base.head + 1
        while head is None or expected <= head:
            page = got(client, f"/events?since={expected - 1}&limit=1000")
            head = page["head"]
            require(head >= self.base.head, f"the log ends at {head}, it had {self.base.head} events")
            require(page["oldest"] <= self.base.head + 1, "the log was cut too far")
            require(page["events"] or expected > head, f"the log ends at {expected - 1} before its head {head}")
            for event in page["events"]:
                require(event["seq"] == expected, f"event {expected} is missing")
                events[expected] = event
                expected += 1
        return events

    def check_board(self, board, events):
        """The log tells the board: nothing happened by halves."""
        tasks = dict(self.base.tasks)
        for event in events.values():
            if event["type"] == "task.deleted":
                del tasks[event["taskId"]]
            elif "task" in event.get("data", {}):
                tasks[event["taskId"]] = event["data"]["task"]
        for task_id in {**tasks, **board}:
            differing = difference(tasks.get(task_id, {}), summary(board.get(task_id, {})))
            require(not differing, f"of {task_id} the log tells something else than the board: {differing}")

    def check_acknowledged(self, client, board, events):
        latest = {event.get("taskId"): seq for seq, event in events.items()}
        for step, answer in self.acked:
            wanted = self.events[step.name]
            changed = answer.headers["Events-Seq"] is not None
            require(changed or not wanted or step.may_change_nothing, f"{step.name} changed nothing: {answer}")
            if wanted and changed:
                seqs = range(answer.seq - wanted + 1, answer.seq + 1)
                require(all(seq in events for seq in seqs), f"the acknowledged {step.name} is lost: event {answer.seq} is not there")
                self.check_tasks(step, answer, board, events, seqs, latest)
            self.check_rest(client, step, answer, board)

    def check_tasks(self, step, answer, board, events, seqs, latest):
        """Each task of the answer is what its event tells, and still is so if nothing happened to it since."""
        body = answer.json
        for task in body.get("tasks", [body]):
            if "version" not in task:
                continue
            mine = [events[seq] for seq in seqs if events[seq].get("taskId") == task["id"]]
            require(mine and mine[-1]["data"]["task"]["version"] == task["version"], f"{step.name}: {task['id']} has no event of its own")
            if latest[task["id"]] in seqs:
                there = {name: value for name, value in task.items() if name != "previousAttempt"}
                if "claim" in there:
                    there["claim"] = {name: value for name, value in there["claim"].items() if name != "token"}
                differing = difference(there, board.get(task["id"], {}))
                require(not differing, f"the acknowledged {step.name} is lost: {differing}")

    def check_rest(self, client, step, answer, board):
        """What is no task: notes, leases, VMs, the feed."""
        body = answer.json
        lost = f"the acknowledged {step.name} is lost"
        if step.name == "note":
            task_id = step.path.split("/")[3]
            require(body in board[task_id]["notes"], lost)
        elif step.name == "beat":
            require(board[step.path.split("/")[3]]["claim"]["expiresAt"] == body["expiresAt"], lost)
        elif step.name == "publish":
            require(got(client, f"/feed/events/{body['id']}") == body, lost)
        elif step.name == "vm delete":
            require(client.get(step.path).status == 404, lost)
        elif step.name == "vm beat":
            require(got(client, "/registry/vms/vm-0")["lastSeen"] >= body["lastSeen"], lost)
        elif step.name in ("token", "revoke"):
            listed = [token["id"] for token in got(client, "/auth/tokens")["tokens"]]
            require((body["id"] in listed) if step.name == "token" else (step.path.split("/")[3] not in listed), lost)
            if step.name == "token":
                shown = client.get("/board/summary", headers={"Authorization": f"Bearer {body['token']}"})
                require(shown.status == 200, f"{lost}: it lets nobody in")
        elif step.name in ("register", "vm patch"):
            there = got(client, f"/registry/vms/{body['id']}")
            require(all(there[name] == value for name, value in body.items() if name not in FLEETING), lost)

    def check_extent(self, events):
        """Besides what was acknowledged nothing happened, but for the first of the steps whose outcome is unknown, as a whole."""
        count = sum(self.events[step.name] for step, answer in self.acked if answer.headers["Events-Seq"] is not None)
        more = len(events) - count
        first = [step for step in self.unsure if step.name == self.unsure[0].name]  # several of a burst
        require(more in {self.events[step.name] * (n + 1) for n, step in enumerate(first)} | {0},
                f"{more} events more than were acknowledged; unknown: {[step.name for step in self.unsure]}")

    def send_again(self, client):
        """A request with a key that was acknowledged gets the same answer again; another one happens now, once."""
        acked = {step.name: answer for step, answer in self.acked}
        for step in {step.name: step for step, _ in self.acked if step.key}.values():
            again = step.send(client)
            first = acked[step.name]
            require((again.status, again.body) == (first.status, first.body), f"{step.name} with its key again: {again}")
            require(again.headers["Idempotency-Replayed"] == "true", f"{step.name} happened twice")
        for step in [step for step in self.unsure if step.key]:
            first, second = step.send(client), step.send(client)
            require(first.status == step.status and first.body == second.body, f"{step.name} with its key again: {first}, {second}")

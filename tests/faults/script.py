"""What is asked of a server while something in it fails: always the same requests in the same order.

Each step stands for itself as far as may be: it works on tasks of the prepared store, so that it can be asked whatever
became of the steps before it."""

import json

LEASE = {"leaseSeconds": 86400}
VM = {"role": "worker", "address": "10.0.0.1", "registeredBy": "fleet", "ttlSeconds": 86400}
SEEDS = 40
PAUSED_TAG = "t1"
HELD = ("beat", "complete", "fail", "release")
WORDS = "the quick brown fox jumps over a lazy dog while seven wizards quietly mix potions in a boiling vat".split()


def seed(number):
    return {"title": f"seed {number} {WORDS[number % len(WORDS)]}", "createdBy": "seeder", "tags": ["seed", f"t{number % 5}"],
            "description": " ".join(WORDS[number % 7:]), "uniqueKey": f"seed-{number}"}


def prepare(client):
    """Fills an empty board; returns what the steps need to know of it."""
    known = {"tasks": [], "held": {}}
    for number in range(SEEDS):
        known["tasks"].append(made(client.post("/board/tasks", seed(number)), 201)["id"])
    made(client.post("/board/tasks", [seed(SEEDS + n) for n in range(200)]), 201)
    for name in HELD:
        task = made(client.post("/board/tasks", {"title": name, "createdBy": "seeder", "maxAttempts": 5}), 201)
        claimed = made(client.post(f"/board/tasks/{task['id']}/claim", {"agent": "holder", **LEASE}), 200)
        known["held"][name] = (task["id"], claimed["claim"]["token"])
    for number in range(4):
        made(client.post("/registry/vms", {**VM, "id": f"vm-{number}", "name": f"n{number}"}), 201)
        made(client.post("/feed/events", {"agent": "ann", "type": "finding", "summary": f"news {number}"}), 201)
    for task_id in known["tasks"][:6]:
        made(client.post(f"/board/tasks/{task_id}/notes", {"author": "ann", "content": "first", "type": "update"}), 201)
    known["token"] = made(client.post("/auth/tokens", {"name": "old", "role": "worker"}), 201)["id"]
    return known


def made(answer, status):
    assert answer.status == status, answer
    return answer.json


class Step:
    """`status`: what it is answered when nothing fails. `also` and `may_change_nothing`: what else may come of a step before
    it that was refused."""

    def __init__(self, name, method, path, body=None, status=200, also=(), key=None, may_change_nothing=False):
        self.name, self.method, self.path, self.body, self.status, self.also = name, method, path, body, status, also
        self.headers = {"Idempotency-Key": key} if key else {}
        self.key, self.may_change_nothing = key, may_change_nothing
        self.writes = method != "GET"

    def send(self, client):
        return client.request(self.method, self.path, self.body, self.headers)


class Burst:
    """Steps that are sent at the same time, each over a connection of its own, so that one commit has several of them."""

    def __init__(self, name, parts):
        self.name, self.parts = name, parts


def steps(known):
    """The script, for a store with those tasks."""
    tasks, held = known["tasks"], known["held"]

    def task(number, verb=""):
        return f"/board/tasks/{tasks[number]}{verb}"

    def end(name, verb, **fields):
        task_id, token = held[name]
        return Step(name, "POST", f"/board/tasks/{task_id}/{verb}", {"claimToken": token, **fields})

    branch = {"type": "branch", "url": "https://example.org/x", "label": "PR"}
    plan = [{"title": f"plan {n}", "createdBy": "ann", "ref": str(n), "tags": ["plan", f"p{n}"],
             "dependencies": [f"#{n - 1}"] if n else []} for n in range(8)]
    large = [{"title": f"large {n}", "createdBy": "ann", "description": " ".join(WORDS) * 60, "payload": "x" * 30000} for n in range(8)]
    return [
        Step("create", "POST", "/board/tasks", {"title": "one", "createdBy": "ann", "tags": ["new"]}, 201, key="create"),
        Step("list", "GET", "/board/tasks?limit=1000"),
        Step("plan", "POST", "/board/tasks", plan, 201),
        Step("patch", "PATCH", task(0), {"tags": ["patched"], "priority": 7, "description": "short"}),
        Step("get", "GET", task(0)),
        Step("note", "POST", task(1, "/notes"), {"author": "ann", "content": "a note", "type": "update"}, 201),
        Step("artifact", "POST", task(1, "/artifacts"), {"artifacts": [branch]}, 201),
        Step("bump", "POST", task(2, "/bump"), {}),
        Step("claim", "POST", "/board/claim", {"agent": "bob", "tags": ["t3"], "max": 3, **LEASE}, key="claim"),
        Burst("burst", [Step("burst", "POST", "/board/tasks", {"title": f"burst {n}", "createdBy": "ann", "tags": ["burst"]}, 201)
                        for n in range(6)]),
        Step("ready", "GET", "/board/ready?agent=bob"),
        end("beat", "heartbeat", progress={"percent": 10, "message": "on it"}),
        end("complete", "complete", result={"n": 1}, summary="all done"),
        end("fail", "fail", error="boom", delaySeconds=0),
        end("release", "release"),
        Step("register", "POST", "/registry/vms", {**VM, "id": "vm-new", "name": "new"}, 201),
        Step("vm beat", "POST", "/registry/vms/vm-0/heartbeat", {}),
        Step("vm patch", "PATCH", "/registry/vms/vm-1", {"address": "10.0.0.2"}),
        Step("vm delete", "DELETE", "/registry/vms/vm-2"),
        Step("vms", "GET", "/registry/vms"),
        Step("publish", "POST", "/feed/events", {"agent": "ann", "type": "finding", "summary": "it works", "metadata": {"a": [1]}}, 201),
        Step("feed", "GET", "/feed/events?limit=0"),
        Step("token", "POST", "/auth/tokens", {"name": "new", "role": "worker", "agent": "bob"}, 201),
        Step("revoke", "DELETE", f"/auth/tokens/{known['token']}"),
        Step("tokens", "GET", "/auth/tokens"),
        Step("delete", "DELETE", task(7)),
        Step("cancel", "POST", task(4, "/cancel"), {"reason": "no need"}),
        Step("retry", "POST", task(4, "/retry"), {}, also=(409,)),
        Step("large", "POST", "/board/tasks", large, 201, key="large"),
        Step("search", "GET", "/board/tasks?q=wizards&order=updated&limit=200"),
        Step("done", "PATCH", task(5), {"status": "done"}),
        Step("pause", "POST", "/board/pause", {"tag": PAUSED_TAG}),
        Step("resume", "POST", "/board/resume", {"tag": PAUSED_TAG}, may_change_nothing=True),
        Step("summary", "GET", "/board/summary"),
        Step("events", "GET", "/events?since=0&limit=1000"),
        Step("history", "GET", task(0, "/history")),
        Step("last", "POST", "/board/tasks", {"title": "last", "createdBy": "ann"}, 201),
    ]


def says(answer):
    """The code of a refusal; None where the body has none."""
    try:
        return answer.json.get("code")
    except (json.JSONDecodeError, AttributeError):
        return None

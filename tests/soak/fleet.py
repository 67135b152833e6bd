"""A fleet that never rests: coordinators, workers on machines that come and go, dashboards. Threads of the soak's own process; each makes up for
a server that is away by trying again."""

import http.client
import json
import random
import threading
import time

PATIENCE_SECONDS = 30
RETRY_SECONDS = 0.1


class Member(threading.Thread):
    """Does `turn` again and again, `per_second` times or as often as it can."""

    def __init__(self, fleet, number, per_second):
        super().__init__(daemon=True)
        self.fleet, self.number, self.pause = fleet, number, 1 / per_second
        self.random = random.Random(fleet.seed * 1000 + number)
        self.connection = None
        self.requests = 0
        self.refused = {}

    def call(self, method, path, body=None, headers=None):
        """The answer's JSON; None when the server is away or refuses."""
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.fleet.port, timeout=PATIENCE_SECONDS)
            sent = {"Authorization": f"Bearer {self.fleet.token}", **(headers or {})}
            self.connection.request(method, path, None if body is None else json.dumps(body), sent)
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self.connection = None
            self.fleet.done.wait(RETRY_SECONDS)
            return None
        self.requests += 1
        if answer.status >= 500 or answer.status in (400, 401, 403):
            self.refused[answer.status] = self.refused.get(answer.status, 0) + 1
        return json.loads(text) if answer.status < 300 and text else None

    def turn(self):
        raise NotImplementedError

    def run(self):
        while not self.fleet.done.wait(self.pause * self.random.uniform(0.5, 1.5)):
            self.turn()


class Coordinator(Member):
    """Posts plans, and clears away what is done, so that the board stays about as large."""

    def turn(self):
        tag = f"t{self.random.randrange(8)}"
        plan = [{"ref": "a", "title": "prepare", "createdBy": "soak", "tags": [tag], "priority": self.random.randrange(-2, 3)},
                {"ref": "b", "title": "build", "createdBy": "soak", "tags": [tag], "dependencies": ["#a"], "description": "x" * 500},
                {"title": "check later", "createdBy": "soak", "tags": [tag], "delaySeconds": self.random.randrange(3)}]
        self.call("POST", "/board/tasks", plan, {"Idempotency-Key": f"{self.number}-{self.requests}-{time.monotonic_ns()}"})
        done = self.call("GET", "/board/tasks?status=done,blocked&order=updated&view=summary&limit=1000")
        for task in (done or {"tasks": []})["tasks"][200:]:
            self.call("DELETE", f"/board/tasks/{task['id']}")


class Worker(Member):
    """Claims with its VM, and completes, fails, gives back or forgets what it got. Sometimes its VM goes, and another one comes."""

    vm = None

    def renew_vm(self):
        if self.vm is not None and self.random.random() > 0.02:
            self.call("POST", f"/registry/vms/{self.vm}/heartbeat", {})
            return
        if self.vm is not None and self.random.random() < 0.7:
            self.call("DELETE", f"/registry/vms/{self.vm}")
        self.vm = f"vm-{self.number}-{self.random.randrange(50)}"
        self.call("PUT", f"/registry/vms/{self.vm}", {"name": "soak", "role": "worker", "address": "127.0.0.1", "ttlSeconds": 10})

    def turn(self):
        self.renew_vm()
        wanted = {"agent": f"worker-{self.number}", "vmId": self.vm, "anyTags": [f"t{n}" for n in range(8)], "max": 4, "wait": 1, "leaseSeconds": 10}
        for task in (self.call("POST", "/board/claim", wanted) or {"tasks": []})["tasks"]:
            self.finish(task["id"], {"claimToken": task["claim"]["token"]})

    def finish(self, task_id, token):
        path = f"/board/tasks/{task_id}"
        dice = self.random.random()
        if dice < 0.75:
            self.call("POST", f"{path}/complete", {**token, "result": {"lines": "y" * self.random.randrange(2000)}, "summary": "done"})
        elif dice < 0.85:
            self.call("POST", f"{path}/fail", {**token, "error": "no luck", "delaySeconds": 1})
        elif dice < 0.95:
            self.call("POST", f"{path}/release", token)
        else:
            self.call("POST", f"{path}/heartbeat", {**token, "progress": {"percent": 50}})  # and forgets it


class Dashboard(Member):
    """Polls, follows the stream for a while, publishes."""

    def turn(self):
        self.call("GET", "/board/summary")
        self.call("GET", "/board/tasks?limit=200&view=summary")
        self.call("GET", "/registry/vms")
        self.call("POST", "/feed/events", {"agent": f"dashboard-{self.number}", "type": "custom", "summary": "looked"})
        self.follow()

    def follow(self):
        stream = http.client.HTTPConnection("127.0.0.1", self.fleet.port, timeout=PATIENCE_SECONDS)
        try:
            stream.request("GET", "/events/stream?since=0", headers={"Authorization": f"Bearer {self.fleet.token}"})
            answer = stream.getresponse()
            for _ in range(self.random.randrange(200)):
                if not answer.readline():
                    break
            self.requests += 1
        except (OSError, http.client.HTTPException):
            pass
        finally:
            stream.close()


class Fleet:
    def __init__(self, port, token, seed):
        self.port, self.token, self.seed = port, token, seed
        self.done = threading.Event()
        kinds = [(Coordinator, 10)] * 2 + [(Worker, 20)] * 8 + [(Dashboard, 2)] * 2
        self.members = [kind(self, number, rate) for number, (kind, rate) in enumerate(kinds)]

    def start(self):
        for member in self.members:
            member.start()

    def stop(self):
        self.done.set()
        for member in self.members:
            member.join()

    def requests(self):
        return sum(member.requests for member in self.members)

    def refused(self):
        """Requests that should have been taken, by status."""
        total = {}
        for member in self.members:
            for status, count in member.refused.items():
                total[status] = total.get(status, 0) + count
        return total

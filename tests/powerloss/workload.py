"""Clients that let every part of the store move, and write down what they were promised.

The folder of a recording gets two files for the replayer:

events    every event as a subscriber got it, a line each
history   vm NUMBER ID alive|gone SEEN_MS         a request about a VM; SEEN_MS 0: no answer came
          key NUMBER KEY STATUS SEQ BODY          an answer to an Idempotency-Key; KEY and BODY are digests
          token TOKEN                             that the data folder must hold

NUMBER is that of a request: its X-Request-Id is `nNUMBER`, by which the replayer finds its answer in the recording.
"""

import hashlib
import http.client
import itertools
import json
import random
import threading
from datetime import datetime

from harness import Client, Ended, Sse

GONE = (ConnectionError, OSError, http.client.HTTPException)
TASKS_KEPT = 25      # a worker deletes when it has more
VMS = 3              # of each worker
TAGS = ["parser", "deploy", "docs", "tests", "urgent"]
RETAINED_EVENTS = 1000
MAP_BYTES = 64 << 20


def digest(*parts):
    """As the server makes the digest of an Idempotency-Key: the length of each part goes before it."""
    return hashlib.blake2b(b"".join(len(part).to_bytes(8, "little") + part for part in parts), digest_size=16).hexdigest()


def milliseconds(instant):
    return round(datetime.fromisoformat(instant.replace("Z", "+00:00")).timestamp() * 1000)


class Ack:
    """What an answer said: the log had that event, and the task that version then."""

    def __init__(self, seq, task):
        self.seq = seq
        self.task_id, self.version = (task["id"], task["version"]) if task else (None, None)


class History:
    """What all workers share: numbers of requests, lines of the history, acknowledged writes."""

    def __init__(self):
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)
        self.lines = []
        self.acks = []
        self.answers = 0

    def number(self):
        with self.lock:
            return next(self.numbers)

    def add(self, line):
        with self.lock:
            self.lines.append(line)

    def acknowledge(self, answer, task):
        with self.lock:
            self.answers += 1
            if answer.headers["Events-Seq"]:
                self.acks.append(Ack(answer.seq, task))


class Worker:
    """One client on one connection: tasks and VMs of its own, so that it knows what it did to them."""

    def __init__(self, number, seed, history):
        self.number, self.history = number, history
        self.chance = random.Random(f"{seed}/{number}")
        self.serial = itertools.count(1)
        self.tasks = []                                  # ids
        self.held = {}                                   # id → claim token
        self.vms = {f"vm-{number}-{n}": False for n in range(VMS)}  # id → is registered
        self.keyed = []                                  # requests with a key that were answered
        self.credentials = []                            # ids of named tokens
        self.client = None

    def run(self, port, token, go_on):
        """Until `go_on` says no, or the server is gone; then what was under way is forgotten."""
        self.client = Client(port, token=token, check=False)
        choices = [self.create] * 5 + [self.array] + [self.patch] * 4 + [self.note] * 3 + [self.artifact, self.bump] + \
            [self.claim] * 3 + [self.hold] * 6 + [self.vm] * 6 + [self.feed] * 2 + [self.again, self.read, self.pause, self.credential]
        try:
            while go_on():
                self.chance.choice(choices)()
                while len(self.tasks) > TASKS_KEPT:
                    self.delete()
        except GONE:
            self.held.clear()
            self.tasks.clear()  # they stay on the board, and nobody asks for them again
        finally:
            self.client.close()

    def send(self, method, path, body=None, key=None, number=None, task=None):
        """`task`: makes the task of the answer, if it is one."""
        number = number or self.history.number()
        headers = {"X-Request-Id": f"n{number}", **({"Idempotency-Key": key} if key else {})}
        answer = self.client.request(method, path, body, headers)
        assert answer.status < 500, answer
        done = answer.status < 300
        self.history.acknowledge(answer, task(answer.json) if task and done else None)
        if key and answer.status in (200, 201):
            body_digest = hashlib.blake2b(answer.body, digest_size=16).hexdigest()
            self.history.add(f"key {number} {digest(b'admin', key.encode())} {answer.status} {answer.seq} {body_digest}")
        return answer

    def some_task(self):
        if not self.tasks:
            self.create()
        return self.chance.choice(self.tasks)

    def words(self, most):
        return " ".join(self.chance.choice(["alpha", "beta", "gamma", "delta", "epsilon", "zeta"]) + str(self.chance.randrange(50))
                        for _ in range(self.chance.randrange(1, most)))

    def new_task(self, **fields):
        task = {"title": f"w{self.number} {next(self.serial)} {self.words(4)}", "createdBy": f"w{self.number}",
                "tags": self.chance.sample(TAGS, self.chance.randrange(3)), "priority": self.chance.randrange(-5, 6), **fields}
        if self.chance.random() < 0.3:
            task["description"] = self.words(300)
        if self.chance.random() < 0.2:
            task["payload"] = {"data": "x" * self.chance.randrange(12000)}
        return task

    # --- tasks ---

    def create(self):
        key = f"w{self.number}-{next(self.serial)}" if self.chance.random() < 0.3 else None
        body = self.new_task(**({"dependencies": [self.chance.choice(self.tasks)]} if self.tasks and self.chance.random() < 0.3 else {}))
        answer = self.send("POST", "/board/tasks", body, key=key, task=lambda task: task)
        assert answer.status == 201, answer
        self.tasks.append(answer.json["id"])
        if key:
            self.keyed.append(("/board/tasks", body, key))

    def array(self):
        tasks = [self.new_task(ref=str(n), **({"dependencies": [f"#{n - 1}"]} if n else {})) for n in range(6)]
        answer = self.send("POST", "/board/tasks", tasks)
        assert answer.status == 201, answer
        self.tasks += [task["id"] for task in answer.json["tasks"]]

    def again(self):
        if self.keyed:
            path, body, key = self.chance.choice(self.keyed[-20:])
            answer = self.send("POST", path, body, key=key)
            assert answer.status == 201, answer

    def patch(self):
        task_id = self.some_task()
        fields = self.chance.choice([{"priority": self.chance.randrange(100)}, {"tags": self.chance.sample(TAGS, 2)},
                                     {"description": self.words(200)}, {"title": self.words(5)}, {"assignee": f"agent-{self.number}"},
                                     {"assignee": None}])
        self.send("PATCH", f"/board/tasks/{task_id}?force=true", fields, task=lambda task: task)

    def note(self):
        body = {"author": f"w{self.number}", "content": self.words(60), "type": "update"}
        self.send("POST", f"/board/tasks/{self.some_task()}/notes", body)

    def artifact(self):
        artifacts = [{"type": "file", "url": "file:///x", "label": self.words(3)}]
        self.send("POST", f"/board/tasks/{self.some_task()}/artifacts", {"artifacts": artifacts})

    def bump(self):
        self.send("POST", f"/board/tasks/{self.some_task()}/bump", task=lambda task: task)

    def delete(self):
        task_id = self.tasks.pop(self.chance.randrange(len(self.tasks)))
        self.held.pop(task_id, None)
        answer = self.send("DELETE", f"/board/tasks/{task_id}?force=true")
        assert answer.status == 200, answer

    # --- claims ---

    def claim(self):
        vm = [vm for vm, there in self.vms.items() if there]
        body = {"agent": f"agent-{self.number}", **({"vmId": vm[0]} if vm and self.chance.random() < 0.5 else {})}
        task_id = self.some_task()
        answer = self.send("POST", f"/board/tasks/{task_id}/claim", body, task=lambda task: task)
        if answer.status == 200:
            self.held[task_id] = answer.json["claim"]["token"]

    def hold(self):
        """Whatever the holder of a claim may do."""
        if not self.held:
            return
        task_id, token = self.chance.choice(list(self.held.items()))
        verb, fields = self.chance.choice([("heartbeat", {"progress": {"percent": self.chance.randrange(101)}}), ("heartbeat", {}),
                                           ("complete", {"result": {"ok": self.words(30)}, "summary": self.words(10)}),
                                           ("complete", {"review": True}), ("release", {"reason": "later"}),
                                           ("fail", {"error": self.words(5), "delaySeconds": 0})])
        self.send("POST", f"/board/tasks/{task_id}/{verb}", {"claimToken": token, **fields},
                  task=None if verb == "heartbeat" else lambda task: task)
        if verb != "heartbeat":
            del self.held[task_id]

    # --- the registry, the feed, and the rest ---

    def vm(self):
        vm_id = self.chance.choice(list(self.vms))
        if not self.vms[vm_id]:
            body = {"name": vm_id, "role": "worker", "address": "10.0.0.1", "registeredBy": f"w{self.number}"}
            self.about_vm("PUT", f"/registry/vms/{vm_id}", vm_id, body)
        elif self.chance.random() < 0.05:
            self.about_vm("DELETE", f"/registry/vms/{vm_id}", vm_id)
        elif self.chance.random() < 0.1:
            self.about_vm("PATCH", f"/registry/vms/{vm_id}", vm_id, {"metadata": {"load": self.chance.random()}})
        else:
            self.about_vm("POST", f"/registry/vms/{vm_id}/heartbeat", vm_id)

    def about_vm(self, method, path, vm_id, body=None):
        number, seen, leaves = self.history.number(), 0, method == "DELETE"
        try:
            answer = self.send(method, path, body, number=number)
            leaves |= answer.status == 404  # a request to which no answer came has deregistered it
            assert answer.status in (200, 201, 404), answer
            self.vms[vm_id] = not leaves
            seen = 0 if leaves else milliseconds(answer.json["lastSeen"])
        finally:
            self.history.add(f"vm {number} {vm_id} {'gone' if leaves else 'alive'} {seen}")

    def feed(self):
        body = {"agent": f"agent-{self.number}", "type": "finding", "summary": self.words(10)}
        self.send("POST", "/feed/events", body)

    def read(self):
        self.send("GET", self.chance.choice(["/board/tasks?limit=3", "/board/summary", "/registry/vms", "/events?limit=2"]))

    def credential(self):
        """A named token, or one less; or a link for a browser."""
        if self.chance.random() < 0.3:
            self.send("POST", "/auth/magic-link")
        elif len(self.credentials) > 3:
            self.send("DELETE", f"/auth/tokens/{self.credentials.pop(0)}")
        else:
            made = self.send("POST", "/auth/tokens", {"name": f"w{self.number}", "role": self.chance.choice(["viewer", "worker", "coordinator"])})
            assert made.status == 201, made
            self.credentials.append(made.json["id"])

    def pause(self):
        self.send("POST", self.chance.choice(["/board/pause", "/board/resume"]), {"tag": f"pause-{self.number}"})


class Subscriber:
    """Follows the log through all lives of the server and keeps every event as it came."""

    def __init__(self):
        self.lines = []
        self.thread = None
        self.failure = None
        self.stream = None

    def follow(self, server, token):
        self.stream = Sse(server, f"/events/stream?since={len(self.lines)}", token=token)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            while True:
                event = self.stream.next()
                assert event.name is None, f"the subscriber fell behind: {event.name}"
                self.lines.append(event.data)
                assert json.loads(event.data)["seq"] == len(self.lines), event.data
        except (Ended, ConnectionError, OSError):
            pass
        except BaseException as error:  # told by end(), in the caller's thread
            self.failure = error

    def end(self):
        self.thread.join()
        if self.failure:
            raise self.failure


def check_acks(acks, lines):
    """Each acknowledged write stands in the log, with the version that its answer told."""
    versions = {}  # of a task → seq of the event that tells of it first
    for line in lines:
        event = json.loads(line)
        task = event["data"].get("task") if "data" in event else None
        if task:
            versions.setdefault(task["id"], {}).setdefault(task["version"], event["seq"])  # progress changes none
    for ack in acks:
        assert ack.seq <= len(lines), f"event {ack.seq} was acknowledged and never told"
        if ack.task_id:
            seq = versions.get(ack.task_id, {}).get(ack.version)
            assert seq is not None and seq <= ack.seq, f"version {ack.version} of {ack.task_id} is not in the log by {ack.seq}"

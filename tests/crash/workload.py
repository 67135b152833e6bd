"""Clients that write whatever comes to their mind, and remember every answer that they got."""

import http.client
import random
import threading

from harness import TOKEN, Client

GONE = (ConnectionError, OSError, http.client.HTTPException)
PLAN_SIZE = 8
REPEATED = 20  # answers a worker asks for again after a restart


class Pending:
    """The request to which no answer came: it happened or it did not, as a whole. One that has a key is sent again."""

    def __init__(self, kind=None, task_id=None, titles=(), keyed=None):
        self.kind, self.task_id, self.titles, self.keyed = kind, task_id, set(titles), keyed


class Keyed:
    """A request with an Idempotency-Key, and what to do with its answer."""

    def __init__(self, key, path, body, learn):
        self.headers, self.path, self.body, self.learn = {"Idempotency-Key": key}, path, body, learn
        self.answer = None

    def send(self, client):
        return client.post(self.path, self.body, headers=self.headers)


class Worker:
    """One client. Its tasks are its own; the shared ones everybody bumps.

    known    id → the task as the last acknowledged answer showed it (None: its deletion was acknowledged)
    acks     (Events-Seq, id of the task that this event is about)
    bumps    id of a shared task → acknowledged bumps
    held     id of a task that it has claimed → the claim's token
    keyed    the latest requests with a key that changed something and were answered
    """

    def __init__(self, number, seed):
        self.number = number
        self.chance = random.Random(f"{seed}/{number}")
        self.serial = 0
        self.known, self.acks, self.bumps, self.held, self.keyed = {}, [], {}, {}, []
        self.pending = Pending()

    def run(self, port, shared, acknowledged):
        """Writes until the server is gone. Releases `acknowledged` once an answer."""
        client = Client(port, token=TOKEN, check=False)
        self.pending = Pending()
        choices = [self.create, self.create, self.plan, self.patch, self.patch, self.note, self.note, self.finish,
                   self.delete, self.claim, self.claim, self.complete, self.complete, self.release]
        try:
            while True:
                if shared and self.chance.random() < 0.15:
                    self.bump(client, self.chance.choice(shared))
                else:
                    self.chance.choice(choices)(client)
                self.pending = Pending()
                acknowledged.release()
        except GONE:
            pass
        finally:
            client.close()

    # --- helpers ---

    def title(self):
        self.serial += 1
        return f"w{self.number}-{self.serial}"

    def some_task(self, client):
        """One of its own tasks that are there and not claimed; makes one when there is none."""
        alive = lambda: [task_id for task_id, task in self.known.items() if task and task_id not in self.held]
        if not alive():
            self.create(client)
        return self.chance.choice(alive()[-40:])

    def expect(self, answer, status):
        assert answer.status == status, f"w{self.number}: {answer}"
        return answer.json

    def send(self, client, pending, method, path, body=None):
        self.pending = pending
        return client.request(method, path, body)

    def send_keyed(self, client, kind, path, body, learn):
        self.serial += 1
        keyed = Keyed(f"w{self.number}-{self.serial}", path, body, learn)
        self.pending = Pending(kind, keyed=keyed)
        self.take_answer(keyed, keyed.send(client))

    def take_answer(self, keyed, answer):
        keyed.learn(answer)
        keyed.answer = answer
        if answer.headers["Events-Seq"] is not None:  # an answer that changed nothing is not kept
            self.keyed = [*self.keyed[1 - REPEATED:], keyed]

    def send_again(self, client):
        """After a restart: what was answered gets the same answer, what was not gets the first or only one."""
        for keyed in self.keyed:
            again = keyed.send(client)
            assert again.headers["Idempotency-Replayed"] == "true", again
            assert (again.status, again.body, again.seq) == (keyed.answer.status, keyed.answer.body, keyed.answer.seq)
        keyed = self.pending.keyed
        if keyed:
            head = client.head_seq()
            first, second = keyed.send(client), keyed.send(client)
            if first.headers["Events-Seq"] is not None:
                had_happened = first.headers["Idempotency-Replayed"] == "true"
                assert had_happened == (first.seq <= head), "an effect without its answer, or an answer without its effect"
                assert second.headers["Idempotency-Replayed"] == "true" and second.body == first.body
            self.take_answer(keyed, first)
            self.pending = Pending()

    # --- what it does ---

    def create(self, client):
        title = self.title()
        body = {"title": title, "createdBy": f"w{self.number}", "description": "d" * self.chance.choice([0, 10, 3000]),
                "tags": [f"of-w{self.number}"]}

        def learn(answer):
            task = self.expect(answer, 201)
            self.known[task["id"]] = task
            self.acks.append((answer.seq, task["id"]))

        self.send_keyed(client, "create", "/board/tasks", body, learn)

    def claim_body(self):
        return {"agent": f"w{self.number}", "tags": [f"of-w{self.number}"], "max": self.chance.randrange(1, 4),
                "leaseSeconds": 86400}

    def learn_claimed(self, found, seq):
        """Takes over what a claim got; the last of them is what the event `seq` is about."""
        for task in found["tasks"]:
            assert self.known[task["id"]] and task["id"] not in self.held, "a task was handed out twice"
            self.held[task["id"]] = task["claim"].pop("token")
            task.pop("previousAttempt", None)
            self.known[task["id"]] = task
        if found["tasks"]:
            self.acks.append((seq, found["tasks"][-1]["id"]))

    def claim(self, client):
        def learn(answer):
            found = self.expect(answer, 200)
            self.learn_claimed(found, answer.seq if found["tasks"] else None)

        self.send_keyed(client, "claim", "/board/claim", self.claim_body(), learn)

    def complete(self, client):
        self.end_claim(client, "complete", {"result": {"by": self.number}, "summary": "done"})

    def release(self, client):
        self.end_claim(client, "release", {})

    def end_claim(self, client, verb, fields):
        if not self.held:
            return
        task_id = self.chance.choice(list(self.held))
        body = {"claimToken": self.held[task_id], **fields}
        if self.chance.random() < 0.5:
            body["next"] = self.claim_body()

        def learn(answer):
            after = self.expect(answer, 200)
            task = after.get("task", after)
            del self.held[task_id]
            assert task["status"] == ("done" if verb == "complete" else "open")
            self.known[task_id] = task
            self.learn_claimed(after.get("next", {"tasks": []}), answer.seq)

        self.send_keyed(client, verb, f"/board/tasks/{task_id}/{verb}", body, learn)

    def plan(self, client):
        """An array of which each task waits for some of those before it."""
        name = self.title()
        items = []
        for n in range(PLAN_SIZE):
            before = self.chance.sample(range(n), min(n, self.chance.randrange(3)))
            items.append({"title": f"{name}.{n}", "createdBy": f"w{self.number}", "ref": str(n), "tags": [name, f"of-w{self.number}"],
                          "dependencies": [f"#{m}" for m in before]})
        pending = Pending("plan", titles=[item["title"] for item in items])
        answer = self.send(client, pending, "POST", "/board/tasks", items)
        tasks = self.expect(answer, 201)["tasks"]
        self.known.update({task["id"]: task for task in tasks})
        self.acks.append((answer.seq, tasks[-1]["id"]))

    def patch(self, client):
        task_id = self.some_task(client)
        fields = self.chance.choice([
            {"priority": self.chance.randrange(-100, 101)}, {"tags": [self.known[task_id]["title"], "patched"]},
            {"assignee": self.chance.choice(["ann", "bob", None])}, {"status": "in_progress"}, {"status": "open"},
            {"description": "p" * self.chance.choice([0, 500])},
        ])
        self.change(client, "patch", task_id, fields)

    def finish(self, client):
        self.change(client, "finish", self.some_task(client), {"status": "done"})

    def change(self, client, kind, task_id, fields):
        answer = self.send(client, Pending(kind, task_id), "PATCH", f"/board/tasks/{task_id}", fields)
        task = self.expect(answer, 200)
        assert task["version"] > self.known[task_id]["version"]
        self.known[task_id] = task

    def note(self, client):
        task_id = self.some_task(client)
        body = {"author": f"w{self.number}", "content": self.title(), "type": "update"}
        answer = self.send(client, Pending("note", task_id), "POST", f"/board/tasks/{task_id}/notes", body)
        note, task = self.expect(answer, 201), self.known[task_id]
        self.known[task_id] = {**task, "version": task["version"] + 1, "notes": [*task["notes"], note],
                               "updatedAt": note["createdAt"]}
        self.acks.append((answer.seq, task_id))

    def delete(self, client):
        task_id = self.some_task(client)
        answer = self.send(client, Pending("delete", task_id), "DELETE", f"/board/tasks/{task_id}")
        self.expect(answer, 200)
        self.known[task_id] = None

    def bump(self, client, task_id):
        answer = self.send(client, Pending("bump", task_id), "POST", f"/board/tasks/{task_id}/bump")
        self.expect(answer, 200)
        self.bumps[task_id] = self.bumps.get(task_id, 0) + 1
        self.acks.append((answer.seq, task_id))


def write_until_killed(server, workers, shared, answers, pause):
    """Lets all workers write, kills the server `pause` seconds after that many answers came."""
    acknowledged, failures = threading.Semaphore(0), []

    def run(worker):
        try:
            worker.run(server.port, shared, acknowledged)
        except BaseException as error:  # told below, in the test's own thread
            failures.append(error)
            for _ in range(answers):
                acknowledged.release()

    threads = [threading.Thread(target=run, args=[worker]) for worker in workers]
    for thread in threads:
        thread.start()
    for _ in range(answers):
        acknowledged.acquire()
    threading.Event().wait(pause)
    server.kill()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]

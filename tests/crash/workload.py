"""Clients that write whatever comes to their mind, and remember every answer that they got."""

import http.client
import random
import threading

from harness import TOKEN, Client

GONE = (ConnectionError, OSError, http.client.HTTPException)
PLAN_SIZE = 8


class Pending:
    """The request to which no answer came: it happened or it did not, as a whole."""

    def __init__(self, kind=None, task_id=None, titles=()):
        self.kind, self.task_id, self.titles = kind, task_id, set(titles)


class Worker:
    """One client. Its tasks are its own; the shared ones everybody bumps.

    known    id → the task as the last acknowledged answer showed it (None: its deletion was acknowledged)
    acks     (Events-Seq, id of the task that this event is about)
    bumps    id of a shared task → acknowledged bumps
    """

    def __init__(self, number, seed):
        self.number = number
        self.chance = random.Random(f"{seed}/{number}")
        self.serial = 0
        self.known, self.acks, self.bumps = {}, [], {}
        self.pending = Pending()

    def run(self, port, shared, acknowledged):
        """Writes until the server is gone. Releases `acknowledged` once an answer."""
        client = Client(port, token=TOKEN, check=False)
        self.pending = Pending()
        choices = [self.create, self.plan, self.patch, self.patch, self.note, self.note, self.finish, self.delete]
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
        """One of its own tasks that are there; makes one when there is none."""
        alive = [task_id for task_id, task in self.known.items() if task]
        if not alive:
            self.create(client)
            alive = [task_id for task_id, task in self.known.items() if task]
        return self.chance.choice(alive[-40:])

    def expect(self, answer, status):
        assert answer.status == status, f"w{self.number}: {answer}"
        return answer.json

    def send(self, client, pending, method, path, body=None):
        self.pending = pending
        return client.request(method, path, body)

    # --- what it does ---

    def create(self, client):
        title = self.title()
        body = {"title": title, "createdBy": f"w{self.number}", "description": "d" * self.chance.choice([0, 10, 3000])}
        answer = self.send(client, Pending("create", titles=[title]), "POST", "/board/tasks", body)
        task = self.expect(answer, 201)
        self.known[task["id"]] = task
        self.acks.append((answer.seq, task["id"]))

    def plan(self, client):
        """An array of which each task waits for some of those before it."""
        name = self.title()
        items = []
        for n in range(PLAN_SIZE):
            before = self.chance.sample(range(n), min(n, self.chance.randrange(3)))
            items.append({"title": f"{name}.{n}", "createdBy": f"w{self.number}", "ref": str(n), "tags": [name],
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

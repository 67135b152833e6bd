"""64 workers drain 20,000 tasks while others create, cancel, and let leases lapse: nothing is handed out twice within a
lease, and nothing is lost.

TASKBOARD_CONTENTION_TASKS   how many (20,000)
TASKBOARD_CONTENTION_SEED    of all random choices; printed"""

import asyncio
import os
import random

from harness import event_log
from harness.quick import Quick

TASKS = int(os.environ.get("TASKBOARD_CONTENTION_TASKS", "20000"))
SEED = os.environ.get("TASKBOARD_CONTENTION_SEED") or str(random.SystemRandom().randrange(10**9))
WORKERS = 64
CREATORS = 4
CANCELLERS = 4
ARRAY = 250
TAGS = ["a", "b", "c"]
LEASE_SECONDS = 10


class Fleet:
    """What all clients together have been told."""

    def __init__(self, port):
        self.port = port
        self.chance = random.Random(SEED)
        self.created = []            # ids, in the order of their creation
        self.claims = {}             # task id → its latest claim, as the holder was told
        self.finished = set()        # (task id, generation) of claims that ended by an acknowledged request
        self.generations = set()
        self.completed = {}          # task id → generation that completed it
        self.cancelled = set()       # acknowledged: done at once
        self.stale = []              # tasks as claimed by workers that then died
        self.left = TASKS

    def begins(self, task):
        """A task was handed out: nobody else may hold it now."""
        claim, before = task["claim"], self.claims.get(task["id"])
        assert claim["generation"] not in self.generations, "a generation was used twice"
        self.generations.add(claim["generation"])
        assert task["id"] not in self.completed, f"{task['id']} was handed out after it was completed"
        if before:
            over = (task["id"], before["generation"]) in self.finished or before["expiresAt"] <= claim["claimedAt"]
            assert over, f"{task['id']} was handed out twice within a lease: {before} and {claim}"
            assert claim["generation"] > before["generation"] and claim["attempt"] > before["attempt"]
        self.claims[task["id"]] = claim

    def ends(self, task):
        self.finished.add((task["id"], task["claim"]["generation"]))

    # --- the clients ---

    async def create(self, quick):
        while self.left > 0:
            count = min(ARRAY, self.left)
            self.left -= count
            status, answer = await quick.post("/board/tasks", [
                {"title": "t", "createdBy": "c", "tags": [self.chance.choice(TAGS)], "maxAttempts": 0,
                 "priority": self.chance.randrange(-9, 10)} for _ in range(count)])
            assert status == 201
            self.created += [task["id"] for task in answer["tasks"]]
            await asyncio.sleep(0.02)

    async def cancel(self, quick):
        while self.left > 0:
            await asyncio.sleep(0.01)
            if not self.created:
                continue
            task_id = self.chance.choice(self.created)
            status, answer = await quick.post(f"/board/tasks/{task_id}/cancel", {"by": "lead"})
            assert status == 200 or answer["code"] == "already_done", answer
            if status == 200 and answer["status"] == "done":
                self.cancelled.add(task_id)

    async def work(self, quick, name):
        """Claims and finishes until nothing is left, now and then as workers do that are not perfect."""
        claim = {"agent": name, "leaseSeconds": LEASE_SECONDS}
        if self.chance.random() < 0.3:
            claim["anyTags"] = self.chance.sample(TAGS, 2)
        tasks = []
        while True:
            if not tasks:
                status, answer = await quick.post("/board/claim", {**claim, "wait": 1})
                assert status == 200
                tasks = answer["tasks"]
            if not tasks and self.is_over():
                return
            for task in tasks:
                self.begins(task)
            tasks = [found for task in tasks for found in await self.finish(quick, task, claim)]

    def is_over(self):
        return self.left == 0 and len(self.completed) + len(self.cancelled) >= TASKS

    async def finish(self, quick, task, claim):
        """Ends the claim one way or another; returns the tasks that the same request claimed."""
        path, token = f"/board/tasks/{task['id']}", {"claimToken": task["claim"]["token"]}
        dice = self.chance.random()
        if dice < 0.003:
            self.stale.append(task)  # the worker dies, and another takes its place
            return []
        if dice < 0.03:
            status, answer = await quick.post(f"{path}/heartbeat", token)
            assert status == 200, answer
            self.claims[task["id"]] = {**task["claim"], "expiresAt": answer["expiresAt"]}
        if dice < 0.05:
            verb, fields = self.chance.choice([("release", {}), ("fail", {"error": "e", "delaySeconds": 0})])
        else:
            verb, fields = "complete", {"result": task["claim"]["generation"], "next": claim}
        # The answer may come after the next holder's: from here on the claim may have ended.
        self.ends(task)
        status, answer = await quick.post(f"{path}/{verb}", {**token, **fields})
        assert status == 200, answer
        after = answer.get("task", answer)
        if verb == "complete":
            assert task["id"] not in self.completed, f"{task['id']} was completed twice"
            self.completed[task["id"]] = task["claim"]["generation"]
        elif after["status"] == "done":
            assert after["outcome"] == "cancelled", after
            self.cancelled.add(task["id"])
        return answer["next"]["tasks"] if "next" in answer else []

    async def come_back_too_late(self, quick):
        """Those who died finish after all, when others have their tasks or have finished them."""
        for task in self.stale:
            status, answer = await quick.post(f"/board/tasks/{task['id']}/complete",
                                              {"claimToken": task["claim"]["token"], "result": "late"})
            assert status == 409 and answer["code"] == "claim_lost", answer
            assert answer["reason"] in ("expired", "cancelled"), answer

    async def look_for_lapsed_cancels(self, quick):
        """A lease that lapses after a cancel was requested ends the task, and nobody is told."""
        while not self.is_over():
            await asyncio.sleep(0.5)
            for task in self.stale:
                if task["id"] not in self.completed and task["id"] not in self.cancelled:
                    status, answer = await quick.get(f"/board/tasks/{task['id']}")
                    assert status == 200
                    if answer.get("outcome") == "cancelled":
                        self.cancelled.add(task["id"])

    async def run(self):
        async def play(part, *arguments):
            async with Quick(self.port) as quick:
                await part(quick, *arguments)

        await asyncio.gather(*[play(self.create) for _ in range(CREATORS)],
                             *[play(self.cancel) for _ in range(CANCELLERS)],
                             *[play(self.work, f"w{n}") for n in range(WORKERS)],
                             play(self.look_for_lapsed_cancels))
        await play(self.come_back_too_late)


def all_tasks(client):
    tasks, path = {}, "/board/tasks?view=summary&limit=5000"
    while path:
        page = client.get(path).json
        tasks.update({task["id"]: task for task in page["tasks"]})
        path = page.get("nextCursor") and f"/board/tasks?view=summary&limit=5000&cursor={page['nextCursor']}"
    return tasks


def test_nothing_is_handed_out_twice_and_nothing_is_lost(own_server):
    print(f"TASKBOARD_CONTENTION_SEED={SEED}", flush=True)
    fleet = Fleet(own_server.port)
    asyncio.run(fleet.run())
    board = own_server.client(check=False)
    tasks = all_tasks(board)
    assert set(tasks) == set(fleet.created) and len(tasks) == TASKS
    assert {task["status"] for task in tasks.values()} == {"done"}
    assert {task_id for task_id, task in tasks.items() if task["outcome"] == "success"} == set(fleet.completed)
    assert {task_id for task_id, task in tasks.items() if task["outcome"] == "cancelled"} == fleet.cancelled
    assert fleet.stale and fleet.cancelled
    events = event_log(board)
    claimed = [event["data"]["generation"] for event in events if event["type"] == "task.claimed"]
    assert claimed == sorted(fleet.generations) == list(range(1, len(claimed) + 1))
    done = {event["taskId"]: event["data"]["generation"] for event in events if event["type"] == "task.completed"}
    assert done == fleet.completed
    expired = [event["taskId"] for event in events if event["type"] == "task.expired"]
    assert set(expired) <= {task["id"] for task in fleet.stale} and len(expired) <= len(fleet.stale)
    summary = board.summary()
    assert summary["claimed"] == 0 and summary["byStatus"]["done"] == TASKS

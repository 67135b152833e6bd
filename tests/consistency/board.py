"""The log replayed: the board that it tells, with the rules that each event must keep."""

from collections import Counter

HEAVY = ("description", "payload", "result", "notes", "artifacts", "previousAttempt")
PASSING = frozenset(("ready", "progress", *HEAVY))  # what no event tells, or not every one
UNCHANGED = ("task.progress", "task.late")          # tell of a task without a new version
OUTCOMES = {"task.completed": "completed", "task.reviewed": "completed", "task.failed": "failed", "task.dead": "failed",
            "task.released": "released", "task.expired": "expired", "task.cancelled": "cancelled"}
BY_ITSELF = ("task.ready", "task.updated", "task.expired", "task.dead", "task.cancelled", "vm.stale", "vm.back",
             "registry.expiry_held")


def lasting(task):
    """The summary view without what changes unheard, and without tokens."""
    kept = {name: value for name, value in task.items() if name not in PASSING}
    if "claim" in kept:
        kept["claim"] = {name: value for name, value in kept["claim"].items() if name not in ("expiresAt", "token")}
    return kept


class Task:
    __slots__ = ("id", "maker", "seqs", "now", "generation", "notes", "attempts", "deleted")

    def __init__(self, task_id, title):
        self.id, self.seqs, self.now, self.generation = task_id, [], None, 0
        self.maker = int(title[1:].split(".")[0])  # the operation that created it; in its payload, too
        self.notes, self.attempts, self.deleted = [], [], None

    @property
    def version(self):
        return len(self.seqs)

    def has_heavy(self, shown):
        """Are notes and payload what they should be?"""
        return [note["id"] for note in shown["notes"]] == self.notes and shown["payload"] == {"op": self.maker}

    def seq_of(self, version):
        return self.seqs[version - 1] if 0 < version <= len(self.seqs) else None

    def end_of(self, version):
        """The seq of the event that ended that version; None: it is the task's last."""
        return self.seqs[version] if version < len(self.seqs) else self.deleted


class Board:
    def __init__(self, violate):
        self.violate = violate
        self.tasks, self.vms, self.paused = {}, {}, {}
        self.generation = 0
        self.claimed, self.ended = {}, {}  # generation → seq; generation → (seq, outcome)
        self.status, self.tags, self.names = Counter(), Counter(), Counter()
        self.ready, self.scheduled, self.waiting, self.dead = set(), 0, 0, 0
        self.vm_claims, self.vm_event = Counter(), {}
        self.sets = {}  # (field, value) → ids, for the lists

    # --- events ---

    def apply(self, seq, event):
        if event["seq"] != seq:
            self.violate("log", f"event {event['seq']} stands in the place of {seq}")
        kind = event["type"]
        if "actor" not in event and kind not in BY_ITSELF:
            self.violate("log", f"event {seq} ({kind}) was done by nobody")
        if "taskId" in event:
            self.apply_task(seq, event, kind)
        elif kind.startswith("vm."):
            self.vm_event[event["vmId"]] = seq
            if kind == "vm.deregistered":
                self.vms.pop(event["vmId"], None)
            else:
                self.vms[event["vmId"]] = event["data"]["vm"]
        elif kind == "board.paused":
            self.paused[event["data"].get("tag")] = event["data"].get("reason")
        elif kind == "board.resumed" and self.paused.pop(event["data"].get("tag"), self) is self:
            self.violate("log", f"event {seq} resumes what is not paused")

    def apply_task(self, seq, event, kind):
        task = self.tasks.get(event["taskId"])
        if (task is None) != (kind == "task.created") or (task and task.deleted):
            self.violate("log", f"event {seq} ({kind}) is about a task that is {'there' if task else 'not there'}")
            return
        if task is None:
            task = self.tasks[event["taskId"]] = Task(event["taskId"], event["data"]["task"]["title"])
        before, after = task.now, event["data"].get("task")
        if kind in UNCHANGED:
            self.check_untouched(seq, kind, task, after)
            return
        self.check_claim(seq, event, kind, task, before, after)
        if after is None:
            task.deleted = seq
        else:
            task.seqs.append(seq)
            if after["version"] != task.version:
                self.violate("log", f"event {seq} ({kind}) goes to version {after['version']}, the last was {task.version - 1}")
                task.seqs[:] = [seq] * after["version"]
        if "note" in event["data"]:
            task.notes.append(event["data"]["note"]["id"])
        if kind == "task.ready" and (before["ready"] or not after["ready"] or after.get("notBefore", "") > event["at"]):
            self.violate("log", f"event {seq} makes nothing ready")
        if kind == "task.updated" and "actor" not in event and before["blockedBy"] == after["blockedBy"]:
            self.violate("log", f"event {seq} changes nothing, by nobody")
        self.count(task.id, before, after)
        task.now = after

    def check_untouched(self, seq, kind, task, after):
        if lasting(after) != lasting(task.now):
            self.violate("log", f"event {seq} ({kind}) changes the task")
        task.now = after

    def check_claim(self, seq, event, kind, task, before, after):
        claim = (after or {}).get("claim")
        now = claim["generation"] if claim else 0
        if kind == "task.claimed":
            if task.generation:
                self.violate("one holder", f"event {seq} claims {task.id}, which generation {task.generation} holds")
            if now <= self.generation:
                self.violate("one holder", f"event {seq} gives generation {now}, behind {self.generation}")
            if not before["ready"]:
                self.violate("one holder", f"event {seq} claims {task.id}, which is not ready")
            if before.get("assignee", event["actor"]) != event["actor"]:
                self.violate("one holder", f"event {seq} claims {task.id} for {event['actor']}, reserved for {before['assignee']}")
            self.generation = max(self.generation, now)
            self.claimed[now] = seq
            task.attempts.append([claim["attempt"], now, event["actor"], "running"])
            self.vm_claims[claim.get("vmId")] += 1
        elif now != task.generation:
            if now:
                self.violate("one holder", f"event {seq} ({kind}) turns generation {task.generation} into {now}")
            self.end_claim(seq, event, kind, task, before)
        task.generation = now

    def end_claim(self, seq, event, kind, task, before):
        told = event["data"].get("generation", task.generation)
        if told != task.generation:
            self.violate("one holder", f"event {seq} ({kind}) ends generation {told}, but {task.generation} holds {task.id}")
        outcome = OUTCOMES.get(kind, "taken_over")
        if kind in ("task.completed", "task.failed", "task.cancelled") and event.get("actor") == "admin":
            outcome = "taken_over"  # by PATCH
        if "actor" not in event and outcome == "failed":
            outcome = "expired"
        if event["data"].get("reason") == "vm_lost":
            outcome = "cancelled" if kind == "task.cancelled" else "vm_lost"
        elif "actor" not in event and event["at"] < before["claim"]["expiresAt"]:
            self.violate("one holder", f"event {seq} takes {task.id} from generation {task.generation} before its lease is over")
        task.attempts[-1][3] = outcome
        self.ended[task.generation] = (seq, outcome)
        self.vm_claims[before["claim"].get("vmId")] -= 1

    # --- what it counts ---

    def count(self, task_id, before, after):
        for task, step in ((before, -1), (after, 1)):
            if task is None:
                continue
            status = task["status"]
            self.status[status] += step
            if status != "done":
                for tag in set(task["tags"]):
                    self.tags[tag] += step
                if "assignee" in task:
                    self.names[task["assignee"]] += step
            if status == "open" and not task["ready"]:
                if task["blockedBy"]:
                    self.waiting += step
                else:
                    self.scheduled += step
            self.dead += step * (task.get("blockedReason", {}).get("kind") == "dead_letter")
        if after is not None and after["ready"]:
            self.ready.add(task_id)
        else:
            self.ready.discard(task_id)
        was, now = self.places(before), self.places(after)
        for place in was - now:
            self.sets[place].discard(task_id)
        for place in now - was:
            self.sets.setdefault(place, set()).add(task_id)

    @staticmethod
    def places(task):
        if task is None:
            return set()
        places = {("createdBy", task["createdBy"]), *(("tag", tag) for tag in task["tags"])}
        if "assignee" in task:
            places.add(("assignee", task["assignee"]))
        return places

    def is_paused(self, task):
        return bool(self.paused) and (None in self.paused or any(tag in self.paused for tag in task["tags"]))

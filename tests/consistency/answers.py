"""What each answer said, held against the board as the log tells it at that seq."""

import heapq
import json
from urllib.parse import parse_qs, urlsplit

from board import lasting
from witness import BODY, CLIENT, CONDITION, ETAG, KIND, NEVER, OP, PATH, SENT_BODY, STATUS

LIST_LIMIT = 20
READY_LIMIT = 10
NAMES_TOLD = 100
LATER_MAX = 5000  # seqs that may be committed while a read is answered


def task_in(path):
    """The task's id in a path: /board/tasks/ID/…"""
    return path.split("?")[0].split("/")[3]


class Answers:
    """`looked` counts what was compared."""

    def __init__(self, board, log, history, violate, looked):
        self.board, self.log, self.history, self.violate, self.looked = board, log, history, violate, looked
        self.tokens = {}        # claim token → (task id, generation)
        self.by_version = {}    # (task id, version) → GETs that showed it
        self.pending = []       # [index, as of, what was wrong then]: reads that may show a later moment than they say
        self.found = None       # what a comparison has found so far
        for index in history.unanswered:
            self.expect_version(index)

    def wrong(self, rule, index, what):
        if self.found is not None:
            self.found.append((rule, index, what))
            return
        f = self.history.fields(index)
        self.violate(rule, f"operation {f[OP].decode()} of client {f[CLIENT].decode()} ({f[KIND].decode()} {f[PATH].decode()}): {what}")

    # --- reads of one task: they name a version, and no seq ---

    def expect_version(self, index):
        f = self.history.fields(index)
        if f[KIND] in (b"get", b"get_if") and f[STATUS] in (b"200", b"304"):
            version = int(f[ETAG].strip(b'"'))
            self.by_version.setdefault((task_in(f[PATH].decode()), version), []).append(index)

    def check_version(self, task):
        """The task has just got its version: these reads saw it."""
        for index in self.by_version.get((task.id, task.version), ()):
            f = self.history.fields(index)
            self.looked["tasks"] += 1
            if task.seqs[-1] > self.history.high(index):
                self.wrong("reads", index, f"shows version {task.version}, which was not written yet")
            if f[STATUS] == b"304":
                self.check_unchanged(index, f, task)
            else:
                self.check_task(index, json.loads(f[BODY]), task)

    def check_unchanged(self, index, f, task):
        if task.now["status"] != "done" or f'"{task.version}"'.encode() not in f[CONDITION]:
            self.wrong("reads", index, f"304, but the task is {task.now['status']} in version {task.version}")

    def check_task(self, index, shown, task):
        """A task as an answer shows it is the task as it was then, notes and payload too."""
        if lasting(shown) != lasting(task.now) or (shown["ready"] and not task.now["ready"]):
            self.wrong("reads", index, f"shows {lasting(shown)}, which is {lasting(task.now)}")
        if not task.has_heavy(shown):
            self.wrong("reads", index, f"shows {len(shown['notes'])} notes of {len(task.notes)}, or others, or another payload")

    def check_stale(self):
        """After the log was read: no read showed what was over when it was sent, by what other reads had shown, too."""
        known = ((i, self.board.tasks[task_id].seq_of(version)) for (task_id, version), reads in self.by_version.items()
                 if task_id in self.board.tasks for i in reads)
        self.history.tell((self.history.got[i], seq) for i, seq in known if seq is not None)
        for (task_id, version), reads in self.by_version.items():
            task = self.board.tasks.get(task_id)
            if task is None or not 0 < version <= task.version:
                self.wrong("reads", reads[0], f"shows version {version}, which the log does not know")
                continue
            end = task.end_of(version)
            for index in reads:
                if end is not None and end <= self.history.low(index):
                    self.wrong("reads", index, f"shows version {version}, over at {end}, when {self.history.low(index)} was known")

    # --- reads as of a seq ---

    def check_read(self, seq, index, f):
        """`seq`: what the log is at now, and what the answer says that it is as of."""
        self.looked["reads"] += 1
        if seq < self.history.low(index):
            self.wrong("reads", index, f"is as of {seq}, but {self.history.low(index)} was acknowledged before it was sent")
        if seq > self.history.high(index):
            self.wrong("reads", index, f"is as of {seq}, which was written behind it")
        wrong = self.compare(index, f)
        if wrong:
            self.pending.append((index, seq, wrong))

    def compare(self, index, f):
        """What is wrong with an answer if it shows the present moment of the log."""
        self.found = []
        try:
            if f[STATUS] == b"304":
                first = self.history.original.get((f[PATH], f[ETAG]))
                body = None if first is None else self.history.fields(first)[BODY]
            else:
                body = f[BODY]
            if body is None:
                self.wrong("reads", index, "304 to a tag that was never given")
            elif f[STATUS] in (b"200", b"304"):
                kind = f[KIND].decode().removesuffix("_if")
                getattr(self, f"check_{kind}")(index, f[PATH].decode(), body if kind == "events" else json.loads(body))
        except KeyError as error:
            self.wrong("reads", index, f"tells of {error}, which is not there")
        found, self.found = self.found, None
        return found

    def look_again(self, seq):
        """The seq of a read is never later than what it shows, but it may be earlier by what was committed meanwhile."""
        still = []
        for index, first, wrong in self.pending:
            if not self.compare(index, self.history.fields(index)):
                self.looked["reads of a later moment"] += 1
            elif seq >= min(self.history.high(index), first + LATER_MAX):
                self.tell(wrong)
            else:
                still.append((index, first, wrong))
        self.pending = still

    def tell(self, wrong):
        for rule, index, what in wrong:
            self.wrong(rule, index, what)

    def tell_pending(self):
        for _, _, wrong in self.pending:
            self.tell(wrong)

    def check_list(self, index, path, shown):
        wanted = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        field = next(name for name in ("createdBy", "assignee", "tag") if name in wanted)
        status, tasks = wanted.get("status"), self.board.tasks
        fitting = [i for i in self.board.sets.get((field, wanted[field]), ()) if status in (None, tasks[i].now["status"])]
        right = [(i, tasks[i].version, tasks[i].now["status"]) for i in heapq.nlargest(LIST_LIMIT, fitting)]
        if [(task["id"], task["version"], task["status"]) for task in shown["tasks"]] != right:
            self.wrong("reads", index, f"lists {shown['tasks']}, which is {right}")

    def check_summary(self, index, _, shown):
        board = self.board
        right = {"ready": 0 if None in board.paused else len(board.ready), "scheduled": board.scheduled, "waiting": board.waiting,
                 "claimed": sum(board.vm_claims.values()), "deadLetters": board.dead}
        told = {name: shown[name] for name in right}
        if told != right or any(count != board.status[status] for status, count in shown["byStatus"].items()):
            self.wrong("reads", index, f"counts {told} {shown['byStatus']}, which is {right} {dict(board.status)}")
        for name, counts in (("byTag", board.tags), ("byAssignee", board.names)):
            if any(counts[key] != count for key, count in shown[name].items()):
                self.wrong("reads", index, f"{name} is not what the log counts")
            if len(shown[name]) < NAMES_TOLD and len(shown[name]) != sum(1 for count in counts.values() if count):
                self.wrong("reads", index, f"{name} does not have all names")
        if {pause.get("tag"): pause.get("reason") for pause in shown.get("paused", ())} != board.paused:
            self.wrong("reads", index, f"is paused by {shown.get('paused')}, which is {board.paused}")

    def check_ready(self, index, path, shown):
        agent, board = path.rpartition("agent=")[2], self.board
        for task in shown["tasks"]:
            known = board.tasks[task["id"]]
            if task["id"] not in board.ready or lasting(task) != lasting(known.now) or board.is_paused(known.now):
                self.wrong("reads", index, f"shows {task['id']} as ready, which is not")
            if task.get("assignee", agent) != agent:
                self.wrong("reads", index, f"shows {task['id']}, reserved for another")
        if len(shown["tasks"]) < READY_LIMIT and not shown.get("truncated"):
            ready = [board.tasks[task_id].now for task_id in board.ready]
            right = sum(1 for task in ready if task.get("assignee", agent) == agent and not board.is_paused(task))
            if right != len(shown["tasks"]):
                self.wrong("reads", index, f"shows {len(shown['tasks'])} ready tasks of {right}")

    def check_attempts(self, index, path, shown):
        right = self.board.tasks[task_in(path)].attempts
        told = [[a["attempt"], a["generation"], a["agent"], a["outcome"]] for a in shown["attempts"]]
        if told != right[-len(told):] or len(told) < min(len(right), 100):
            self.wrong("reads", index, f"tells the attempts {told}, which are {right}")

    def check_why(self, index, path, shown):
        task = self.board.tasks[task_in(path)]
        right = task.now["ready"] and not self.board.is_paused(task.now)
        codes = {reason["code"]: reason for reason in shown["reasons"]}
        if shown["claimable"] != right or ("done" in codes) != (task.now["status"] == "done"):
            self.wrong("reads", index, f"says {shown}, but ready is {task.now['ready']}")
        if ("claimed" in codes) != bool(task.generation) or codes.get("claimed", {}).get("generation", 0) != task.generation:
            self.wrong("reads", index, f"says {shown}, but generation {task.generation} holds it")

    def check_vms(self, index, _, shown):
        told = {vm["id"]: (vm["name"], vm["status"], vm["claims"]) for vm in shown["vms"]}
        right = {i: (vm["name"], vm["status"], self.board.vm_claims[i]) for i, vm in self.board.vms.items()}
        if told != right:
            self.wrong("reads", index, f"lists {told}, which is {right}")

    def check_events(self, index, path, body):
        since = int(path.rpartition("since=")[2])
        end = min(since + 50, json.loads(b'{"' + body.rpartition(b'],"')[2])["head"])
        right = b'{"events":[' + self.log.between(since, end).rstrip(b"\n").replace(b"\n", b",")
        if body.rpartition(b'],"')[0] != right:
            self.wrong("reads", index, "tells other events than the log")

    # --- refusals ---

    def check_refused(self):
        """After the log was read: what was refused, or found nothing to do, can have been so at that moment."""
        for index in self.history.unanswered:
            f = self.history.fields(index)
            kind, status = f[KIND].decode(), int(f[STATUS])
            path = f[PATH].decode()
            if not path.startswith("/board/tasks/"):
                continue
            task = self.board.tasks.get(task_in(path))
            if task is None:
                self.wrong("reads", index, "is about a task that the log does not know")
            elif status == 404 and (task.deleted is None or task.deleted > self.history.high(index)):
                self.wrong("reads", index, "404, but the task was there")
            elif status == 412:
                self.check_mismatch(index, json.loads(f[BODY])["version"], f[CONDITION].decode(), task)
            elif kind in ("beat", "complete", "fail", "release"):
                self.check_holder(index, f, kind, status)
            self.looked["refusals"] += 1

    def check_mismatch(self, index, version, condition, task):
        seq, end = task.seq_of(version), task.end_of(version)
        if f'"{version}"' in condition or seq is None or seq > self.history.high(index) or (end or NEVER) <= self.history.low(index):
            self.wrong("reads", index, f"412 with version {version}, which the task did not have")

    def check_holder(self, index, f, kind, status):
        """The token's claim was over, where the answer says so, and held else."""
        _, generation = self.tokens.get(json.loads(f[SENT_BODY])["claimToken"], (None, None))
        if generation is None:
            self.wrong("one holder", index, "uses a token that no claim was answered with")
            return
        ended, outcome = self.board.ended.get(generation, (NEVER, None))
        if status == 409 and b'"code":"claim_lost"' in f[BODY] and ended > self.history.high(index):
            self.wrong("one holder", index, f"refused, but generation {generation} held the task")
        if status == 200 and kind == "beat" and ended <= self.history.low(index):
            self.wrong("one holder", index, f"200, but generation {generation} was over at {ended}")
        right = {"complete": ("completed",), "fail": ("failed", "cancelled"), "release": ("released", "cancelled")}
        if status == 200 and kind != "beat" and (outcome not in right[kind] or ended > self.history.high(index)):
            self.wrong("one holder", index, f"200 as a repetition, but generation {generation} ended as {outcome}")

"""Holds a recorded history against the board's log. Its rules:

  log            the log is one board's life: no seq is missing, each event follows from those before it
  real time      what was answered before something else was sent stands before it in the log
  effects        each acknowledged write's events stand where its answer says, and say what it did
  explained      each event is the effect of exactly one operation, or of time
  one holder     claims do not overlap, generations rise, a token is good for its own claim only
  reads          an answer shows the board as it was at one moment between its request and its arrival
  idempotency    one effect a key, and the same answer each time
  replay         the log replayed is what the board's lists say at last
  streams        followers got the log, byte for byte, once and in order
"""

import gc
import json
import multiprocessing
from collections import Counter, deque
from concurrent.futures import ProcessPoolExecutor

from answers import Answers, task_in
from board import Board, lasting
from witness import BODY, CONDITION, PATH, SENT_BODY, History, Log

KEPT_EVENTS = 20000  # the latest ones, for the answers that are about them
EVENTS_OF = {
    "create": ("task.created",), "plan": ("task.created",), "note": ("task.noted",), "bump": ("task.bumped",),
    "patch": ("task.updated", "task.completed", "task.failed", "task.cancelled"), "delete": ("task.deleted",),
    "cancel": ("task.cancel_requested", "task.cancelled"), "retry": ("task.retried",), "claim": ("task.claimed",),
    "take": ("task.claimed",), "beat": ("task.progress",), "complete": ("task.completed", "task.reviewed", "task.late", "task.claimed"),
    "fail": ("task.failed", "task.dead", "task.cancelled", "task.claimed"), "release": ("task.released", "task.cancelled", "task.claimed"),
    "vm_put": ("vm.registered", "vm.updated", "vm.back"), "vm_beat": ("vm.back",), "vm_stop": ("vm.updated",), "feed": ("feed.custom",),
    "pause": ("board.paused",), "resume": ("board.resumed",),
}
NAMELESS = ("patch", "bump", "delete", "vm_put", "vm_beat", "vm_stop")  # their actor is the token's name
ENDS = ("complete", "fail", "release")


class Report:
    def __init__(self):
        self.violations, self.counts, self.looked = [], {}, Counter()

    def violate(self, rule, text):
        self.violations.append(f"{rule}: {text}")

    def add(self, other):
        self.violations += other.violations
        self.looked += other.looked


def marker(kind, event):
    """The serial of the operation that an event names in its texts; None: it names none."""
    data, text = event["data"], None
    if kind in ("create", "plan", "patch"):
        text = data.get("task", {}).get("title")
    elif kind == "note":
        text = data["note"]["content"]
    elif kind == "feed":
        text = data["summary"]
    elif kind == "pause":
        text = data["reason"]
    elif kind in ("vm_put", "vm_stop"):
        text = data["vm"]["name"]
    elif kind == "beat":
        text = data["task"]["progress"]["message"]
    elif kind == "fail" and event["type"] in ("task.failed", "task.dead"):
        text = data["error"]
    return int(text[1:].split(".")[0]) if text else None


class Checker:
    """One reading of the log from its first event to its last, for the `writes` or for the reads."""

    def __init__(self, folder, log, history, report, writes):
        self.folder, self.log, self.history, self.report, self.writes = folder, log, history, report, writes
        violate = self.violate = report.violate
        self.board = Board(violate)
        self.answers = Answers(self.board, self.log, self.history, violate, self.report.looked)
        self.owner = [None] * (self.log.head + 1)
        self.recent = deque(maxlen=KEPT_EVENTS)
        self.final = {}
        rest = json.loads((folder / "rest").read_text())
        for answer in rest["answers"]:
            self.final.setdefault(answer["seq"], []).append(answer)
        self.list_seq = rest["list_seq"]

    def run(self):
        self.check_answers(0)
        for seq in range(1, self.log.head + 1):
            self.step(seq)
        if self.writes:
            self.check_order()
            self.check_beyond()
            self.answers.check_refused()
            self.explain_rest()
            self.report.looked["events"] = self.log.head
        else:
            self.answers.tell_pending()
            self.answers.check_stale()
            self.check_streams()
        return self.report

    def step(self, seq):
        event = json.loads(self.log.event(seq))
        self.recent.append(event)
        self.board.apply(seq, event)
        task = self.board.tasks.get(event.get("taskId"))
        if not self.writes and task and task.seqs and task.seqs[-1] == seq:
            self.answers.check_version(task)
        self.check_answers(seq)

    def check_answers(self, seq):
        """What was answered as of that seq."""
        for index in self.history.as_of.get(seq, ()):
            is_write = index in self.history.operations_by_index
            if is_write and self.writes:
                self.check_effect(seq, index, self.history.fields(index))
            elif not is_write and not self.writes:
                self.answers.check_read(seq, index, self.history.fields(index))
        if not self.writes:
            if self.answers.pending:
                self.answers.look_again(seq)
            if seq in self.final or seq == self.list_seq:
                self.check_final(seq)

    def event(self, seq):
        return self.recent[seq - self.recent[-1]["seq"] - 1]

    # --- real time ---

    def check_order(self):
        for operation in self.history.operations:
            if operation.seq is None:
                continue
            self.report.looked["writes"] += 1
            if operation.seq <= operation.low:
                self.violate("real time", f"operation {operation.serial} ({operation.kind}) is at {operation.seq}, but it was sent when "
                             f"{operation.low} had been answered")
            if operation.seq > operation.high:
                self.violate("real time", f"operation {operation.serial} ({operation.kind}) is at {operation.seq}, behind "
                             f"{operation.high + 1}, which was sent when it had been answered")

    # --- effects ---

    def check_effect(self, seq, index, f):
        """An acknowledged write, at its last event: its own events are the last ones, but for what followed from them."""
        operation = self.history.operations_by_index[index]
        try:
            own = list(self.own_events(operation, seq, f))
        except (KeyError, TypeError, IndexError):
            own = []
        if not own or None in own:
            self.answers.wrong("effects", index, f"has no event of its own at {seq}: {self.log.event(seq)[:200]}")
            return
        for at in own:
            self.own(operation, at)
        for at in range(min(own), seq):
            if self.owner[at] is not operation and "actor" in self.event(at):
                self.answers.wrong("effects", index, f"wrote {min(own)} to {seq}, between which {at} is somebody else's")

    def own_events(self, operation, seq, f):
        """Its events: of tasks by their versions in the answer."""
        kind, board = operation.kind, self.board
        if kind in ("note", "beat", "feed", "pause", "resume"):
            self.expect_in_answer(kind, seq, f)
            return [seq]
        if kind == "delete":
            return [board.tasks[task_in(f[PATH].decode())].deleted]
        if kind.startswith("vm_"):
            return [board.vm_event[f[PATH].decode().split("/")[3]]]
        return [self.event_of(operation, task, seq, f) for task in tasks_in(json.loads(f[BODY]))]

    def expect_in_answer(self, kind, seq, f):
        event, body = self.event(seq), json.loads(f[BODY])
        if kind == "note" and event["data"]["note"] != body:
            self.violate("effects", f"event {seq} has not the note that was answered")
        if kind == "feed" and (event["id"], event["data"]["summary"]) != (body["id"], body["summary"]):
            self.violate("effects", f"event {seq} is not the one of the feed that was answered")

    def event_of(self, operation, shown, seq, f):
        task = self.board.tasks[shown["id"]]
        at = task.seq_of(shown["version"])
        event = self.event(at)
        if lasting(event["data"]["task"]) != lasting(shown):
            self.violate("effects", f"operation {operation.serial} ({operation.kind}) was answered {lasting(shown)}, event {at} has "
                         f"{lasting(event['data']['task'])}")
        if event["type"] == "task.claimed":
            self.answers.tokens[shown["claim"]["token"]] = (task.id, shown["claim"]["generation"])
        elif operation.kind in ENDS:
            token = json.loads(f[SENT_BODY])["claimToken"]
            if self.answers.tokens.get(token) != (task.id, event["data"].get("generation")):
                self.violate("one holder", f"operation {operation.serial} ({operation.kind}) ended generation "
                             f"{event['data'].get('generation')} of {task.id} with the token of {self.answers.tokens.get(token)}")
        if operation.kind == "patch" and f[CONDITION] != b"-" and f'"{shown["version"] - 1}"'.encode() not in f[CONDITION]:
            self.violate("effects", f"operation {operation.serial} made version {shown['version']} under {f[CONDITION].decode()}")
        return at

    def own(self, operation, at):
        if self.owner[at] is not None:
            self.violate("explained", f"event {at} is the effect of operation {self.owner[at].serial} ({self.owner[at].kind}) and of "
                         f"{operation.serial} ({operation.kind})")
        self.owner[at] = operation
        why = self.unlike(operation, self.event(at))
        if why:
            self.violate("effects", f"event {at} is no effect of operation {operation.serial} ({operation.kind}): {why}")

    def unlike(self, operation, event):
        """Why this event cannot be of that operation; None: it can."""
        if event["type"] not in EVENTS_OF[operation.kind]:
            return event["type"]
        actor = "admin" if operation.kind in NAMELESS else f"c{operation.client}"
        if event.get("actor") != actor:
            return f"done by {event.get('actor')}"
        if event["type"] == "task.claimed" and operation.kind in ENDS:
            return None
        named = marker(operation.kind, event)
        return f"names {named}" if named not in (None, operation.serial) else None

    # --- what nobody acknowledged ---

    def explain_rest(self):
        """Events that no answer told of: each is of an operation with open outcome, sent before and not answered yet."""
        open_ones = {}
        for operation in self.history.operations:
            if operation.is_open:
                open_ones.setdefault(self.place_of(operation), []).append(operation)
        seen = {}
        for seq in range(1, self.log.head + 1):
            if self.owner[seq] is not None:
                continue
            event = json.loads(self.log.event(seq))
            if "actor" not in event:
                self.report.looked["events of time"] += 1
                continue
            self.explain(seq, event, open_ones, seen)
        self.report.looked["open outcomes"] = sum(map(len, open_ones.values()))

    def place_of(self, operation):
        path = self.history.fields(operation.index)[PATH].decode()
        return operation.kind, task_in(path) if path.startswith("/board/tasks/") else None

    def explain(self, seq, event, open_ones, seen):
        for kind, types in EVENTS_OF.items():
            if event["type"] not in types:
                continue
            about = None if kind in ("create", "plan", "claim", "feed", "pause", "resume") else event.get("taskId")
            places = [(kind, about)]
            if event["type"] == "task.claimed" and kind in ENDS:
                places = [place for place in open_ones if place[0] == kind]
            for operation in (o for place in places for o in open_ones.get(place, ())):
                if operation.low < seq <= operation.high and self.may_own(operation, event, kind):
                    operation.owned += 1
                    self.owner[seq] = operation
                    self.report.looked["events of open outcomes"] += 1
                    return
        self.violate("explained", f"event {seq} ({event['type']} by {event['actor']}) is the effect of no operation"
                     + self.twin_of(event))

    def may_own(self, operation, event, kind):
        most = {"plan": 8, "claim": 2}.get(kind, 2 if kind in ENDS else 1)
        return operation.owned < most and self.unlike(operation, event) is None

    def twin_of(self, event):
        """A second effect names the operation of the first."""
        for kind, types in EVENTS_OF.items():
            if event["type"] in types and kind in ("create", "plan", "note", "feed"):
                operation = self.history.by_serial.get(marker(kind, event))
                if operation and operation.kind == kind:
                    return f", but names operation {operation.serial}: a second effect of it (idempotency)"
        return ""

    def check_beyond(self):
        for seq, indices in self.history.as_of.items():
            if not 0 <= seq <= self.log.head:
                self.answers.wrong("effects", indices[0], f"was acknowledged as of {seq}, but the log ends at {self.log.head}")

    # --- what the board says at last ---

    def check_final(self, seq):
        for answer in self.final.get(seq, ()):
            self.report.looked["final answers"] += 1
            self.check_final_answer(seq, answer["path"], answer["body"])
        if seq == self.list_seq:
            self.check_final_list()

    def check_final_answer(self, seq, path, body):
        final = Answers.__new__(Answers)
        final.board, final.found = self.board, None
        final.wrong = lambda _, __, what: self.violate("replay", f"at {seq} {path} {what}")
        name = path.rpartition("/")[2]
        try:
            getattr(final, f"check_{name}")(None, path, body)
        except KeyError as error:
            self.violate("replay", f"at {seq} {path} tells of {error}, which the log does not know")

    def check_final_list(self):
        shown = {}
        with open(self.folder / "list", "rb") as file:
            for page in file:
                for task in json.loads(page)["tasks"]:
                    if task["id"] in shown:
                        self.violate("replay", f"{task['id']} is listed twice")
                    shown[task["id"]] = None
                    self.check_final_task(task)
        missing = [task.id for task in self.board.tasks.values() if not task.deleted and task.id not in shown]
        if missing:
            self.violate("replay", f"{len(missing)} tasks of the log are not listed, one is {missing[0]}")
        self.report.looked["final tasks"] = len(shown)

    def check_final_task(self, shown):
        task = self.board.tasks.get(shown["id"])
        if task is None or task.deleted:
            self.violate("replay", f"{shown['id']} is listed, but not in the log")
        elif lasting(shown) != lasting(task.now) or not task.has_heavy(shown):
            self.violate("replay", f"{task.id} is listed as {lasting(shown)}, the log has {lasting(task.now)}")

    # --- streams ---

    def check_streams(self):
        enough = max((o.seq for o in self.history.operations if o.kind == "feed" and o.seq is not None), default=0)
        for path in sorted(self.folder.glob("follower-*")):
            with open(path, "rb") as file:
                topic = file.readline().strip().partition(b"topic=")[2]
                self.check_stream(path.name, file, topic and b'"topic":"' + topic + b'"', enough)

    def check_stream(self, name, file, wanted, enough):
        seq = 0
        for line in file:
            seq += 1
            while wanted and seq <= self.log.head and wanted not in self.log.event(seq)[:200]:
                seq += 1
            if seq > self.log.head or line[:-1] != self.log.event(seq):
                right = self.log.event(seq)[:60] if seq <= self.log.head else "its end"
                self.violate("streams", f"{name} got {line[:60]}… where the log has {right}…")
                return
            self.report.looked["events in streams"] += 1
        if seq < enough:
            self.violate("streams", f"{name} ends at {seq}, and missed {enough}")


def tasks_in(body):
    """The tasks that an answer to a write shows."""
    if "tasks" in body:
        return body["tasks"]
    if "task" in body:
        return [body["task"], *body["next"]["tasks"]]
    return [body]


def check(folder):
    """The report of that folder's history and log. The reads are checked beside the writes, in a process of their own."""
    gc.disable()  # millions of small things that refer to each other in no circle
    report = Report()
    log, history = Log(folder / "log"), History(folder / "history", report.violate)
    report.counts = history.kinds
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork"), adopt, (folder, log, history)) as beside:
        reads = beside.submit(check_adopted_reads)
        Checker(folder, log, history, report, writes=True).run()
        report.add(reads.result())
    gc.enable()
    return report


adopted = None


def adopt(*what):
    """What the process beside was forked with."""
    global adopted
    adopted = what


def check_adopted_reads():
    folder, log, history = adopted
    report = Report()
    checker = Checker(folder, log, history, report, writes=False)
    checker.board.violate = lambda *_: None  # the other process finds the same
    return checker.run()

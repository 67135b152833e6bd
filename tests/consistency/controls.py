"""Falsified recordings: each has one fault, and the checker must find it and say which rule it breaks.

A control takes the history and the log as lists of lines, plants its fault and returns the rule; or it falsifies another file of
the recording. What it needs (a claim that was released, a list that changed) is looked for in the recording.
"""

import json
import os
import shutil
from collections import Counter

import check
from witness import BODY, CONDITION, ETAG, GOT, KIND, NEVER, OP, PATH, REPLAYED, SENT, SENT_BODY, SEQ, STATUS


class Recording:
    def __init__(self, folder):
        self.folder = folder
        self.history = [line.split(b"\t") for line in (folder / "history").read_bytes().splitlines()]
        self.log = (folder / "log").read_bytes().splitlines()
        self.events = [json.loads(line) for line in self.log]
        self.others = {path.name: path for path in folder.iterdir() if path.name not in ("history", "log") and path.is_file()}
        self.falsified = {}
        attempts = Counter(fields[OP] for fields in self.history)
        self.once = lambda f: attempts[f[OP]] == 1  # what was attempted twice may have been done by either attempt

    def find(self, what, *wanted):
        """The indices of attempts for which all are true."""
        found = [i for i, f in enumerate(self.history) if all(fits(f) for fits in wanted)]
        assert found, f"nothing recorded to falsify: {what}"
        return found

    def set_event(self, seq, event):
        self.log[seq - 1] = json.dumps(event, separators=(",", ":")).encode()

    def falsify(self, name, lines):
        self.falsified[name] = b"".join(line + b"\n" for line in lines)

    def save(self, folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self.falsified["history"] = b"".join(b"\t".join(fields) + b"\n" for fields in self.history)
        self.falsified["log"] = b"".join(line + b"\n" for line in self.log)
        for name, content in self.falsified.items():
            (folder / name).write_bytes(content)
        for name, path in self.others.items():
            if name not in self.falsified:
                os.symlink(path.resolve(), folder / name)


def kind(*names):
    return lambda f: f[KIND].decode() in names


def answered(*statuses):
    return lambda f: int(f[STATUS]) in statuses


def with_seq(f):
    return f[SEQ] != b"-"


def delay(r, f):
    """As if it had been sent and answered when all else was over."""
    last = max(int(each[GOT]) for each in r.history)
    f[SENT], f[GOT] = (str(last + more).encode() for more in (1, 2))
    r.history.append(r.history.pop(r.history.index(f)))


def seqs_swapped(r):
    """Two writes were answered with each other's Events-Seq."""
    a, b = r.find("notes", kind("note"), answered(201), r.once)[:2]
    r.history[a][SEQ], r.history[b][SEQ] = r.history[b][SEQ], r.history[a][SEQ]
    return "effects"


def order_broken(r):
    """A write that stands early in the log was sent when all else had been answered."""
    f = r.history[r.find("a bump", kind("bump"), answered(200), with_seq, r.once)[0]]
    delay(r, f)
    return "real time"


def event_dropped(r):
    """The log lacks an event."""
    del r.log[len(r.log) // 2]
    return "log"


def acknowledged_lost(r):
    """The log ends before what was acknowledged."""
    last = max(int(f[SEQ]) for f in r.history if f[KIND] == b"feed" and with_seq(f))
    del r.log[last - 1:]
    return "effects"


def claim_answered_twice(r):
    """A claim that got nothing was answered with what somebody else's got."""
    got = r.history[r.find("a claim", kind("claim"), answered(200), with_seq, r.once)[0]]
    empty = r.history[r.find("a claim in vain", kind("claim"), answered(200), r.once, lambda f: not with_seq(f))[0]]
    empty[SEQ], empty[BODY] = got[SEQ], got[BODY]
    return "explained"


def claim_given_twice(r):
    """The log gives a task to a second holder, for its release is not in there."""
    last = {}
    for event in r.events:
        before = last.get(event.get("taskId"))
        if event["type"] == "task.released" and before and before["type"] == "task.claimed":
            released = event["seq"]
            later = [e for e in r.events[released:] if e.get("taskId") == event["taskId"]]
            if later and later[0]["type"] == "task.claimed":
                task = {**before["data"]["task"], "version": event["data"]["task"]["version"]}
                r.set_event(released, {**event, "type": "task.updated", "data": {"task": task}})
                return "one holder"
        if "taskId" in event:
            last[event["taskId"]] = event
    raise AssertionError("nothing recorded to falsify: a task that was claimed, released and claimed")


def generation_repeated(r):
    """A claim has a generation that was there before."""
    claims = [event for event in r.events if event["type"] == "task.claimed"]
    event = claims[len(claims) // 2]
    event["data"]["task"]["claim"]["generation"] = event["data"]["generation"] = claims[0]["data"]["generation"]
    r.set_event(event["seq"], event)
    return "one holder"


def token_of_another(r):
    """A claim was ended with the token of another one."""
    ends = [r.history[i] for i in r.find("ends of claims", kind("complete"), answered(200), with_seq, r.once)]
    bodies = [json.loads(f[SENT_BODY]) for f in ends[:2]]
    bodies[1]["claimToken"] = bodies[0]["claimToken"]
    ends[1][SENT_BODY] = json.dumps(bodies[1]).encode()
    return "one holder"


def stale_task(r):
    """A task was read in a version that had long been over."""
    versions = {}
    for event in r.events:
        if "taskId" in event:
            versions[event["taskId"]] = event["data"].get("task", {}).get("version")

    def is_over(f):
        task_id = f[PATH].decode().split("/")[3]
        return versions[task_id] != int(f[ETAG].strip(b'"'))

    f = r.history[r.find("a GET of a task that changed then", kind("get"), answered(200), is_over)[0]]
    delay(r, f)
    return "reads"


def stale_list(r):
    """A list was read as of a moment before what had been acknowledged."""
    f = r.history[r.find("a list", kind("list"), answered(200))[0]]
    delay(r, f)
    return "reads"


def wrong_not_modified(r):
    """A list that had changed was answered 304."""
    bodies = {(f[PATH], f[ETAG]): json.loads(f[BODY]) for f in r.history if f[KIND] in (b"list", b"list_if") and f[BODY] != b"-"}
    over = {}
    for event in r.events:
        if "taskId" in event:
            over.setdefault((event["taskId"], event["data"].get("task", {}).get("version", 0) - 1), event["seq"])

    def has_changed(f):
        """By what the answer says that it is as of: it may show a later moment, and then the list as it was would be right, too."""
        before = bodies.get((f[PATH], f[CONDITION].removeprefix(b"If-None-Match: ")))
        return before is not None and any(over.get((task["id"], task["version"]), NEVER) <= int(f[SEQ]) for task in before["tasks"])

    f = r.history[r.find("a list that changed", kind("list_if"), answered(200), has_changed)[0]]
    f[STATUS], f[ETAG], f[BODY] = b"304", f[CONDITION].removeprefix(b"If-None-Match: "), b"-"
    return "reads"


def wrong_count(r):
    """The summary has one task too many."""
    f = r.history[r.find("a summary", kind("summary"), answered(200))[-1]]
    body = json.loads(f[BODY])
    body["byStatus"]["open"] += 1
    f[BODY] = json.dumps(body).encode()
    return "reads"


def second_effect(r):
    """A note that was sent once, with a key, stands in the log twice."""
    f = r.history[r.find("a note", kind("note"), answered(201), r.once)[-1]]
    note = r.events[int(f[SEQ]) - 1]
    task = [event for event in r.events if event.get("taskId") == note["taskId"]][-1]["data"].get("task")
    assert task, "the task of that note is gone"
    seq = len(r.log) + 1
    r.log.append(b"")
    r.set_event(seq, {**note, "seq": seq, "data": {**note["data"], "task": {**task, "version": task["version"] + 1}}})
    return "explained"


def other_repetition(r):
    """A key was answered with something else the second time."""
    f = r.history[r.find("a repetition", kind("note", "create", "bump", "claim", "feed"), lambda f: f[REPLAYED] == b"1",
                         lambda f: b'"id":"0' in f[BODY])[-1]]
    first = next(g for g in r.history if g[OP] == f[OP])
    if first is f or first[STATUS] == b"0":
        r.history.insert(r.history.index(f), [*f[:REPLAYED], b"0", *f[REPLAYED + 1:]])
    f[BODY] = f[BODY].replace(b'"id":"0', b'"id":"1')
    return "idempotency"


def task_unlisted(r):
    """The last list lacks a task."""
    page = json.loads(r.others["list"].read_bytes().splitlines()[0])
    page["tasks"].pop()
    r.falsify("list", [json.dumps(page).encode(), *r.others["list"].read_bytes().splitlines()[1:]])
    return "replay"


def attempt_untold(r):
    """The last answer about a task's attempts lacks one."""
    rest = json.loads(r.others["rest"].read_text())
    answer = next(a for a in rest["answers"] if a["body"].get("attempts"))
    answer["body"]["attempts"].pop()
    r.falsify("rest", [json.dumps(rest).encode()])
    return "replay"


def stream_gap(r):
    """A follower missed an event."""
    lines = r.others["follower-0"].read_bytes().splitlines()
    del lines[len(lines) // 2]
    r.falsify("follower-0", lines)
    return "streams"


def stream_repeats(r):
    """A follower got an event twice."""
    lines = r.others["follower-2"].read_bytes().splitlines()
    lines.insert(len(lines) // 2, lines[len(lines) // 2])
    r.falsify("follower-2", lines)
    return "streams"


CONTROLS = (seqs_swapped, order_broken, event_dropped, acknowledged_lost, claim_answered_twice, claim_given_twice, generation_repeated,
            token_of_another, stale_task, stale_list, wrong_not_modified, wrong_count, second_effect, other_repetition, task_unlisted,
            attempt_untold, stream_gap, stream_repeats)


def found(violations, rule):
    return [violation for violation in violations if violation.startswith(rule + ":")]


def run(folder, say):
    """Plants each fault into the recording of that folder, which must be without one; returns how many were not found."""
    failed = 0
    violations = check.check(folder).violations
    if violations:
        say(f"CONTROL the recording itself is at fault: {violations[0]}")
        failed += 1
    for plant in CONTROLS:
        recording = Recording(folder)
        rule = plant(recording)
        recording.save(folder / "falsified")
        violations = found(check.check(folder / "falsified").violations, rule)
        if violations:
            say(f"control {plant.__name__}: found. {violations[0][:150]}")
        else:
            say(f"CONTROL {plant.__name__} was NOT found: {plant.__doc__}")
            failed += 1
    return failed


def run_lie(folder, say):
    """A recording whose load told of an answer that never came: a write that was acknowledged and lost."""
    violations = found(check.check(folder).violations, "effects")
    if violations:
        say(f"control lie: found. {violations[0][:150]}")
        return 0
    say("CONTROL lie was NOT found: a write was acknowledged before it was done")
    return 1

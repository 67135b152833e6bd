"""GET /admin/export and import, by HTTP and by taskboardd --import: a board moves whole or not at all, ids and times with it."""

import json
import subprocess

import pytest
from harness import changes_nothing, event_log, refused
from test_check import work

SECONDS = 120
ID = "01KAP2Y5Q3V8C4D1E7F9G2H5J{}"
AT = "2025-11-22T13:30:00.{:03}Z"


def export(client):
    answer = client.get("/admin/export", check=False)
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/x-ndjson"
    return answer.body


def lines(exported, kind):
    return [line for line in map(json.loads, exported.splitlines()) if kind in line]


def load(client, body, name="ndjson", check=None):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.request("POST", f"/admin/import?format={name}", body, check=check)


def run_import(server, file, *flags):
    return subprocess.run([*server.command(), "--import", file, *flags], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env=server.env, timeout=SECONDS, check=False)


def ndjson(*items):
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)


def task(n, **fields):
    return {"task": {"id": ID.format(n), "title": f"task {n}", "status": "open", "createdBy": "old", "createdAt": AT.format(n),
                     "updatedAt": AT.format(n), "version": 3, **fields}}


def ahead_of(ulid, ms):
    """The id that many milliseconds later."""
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    at = ms + sum(digits.index(digit) << 5 * place for place, digit in enumerate(reversed(ulid[:10])))
    return "".join(digits[at >> 5 * place & 31] for place in range(9, -1, -1)) + ulid[10:]


def live(client):
    """A board with everything that there is."""
    done = client.create("done", tags=["red", "a \"quoted\" one"], priority=5, payload={"deep": [1, {"a": None}]}, assignee="first")
    client.note(done["id"], "ünïcode \n and more")
    client.post(f"/board/tasks/{done['id']}/artifacts", {"artifacts": [{"type": "url", "url": "http://x", "label": "x", "addedBy": "me"}]})
    (held,) = client.claim("first", tags=["red"])
    client.finish(held, "heartbeat", progress={"percent": 5, "message": "half"})
    client.completed(held, result={"made": [1, 2]}, summary="made")
    waits = client.create("waits", dependencies=[done["id"], "not an id", ID.format(9)], parentId=done["id"], uniqueKey="key")
    dead = client.create("dead", tags=["dead"], maxAttempts=1)
    client.finish(client.claim("second", tags=["dead"])[0], "fail", error="broke", retryable=False)
    client.create("delayed", delaySeconds=3600, description="later\twith more")
    client.create("again", tags=["again"], maxAttempts=0)
    for n in range(3):
        client.finish(client.claim("third", tags=["again"])[0], "release", reason=f"no {n}")
    client.create("held", tags=["held"], assignee="fourth")
    held = client.claim("fourth", tags=["held"])[0]
    review = client.create("review", tags=["review"])
    client.finish(client.claim("fifth", tags=["review"])[0], "complete", review=True)
    for name, status in (("one", "running"), ("two", "paused"), ("three", "stopped")):
        client.post("/registry/vms", {"id": name, "name": name.upper(), "role": "worker", "status": status, "address": "10.0.0.1",
                                      "registeredBy": "me", "services": [{"name": "s", "port": 1, "x": [1]}], "metadata": {"k": "v"}})
    for n in range(3):
        client.post("/feed/events", {"agent": "a", "type": "finding", "summary": f"s{n}", "detail": "", "metadata": {"n": n}})
    client.post("/board/pause", {"reason": "stop", "by": "me"})
    client.post("/board/pause", {"tag": "red"})
    parent = client.create("a parent that goes")
    client.create("child", parentId=parent["id"])
    client.delete(parent["id"])
    return done, waits, dead, held, review


def test_a_board_comes_back_as_it_was(own_server, board, serve, tmp_path):
    done, waits, _, held, review = live(board)
    first = export(board)
    assert b"token" not in first and b"claim\"" not in first
    other = serve().client()
    answer = load(other, first)
    assert answer.status == 200, answer
    assert answer.json == {"tasks": 8, "vms": 3, "feedEvents": 3, "pauses": 2}
    assert export(other) == first
    assert other.task(done["id"]) == board.task(done["id"])
    assert other.get(f"/board/tasks/{done['id']}/attempts").json == board.get(f"/board/tasks/{done['id']}/attempts").json
    assert other.task(waits["id"]) == board.task(waits["id"])
    assert other.get("/feed/events").json == board.get("/feed/events").json
    back = other.task(held["id"])
    assert (back["status"], back["assignee"], back["attempts"], "claim" in back) == ("open", "fourth", 0, False)
    assert other.task(review["id"])["assignee"] == "fifth"
    rejected = other.post(f"/board/tasks/{review['id']}/reject", {"reason": "no"}).json
    assert "assignee" not in rejected, "it was nobody's before it was claimed"
    other.post("/board/resume", {})
    again = other.claim("fourth", tags=["held"])[0]["claim"]["generation"]
    assert again > held["claim"]["generation"]
    file = tmp_path / "export.ndjson"
    file.write_bytes(first)
    third = serve(start=False)
    assert run_import(third, file).returncode == 0
    assert third.check().returncode == 0
    assert export(third.start().client()) == first


def test_an_export_under_load_is_of_one_moment(own_server, serve):
    stop, threads = work(own_server, enough=600)
    watcher = own_server.client(check=False)
    exported = export(watcher)
    stop.set()
    for thread in threads:
        thread.join()
    other = serve().client(check=False)
    answer = load(other, exported)
    assert answer.status == 200, answer
    assert export(other) == exported
    ids = {line["task"]["id"] for line in lines(exported, "task")}
    for line in lines(exported, "task"):  # whoever waits was created behind what it waits for
        assert set(line["task"]["dependencies"]) <= ids


def test_what_waits_is_ready_when_what_it_waits_for_is_done(own_server, board):
    body = ndjson(task(1, dependencies=[ID.format(2), ID.format(3)]), task(2, status="done"), task(3, status="done", outcome="success"),
                  task(4, dependencies=[ID.format(5)]), task(5, status="done", outcome="failed"), task(6, notBefore="2020-01-01T00:00:00Z"))
    waiting = board.create("waits here", dependencies=[ID.format(2)])
    assert load(board, body).status == 200
    ready = {t["title"] for t in board.get("/board/tasks?ready=true").json["tasks"]}
    assert ready == {"task 1", "task 6", "waits here"}
    assert board.task(ID.format(4))["blockedBy"] == [ID.format(5)]
    assert board.task(waiting["id"])["ready"]
    imported = board.task(ID.format(1))
    assert (imported["version"], imported["createdAt"], imported["updatedAt"]) == (3, AT.format(1), AT.format(1))
    events = [e for e in event_log(board) if e["type"] == "task.imported"]
    assert len(events) == 6 and events[0]["data"]["task"]["version"] == 3
    assert board.create("new")["id"] > ID.format(6)


def test_ids_that_are_newer_than_the_clock_keep_rising(own_server, board):
    soon = ahead_of(board.create("first")["id"], 3_600_000)
    assert load(board, ndjson({"task": {**task(1)["task"], "id": soon}})).status == 200
    later = board.create("second")["id"]
    assert later > soon and board.create("third")["id"] > later
    own_server.restart()
    assert own_server.client().create("fourth")["id"] > later
    refused(load(own_server.client(), ndjson({"task": {**task(1)["task"], "id": "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"}})), 400, "invalid_field", "line 1", "future")


ATTEMPT = {"attempt": 1, "generation": 1, "agent": "a", "claimedAt": AT.format(1), "endedAt": AT.format(2), "outcome": "failed"}

REFUSED = {
    "no JSON": (b'{"task":', 400, "invalid_json"),
    "no object": (b"[]", 400, "invalid_field"),
    "an unknown kind": (ndjson({"tusk": {}}), 400, "invalid_field"),
    "an unknown member": (ndjson(task(1, tilte="x")), 400, "unknown_field"),
    "an id that is none": (ndjson({"task": {**task(1)["task"], "id": "abc"}}), 400, "invalid_field"),
    "an unknown status": (ndjson(task(1, status="wontfix")), 400, "invalid_field"),
    "no title": (ndjson(task(1, title=" ")), 400, "missing_field"),
    "a long title": (ndjson(task(1, title="x" * 1025)), 400, "invalid_field"),
    "the same id twice": (ndjson(task(1), task(2), task(1)), 409, "id_exists"),
    "the same key twice": (ndjson(task(1, uniqueKey="k"), task(2, uniqueKey="k")), 409, "unique_key_taken"),
    "a cycle": (ndjson(task(1, dependencies=[ID.format(2)]), task(2, dependencies=[ID.format(3)]), task(3, dependencies=[ID.format(1)])), 409, "dependency_cycle"),
    "itself": (ndjson(task(1, dependencies=[ID.format(1)])), 409, "dependency_cycle"),
    "its own ancestor": (ndjson(task(1, parentId=ID.format(2)), task(2, parentId=ID.format(1))), 400, "invalid_field"),
    "a future instant": (ndjson(task(1, updatedAt="2999-01-01T00:00:00Z")), 400, "invalid_field"),
    "too popular": (ndjson(*({"task": {**task(1)["task"], "id": f"01KAP2Y5Q3V8C4D1E7F9G2{n:04}", "dependencies": ["x"]}} for n in range(2001))), 409, "limit_reached"),
    "attempts that do not follow": (ndjson({**task(1, attempts=1), "attempts": []}), 400, "invalid_field"),
    "an attempt beyond all numbers": (ndjson({**task(1, attempts=1), "attempts": [{**ATTEMPT, "attempt": 2**32}]}), 400, "invalid_field"),
    "an attempt that was never claimed": (ndjson({**task(1, attempts=1), "attempts": [{k: v for k, v in ATTEMPT.items() if k != "generation"}]}), 400, "invalid_field"),
    "the id that stands for none": (ndjson({"task": {**task(1)["task"], "id": "0" * 26}}), 400, "invalid_field"),
    "the parent that stands for none": (ndjson(task(1, parentId="0" * 26)), 400, "invalid_field"),
    "too many pauses": (ndjson(*({"pause": {"tag": f"tag {n}", "since": AT.format(1)}} for n in range(1001))), 409, "limit_reached"),
    "an unknown note type": (ndjson(task(1, notes=[{"id": ID.format(2), "author": "a", "content": "c", "type": "x", "createdAt": AT.format(1)}])), 400, "invalid_field"),
    "a feed event of no type": (ndjson({"feed": {"id": ID.format(1), "agent": "a", "type": "x", "summary": "s", "timestamp": AT.format(1)}}), 400, "invalid_field"),
    "a later export": (ndjson({"board": {"format": 2}}), 400, "invalid_field"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_faulty_file_changes_nothing_and_its_line_is_named(client, name):
    body, status, code = REFUSED[name]
    good = ndjson({"task": {**task(7)["task"], "title": "good"}}, {"vm": {"id": "good", "name": "n", "role": "worker", "address": "a", "registeredAt": AT.format(1), "lastSeen": AT.format(1)}, "number": ID.format(1)})
    with changes_nothing(client):
        told = refused(load(client, good + b"\n" + body, check=False), status, code)
        assert "line" in told and told["error"].startswith(f"Line {told['line']}: "), told
        assert told["line"] > 2
    assert client.get("/registry/vms").json["count"] == 0


def test_an_import_leaves_generations_for_claims(client):
    """What is beyond 2^53 many a reader of JSON rounds, so that two claims would have the same."""
    with changes_nothing(client):
        refused(load(client, ndjson({"board": {"format": 1, "generation": 2**53 - 1}}), check=False), 400, "invalid_field", "generation")
    assert load(client, ndjson({"board": {"format": 1, "generation": 2**50}})).status == 200


def test_what_is_there_already_is_refused(own_server, board):
    mine = board.create("mine", uniqueKey="k")
    board.post("/registry/vms", {"id": "vm", "name": "n", "role": "worker", "address": "a", "registeredBy": "me"})
    vm = {"vm": {"id": "vm", "name": "n", "role": "worker", "address": "a", "registeredAt": AT.format(1), "lastSeen": AT.format(1)}, "number": ID.format(1)}
    feed = {"feed": {"id": ID.format(1), "agent": "a", "type": "custom", "summary": "s", "timestamp": AT.format(1)}}
    waiting = board.create("waits", dependencies=[ID.format(3)])
    with changes_nothing(board):
        refused(load(board, ndjson({"task": {**task(1)["task"], "id": mine["id"]}})), 409, "id_exists", "line 1")
        refused(load(board, ndjson(task(1), task(2, uniqueKey="k"))), 409, "unique_key_taken", "line 2")
        refused(load(board, ndjson(vm)), 409, "vm_exists", "line 1")
        refused(load(board, ndjson(feed)), 409, "log_is_newer", "line 1")
        cycle = refused(load(board, ndjson(task(1), task(3, dependencies=[waiting["id"]]))), 409, "dependency_cycle", "line 2")
        assert cycle["path"] == [ID.format(3), waiting["id"], ID.format(3)]
        refused(board.request("POST", "/admin/import?format=xml", b"", check=False), 400, "invalid_query")
    assert load(board, b"").json == {"tasks": 0, "vms": 0, "feedEvents": 0, "pauses": 0}


def test_generations_of_another_board_come_behind_those_given(own_server, board, serve):
    board.create("mine", tags=["x"])
    board.completed(board.claim("a", tags=["x"])[0])
    other = serve().client()
    theirs = other.create("theirs", tags=["x"])
    other.completed(other.claim("b", tags=["x"])[0])
    assert load(board, export(other)).status == 200
    assert board.get(f"/board/tasks/{theirs['id']}/attempts").json["attempts"][0]["generation"] == 2
    board.create("next", tags=["x"])
    assert board.claim("a", tags=["x"])[0]["claim"]["generation"] == 3


# --- the files of the service that was before ---

def legacy_task(n, **fields):
    return {"id": ID.format(n), "title": f"old {n}", "status": "open", "tags": [], "dependencies": [], "createdBy": "old",
            "createdAt": AT.format(n), "updatedAt": AT.format(n + 1), "notes": [], "artifacts": [], "score": 0, **fields}


BOARD = {"tasks": [
    legacy_task(1, status="done", score=4, description="what", assignee="x", notes=[
        {"id": ID.format(8), "author": "a", "content": "second", "type": "finding", "createdAt": AT.format(5)},
        {"id": ID.format(7), "author": "a", "content": "first", "type": "question", "createdAt": AT.format(4)}]),
    legacy_task(2, dependencies=[ID.format(1)], tags=["t"], artifacts=[{"type": "url", "url": "u", "label": "l", "addedAt": AT.format(1)}], madeUp={"x": 1}),
    {key: value for key, value in legacy_task(3, status="in_progress", assignee="y").items() if key not in ("artifacts", "score")},
]}
REGISTRY = {"vms": [
    {"id": "vm 1", "name": "n", "role": "worker", "status": "running", "address": "a", "registeredBy": "me", "registeredAt": AT.format(1), "lastSeen": AT.format(9)},
    {"id": "vm 2", "name": "n", "role": "infra", "status": "stopped", "address": "a", "registeredBy": "me", "registeredAt": AT.format(2), "lastSeen": AT.format(3),
     "services": [{"name": "s", "port": 80, "healthPath": "/"}], "metadata": {"k": [1]}, "other": 1},
]}
FEED = [{"id": ID.format(n), "agent": "a", "type": kind, "summary": "s", "timestamp": AT.format(n), **more}
        for n, kind, more in ((2, "token_update", {"metadata": {"tokens": 5}}), (1, "custom", {"detail": "d"}))]


@pytest.mark.parametrize("way", ["http", "--import"])
def test_the_files_of_the_old_service(serve, tmp_path, way):
    files = {"feed.jsonl": b"\n".join(json.dumps(event).encode() for event in FEED) + b"\n\n",
             "board.json": json.dumps(BOARD, indent=2).encode(), "registry.json": json.dumps(REGISTRY, indent=2).encode()}
    server = serve("--retain-days", 0, start=way == "http")
    for name, content in files.items():
        if way == "http":
            answer = load(server.client(), content, name)
            assert answer.status == 200, answer
        else:
            (tmp_path / name).write_bytes(content)
            done = run_import(server, tmp_path / name)
            assert done.returncode == 0 and done.stdout.startswith("imported "), done
    client = (server if way == "http" else server.start()).client()
    old = client.task(ID.format(1))
    assert (old["status"], old["outcome"], old["score"], old["version"], old["createdAt"], old["updatedAt"]) == ("done", "success", 4, 1, AT.format(1), AT.format(2))
    assert [note["content"] for note in old["notes"]] == ["first", "second"] and old["notes"][0]["createdAt"] == AT.format(4)
    second = client.task(ID.format(2))
    assert second["ready"] and second["artifacts"][0]["addedAt"] == AT.format(1)
    assert client.task(ID.format(3))["status"] == "in_progress"
    vms = client.get("/registry/vms").json["vms"]
    assert [vm["id"] for vm in vms] == ["vm 2", "vm 1"]
    assert vms[0]["services"] == REGISTRY["vms"][1]["services"] and vms[1]["lastSeen"] == AT.format(9) and vms[1]["stale"]
    events = client.get("/feed/events").json
    assert [event["id"] for event in events] == [ID.format(1), ID.format(2)]
    assert events[1] == FEED[0]


def test_faults_of_old_files_name_the_task(client):
    with changes_nothing(client):
        told = refused(load(client, {"tasks": [legacy_task(1), legacy_task(2, status="wontfix")]}, "board.json", check=False), 400, "invalid_field", "Task 2", "wontfix")
        assert told["line"] == 2
        refused(load(client, {"tasks": [legacy_task(1), legacy_task(1)]}, "board.json", check=False), 409, "id_exists", "Task 2")
        refused(load(client, {"task": []}, "board.json", check=False), 400, "invalid_field", "array tasks")
        refused(load(client, b'{"tasks":[', "board.json", check=False), 400, "invalid_json")
        refused(load(client, {"vms": [{"id": "x"}]}, "registry.json", check=False), 400, "missing_field", "VM 1", "name is required")
        refused(load(client, json.dumps(FEED[0]).encode() + b'\n{"id":"01KA', "feed.jsonl", check=False), 400, "invalid_json", "Line 2")


def test_import_says_what_is_wrong(serve, tmp_path):
    server = serve(start=False)
    file = tmp_path / "export.ndjson"
    for flags, words in (((), "cannot be read"), (("--format", "xml"), "--format must be")):
        done = run_import(server, file, *flags)
        assert done.returncode == 1 and words in done.stderr, done
    file.write_bytes(ndjson(task(1), task(1)))
    done = run_import(server, file)
    assert done.returncode == 1 and "nothing was imported: Line 2: an earlier line has the same id" in done.stderr
    done = run_import(server, file.rename(tmp_path / "what"))
    assert done.returncode == 1 and "give --format" in done.stderr
    assert server.start().client().get("/board/tasks").json["count"] == 0
    done = run_import(server, tmp_path / "what", "--format", "ndjson")
    assert done.returncode == 1 and "in use by another taskboardd" in done.stderr


def test_an_import_that_is_killed_leaves_nothing_or_all(serve, tmp_path):
    file = tmp_path / "export.ndjson"
    file.write_bytes(ndjson(*({"task": {**task(1)["task"], "id": f"01KAP2Y5Q3V8C4D1E7F9G{n:05}", "description": "words of many kinds " * 20}} for n in range(20000))))
    server = serve(start=False)
    killed = whole = 0
    for delay_ms in (20, 60, 120, 200, 300, 450, 700):
        process = subprocess.Popen([*server.command(), "--import", file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=server.env)
        try:
            process.wait(delay_ms / 1000)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            killed += 1
        if "sound: 20000 tasks" in server.check().stdout:
            whole += 1
            break
        assert server.check().returncode == 0 and not any(word in server.check().stdout for word in ("sound: 1", "sound: 2"))
    assert killed
    if not whole:
        assert run_import(server, file).returncode == 0
    assert "sound: 20000 tasks" in server.check().stdout

"""--retain-done and --retain-done-days: finished tasks that nobody needs go, into the archive first."""

import json
import time

from harness import event_log, eventually
from test_import import ID, load, ndjson, run_import, task


def titles(client):
    return sorted(t["title"] for t in client.get("/board/tasks", check=False).json["tasks"])


def restarted(server, *flags):
    server.flags += [str(flag) for flag in flags]
    return server.restart().client(check=False)


def finished(client, title, **fields):
    made = client.create(title, **fields)
    return client.change(made["id"], status="done")


def test_nothing_goes_unless_it_is_asked_for(own_server, board):
    assert load(board, ndjson(task(1, status="done"))).status == 200
    finished(board, "new")
    assert titles(restarted(own_server)) == ["new", "task 1"]


def test_the_latest_ones_are_kept_and_the_others_are_archived(own_server, board, tmp_path, serve):
    for n in range(250):
        finished(board, f"{n:03}", description="what was to be done")
    board.note(board.get("/board/tasks?limit=1").json["tasks"][0]["id"], "noted")
    board.create("open")
    expected = {t["id"]: t for t in board.get("/board/tasks", check=False).json["tasks"]}
    client = restarted(own_server, "--retain-done", 5, "--archive", tmp_path)
    eventually(lambda: len(titles(client)) == 6, "tasks to go")
    assert titles(client) == ["245", "246", "247", "248", "249", "open"]
    gone = [event for event in event_log(client) if event["type"] == "task.deleted"]
    assert len(gone) == 245 and {event["data"]["reason"] for event in gone} == {"retention"}
    (file,) = tmp_path.iterdir()
    assert file.name == f"done-{gone[0]['at'][:10]}.ndjson" or file.name.startswith("done-")
    archived = [json.loads(line)["task"] for line in file.read_text().splitlines()]
    assert {t["id"] for t in archived} == {event["taskId"] for event in gone}
    other = serve(start=False)
    assert run_import(other, file).returncode == 0
    back = other.start().client(check=False)
    assert titles(back) == [f"{n:03}" for n in range(245)]
    sample = back.get("/board/tasks?limit=1").json["tasks"][0]
    assert sample == expected[sample["id"]]


def test_old_ones_go_and_young_ones_stay(own_server, board):
    assert load(board, ndjson(*(task(n, status="done", outcome="failed" if n % 2 else "success") for n in range(8)), task(8), task(9, status="blocked"))).status == 200
    finished(board, "young")
    client = restarted(own_server, "--retain-done-days", 30)
    eventually(lambda: titles(client) == ["task 8", "task 9", "young"], "old tasks to go")


def test_what_is_needed_stays(own_server, board):
    done = {"status": "done"}
    assert load(board, ndjson(
        task(1, **done), task(2, **done, dependencies=[ID.format(1)]), task(3, **done, dependencies=[ID.format(2)]),  # goes as a whole
        task(4, **done), task(5, dependencies=[ID.format(4)]),  # waited for
        task(6, **done), task(7, parentId=ID.format(6)),  # a parent
        task(8, **done), task(9, **done, parentId=ID.format(8)))).status == 200
    client = restarted(own_server, "--retain-done-days", 1)
    eventually(lambda: titles(client) == ["task 4", "task 5", "task 6", "task 7"], "what nobody needs to go")
    assert client.get(f"/board/tasks/{ID.format(5)}").json["ready"]


def test_without_its_archive_nothing_goes(own_server, board, tmp_path):
    assert load(board, ndjson(task(1, status="done"))).status == 200
    folder = tmp_path / "archive"
    client = restarted(own_server, "--retain-done-days", 1, "--archive", folder)
    assert "the archive cannot be written to" in own_server.log() and str(folder) in own_server.log()
    eventually(lambda: "cannot be archived" in own_server.log(), "the log to say so")
    assert titles(client) == ["task 1"]
    folder.mkdir()
    client = restarted(own_server)
    eventually(lambda: titles(client) == [], "the task to go")


def test_with_an_archive_whose_name_is_too_long_nothing_goes(own_server, board):
    assert load(board, ndjson(task(1, status="done"))).status == 200
    client = restarted(own_server, "--retain-done-days", 1, "--archive", "/archive" * 511)  # 4,088 bytes: there is no room for a file's name
    eventually(lambda: "File name too long" in own_server.log(), "the log to say so")
    assert titles(client) == ["task 1"]
    del own_server.flags[-2:]  # a check would refuse it


def test_what_a_crash_left_in_the_archive_spoils_nothing(own_server, board, tmp_path, serve):
    """Half a line, and a task that is archived once more."""
    kept = ndjson(*(task(n, status="done") for n in range(3)))
    assert load(board, kept).status == 200
    archive = tmp_path / "archive"
    archive.mkdir()
    earlier = board.get("/admin/export", check=False).body.splitlines(keepends=True)[1]
    now = time.time()  # it may be midnight
    for day in {time.strftime("%Y-%m-%d", time.gmtime(now + ahead)) for ahead in (0, 600)}:
        (archive / f"done-{day}.ndjson").write_bytes(earlier + earlier[:99])
    client = restarted(own_server, "--retain-done-days", 1, "--archive", archive)
    eventually(lambda: titles(client) == [], "the tasks to go")
    file = max(archive.iterdir(), key=lambda path: path.stat().st_size)
    lines = file.read_bytes().splitlines(keepends=True)
    assert lines[:2] == [earlier, earlier[:99] + b"\n"] and len(lines) == 5
    other = serve(start=False)
    done = run_import(other, file)
    assert done.returncode == 1 and "Line 2: it is not valid JSON" in done.stderr, done
    file.write_bytes(b"".join(sorted({*lines} - {lines[1]})))
    assert run_import(other, file).returncode == 0
    assert titles(other.start().client(check=False)) == ["task 0", "task 1", "task 2"]

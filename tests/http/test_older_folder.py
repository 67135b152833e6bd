"""A data folder of store format 1, which knew no credentials: it is looked at as it is, opens, and is of today's format from then on.

data/format-1.mdb.gz was written by the last server of that format, and compacted with mdb_copy -c: a VM, a feed event, a finished
task, one that is claimed, one that waits for it, with a note, one that is open, and a pause of the tag green."""

import gzip
from pathlib import Path

import pytest
from harness import event_log, replay
from test_backup import restore, tasks_of

OLDER = gzip.decompress((Path(__file__).parent / "data/format-1.mdb.gz").read_bytes())
WRITTEN = 11  # events


@pytest.fixture
def older(serve):
    """A server, not started yet, in whose folder that store is."""
    server = serve(start=False)
    server.data.mkdir()
    (server.data / "data.mdb").write_bytes(OLDER)
    return server


def expect_all(client):
    log = event_log(client)
    told = replay([event for event in log if "taskId" in event])
    assert [event["seq"] for event in log[:WRITTEN]] == list(range(1, WRITTEN + 1)) and log[0]["type"] == "vm.registered"
    assert tasks_of(client) == told
    assert {task["title"] for task in told.values()} == {"done", "held", "waiting", "open"}
    held, waiting = (next(task for task in told.values() if task["title"] == title) for title in ("held", "waiting"))
    assert waiting["dependencies"] == [held["id"]]
    assert client.get(f"/board/tasks/{waiting['id']}/notes").json["notes"][0]["content"] == "a note"
    assert client.get(f"/board/tasks/{held['id']}/attempts").json["attempts"][0]["generation"] == 2
    assert client.get("/registry/vms/vm-1").json["name"] == "builder"
    assert client.get("/feed/events").json[0]["summary"] == "written by an older server"
    assert [pause["tag"] for pause in client.get("/board/summary").json["paused"]] == ["green"]


def test_the_check_takes_it_as_it_is(older):
    checked = older.check()
    assert checked.returncode == 0 and "the store is sound: 4 tasks" in checked.stdout, checked
    assert (older.data / "data.mdb").read_bytes() == OLDER


def test_it_opens_and_is_brought_up_to_date(older):
    older.start()
    client = older.client(check=False)
    expect_all(client)
    assert client.claim("worker", tags=["green"]) == []
    made = client.post("/auth/tokens", {"name": "one", "role": "worker"})
    assert made.status == 201, made
    older.restart()
    client = older.client(check=False)
    expect_all(client)
    assert [token["name"] for token in client.get("/auth/tokens").json["tokens"]] == ["one"]
    assert older.client(token=made.json["token"], check=False).get("/board/summary").status == 200
    older.leave()
    older.stop()
    older.expect_sound()


def test_a_server_that_is_killed_when_it_has_opened_it_leaves_it_whole(older):
    older.start().kill()
    older.expect_sound()
    older.start()
    expect_all(older.client(check=False))


def test_it_is_restored_like_a_backup(older, serve):
    restored = serve(start=False)
    done = restore(restored, older.data / "data.mdb")
    assert done.returncode == 0, done
    restored.start()
    expect_all(restored.client(check=False))

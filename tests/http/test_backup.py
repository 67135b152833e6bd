"""GET /admin/backup and taskboardd --restore: a copy taken under load is a board of one moment; a cut one is none."""

import http.client
import os
import resource
import shutil
import subprocess
import threading

import pytest
from harness import Raw, Server, TOKEN, connection_to, event_log, eventually, refused, replay
from harness.auth import make_token, revoke
from test_check import work

HEAD = f"HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
SECONDS = 120
ROOT = 4096 + 128  # where the second page says which one the main database begins with


def fetch(server, path):
    """The whole answer as a file; raises where it was cut."""
    connection = connection_to(server.port, timeout=SECONDS)
    connection.request("GET", "/admin/backup", headers={"Authorization": f"Bearer {TOKEN}"})
    answer = connection.getresponse()
    assert answer.status == 200 and answer.headers["Transfer-Encoding"] == "chunked"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    path.write_bytes(answer.read())
    connection.close()
    return path


def restore(server, file, **options):
    """taskboardd --restore into the folder of a server that has not started yet."""
    return subprocess.run([*server.command(), "--restore", file], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env=server.env, timeout=SECONDS, check=False, **options)


def tasks_of(client):
    """{id: summary view}, without what time alone changes."""
    tasks = {}
    for task in client.get("/board/tasks?view=summary", check=False).json["tasks"]:
        tasks[task["id"]] = task
    return tasks


def fill(client, count, size):
    for n in range(count // 100):
        client.post("/board/tasks", [{"title": f"task {n}.{i}", "createdBy": "filler", "description": "x" * size} for i in range(100)], check=False)


@pytest.fixture
def backup(own_server, board, tmp_path):
    """A small one, and the board that it was made of."""
    task = board.create("kept", tags=["red"])
    board.note(task["id"], "seen")
    board.claim("agent", tags=["red"])
    return fetch(own_server, tmp_path / "backup")


def test_a_backup_under_load_is_a_moment_of_the_log(own_server, serve, tmp_path):
    stop, threads = work(own_server, enough=1000)
    files = [fetch(own_server, tmp_path / f"backup {n}") for n in range(3)]
    watcher = own_server.client(check=False)
    enough = watcher.head_seq() + 100
    eventually(lambda: watcher.head_seq() > enough, "the board to go on")
    stop.set()
    for thread in threads:
        thread.join()
    whole = event_log(own_server.client(check=False))
    heads = []
    for file in files:
        restored = serve(start=False)
        done = restore(restored, file)
        assert done.returncode == 0 and "the store is sound" in done.stdout, done
        assert restored.check().returncode == 0
        restored.start()
        client = restored.client(check=False)
        log = event_log(client)
        heads.append(log[-1]["seq"])
        assert log == whole[:len(log)]
        told = replay([event for event in whole[:len(log)] if "taskId" in event])
        assert tasks_of(client) == told
    assert heads == sorted(heads) and 1000 < heads[0] and heads[-1] < whole[-1]["seq"]


def test_a_restored_board_goes_on(backup, own_server, serve):
    restored = serve(start=False)
    done = restore(restored, backup)
    assert done.returncode == 0, done
    assert done.stdout.splitlines()[-1] == f"restored {backup} into {restored.data}"
    assert sorted(path.name for path in restored.data.iterdir()) == ["data.mdb", "lock"]
    assert (restored.data / "data.mdb").stat().st_mode & 0o777 == 0o600
    client, old = restored.start().client(), own_server.client()
    before = [task["claim"]["generation"] for task in client.get("/board/tasks").json["tasks"] if "claim" in task]
    client.create("new", tags=["red"])
    old.create("new", tags=["red"])
    later = client.claim("agent", tags=["red"])[0]["claim"]["generation"]
    lost = old.claim("agent", tags=["red"])[0]["claim"]["generation"]
    assert before[0] < lost < later < 2**53, "a generation must never come twice"
    assert "read" in client.note(client.get("/board/tasks").json["tasks"][0]["id"], "read")["content"]


@pytest.mark.parametrize("damage", ["cut", "cut by a byte", "a byte", "a root", "empty", "another file"])
def test_a_damaged_backup_makes_no_board(backup, serve, damage):
    whole = backup.read_bytes()
    at = whole.index(b"kept")
    backup.write_bytes({"cut": whole[:len(whole) // 2], "cut by a byte": whole[:-1], "a byte": whole[:at] + b"K" + whole[at + 1:],
                        "a root": whole[:ROOT] + bytes(8) + whole[ROOT + 8:], "empty": b"", "another file": b"no backup" * 9999}[damage])
    server = serve(start=False)
    done = restore(server, backup)
    assert done.returncode == 1 and done.stderr.startswith("taskboardd: "), done
    assert [path.name for path in server.data.iterdir()] == ["lock"]
    backup.write_bytes(whole)
    assert restore(server, backup).returncode == 0, "what was left behind is in the way"


def test_a_restore_takes_an_empty_folder_only(backup, own_server, serve):
    server = serve(start=False)
    server.data.mkdir()
    (server.data / "precious").write_text("a file")
    done = restore(server, backup)
    assert done.returncode == 1 and "is not empty: it holds precious" in done.stderr
    assert [path.name for path in server.data.iterdir()] == ["precious"]
    (server.data / "precious").unlink()
    (server.data / "admin-token").write_text("put there before")
    assert restore(server, backup).returncode == 0
    done = restore(server, backup)
    assert done.returncode == 1 and "is not empty" in done.stderr
    done = restore(own_server, backup)
    assert done.returncode == 1 and "is not empty" in done.stderr
    done = restore(server, backup.parent / "absent")
    assert done.returncode == 1 and "cannot be opened" in done.stderr


def test_a_restore_without_room_leaves_nothing(backup, serve):
    server = serve(start=False)
    limit = backup.stat().st_size // 2
    done = restore(server, backup, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    assert done.returncode != 0, done
    assert not (server.data / "data.mdb").exists()
    assert restore(server, backup).returncode == 0


def test_a_restore_that_is_killed_leaves_nothing_or_all(own_server, board, serve, tmp_path):
    fill(board, 2000, 4000)
    file = fetch(own_server, tmp_path / "backup")
    server = serve(start=False)
    done = whole = 0
    for delay_ms in (5, 15, 30, 60, 100, 150, 200, 300, 450, 700, 1000):
        process = subprocess.Popen([*server.command(), "--restore", file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=server.env)
        try:
            process.wait(delay_ms / 1000)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        done += 1
        if (server.data / "data.mdb").exists():
            whole += 1
            assert server.check().stdout.startswith("the store is sound: 2000 tasks")
            shutil.rmtree(server.data)
    assert done > whole, "none was killed in time"


def pipes_of(server):
    """Through which copies go."""
    found = 0
    for fd in os.listdir(f"/proc/{server.process.pid}/fd"):
        try:
            found += os.readlink(f"/proc/{server.process.pid}/fd/{fd}").startswith("pipe:")
        except FileNotFoundError:
            pass  # closed meanwhile
    return found


def test_a_slow_reader_gets_all_and_holds_little(own_server, board, tmp_path, serve):
    fill(board, 5000, 4000)
    before = own_server.resident_bytes()
    raw = Raw(own_server.port, receive_buffer=4096)
    raw.send("GET /admin/backup " + HEAD)
    first = raw.receive(1000)
    assert first.startswith(b"HTTP/1.1 200")
    for n in range(20):  # the board goes on, and so do others
        board.create(f"meanwhile {n}")
    assert own_server.resident_bytes() - before < 64 << 20
    rest = first + until_end(raw)
    head, _, body = rest.partition(b"\r\n\r\n")
    file = tmp_path / "backup"
    file.write_bytes(dechunked(body))
    restored = serve(start=False)
    done = restore(restored, file)
    assert done.returncode == 0 and "sound: 5000 tasks" in done.stdout, done


def until_end(raw):
    parts = [b""]
    while not (parts[-1].endswith(b"0\r\n\r\n")):
        part = raw.receive()
        assert part, "cut off"
        parts.append(part)
    return b"".join(parts)


def dechunked(body):
    out = []
    while True:
        size, _, body = body.partition(b"\r\n")
        size = int(size, 16)
        if size == 0:
            return b"".join(out)
        out.append(body[:size])
        body = body[size + 2:]


def test_who_leaves_ends_the_copy_and_no_more_than_two_are_made(own_server, board):
    fill(board, 5000, 4000)
    before, raws = pipes_of(own_server), []
    for _ in range(2):
        raw = Raw(own_server.port, receive_buffer=4096)
        raw.send("GET /admin/backup " + HEAD)
        assert raw.receive(15) == b"HTTP/1.1 200 OK"
        raws.append(raw)
    assert pipes_of(own_server) == before + 4
    answer = board.get("/admin/backup")
    refused(answer, 503, "overloaded")
    assert int(answer.headers["Retry-After"]) >= 1
    for raw in raws:
        raw.reset()
    eventually(lambda: pipes_of(own_server) == before, "the copies to end")
    assert fetch_ok(own_server)


def fetch_ok(server):
    connection = connection_to(server.port, timeout=SECONDS)
    connection.request("GET", "/admin/backup", headers={"Authorization": f"Bearer {TOKEN}"})
    answer = connection.getresponse()
    size = len(answer.read())
    connection.close()
    return answer.status == 200 and size > 4000 * 5000


def test_a_backup_ends_with_its_token(own_server, board):
    fill(board, 5000, 4000)
    token = make_token(board, "admin")
    raw = Raw(own_server.port, receive_buffer=4096)
    raw.send("GET /admin/backup " + HEAD.replace(TOKEN, token["token"]))
    assert raw.receive(15) == b"HTTP/1.1 200 OK"
    before = pipes_of(own_server)
    revoke(board, token)
    eventually(lambda: pipes_of(own_server) < before, "the copy to end", 5)
    assert not raw.receive_all().endswith(b"0\r\n\r\n")


def test_a_server_that_stops_cuts_a_backup_and_the_client_can_tell(own_server, board):
    fill(board, 5000, 4000)
    raw = Raw(own_server.port, receive_buffer=4096)
    raw.send("GET /admin/backup " + HEAD)
    assert raw.receive(15) == b"HTTP/1.1 200 OK"
    own_server.leave()
    own_server.stop()
    assert not raw.receive_all().endswith(b"0\r\n\r\n")


def test_an_export_that_fails_halfway_is_cut_off(own_server, board):
    """What is damaged is met last: the head of the answer is long gone then."""
    own_server.damaged = True
    board.create("the oldest of all", description="soon damaged, and")
    fill(board, 1000, 4000)
    own_server.leave()
    own_server.stop()
    file = own_server.data / "data.mdb"
    file.write_bytes(file.read_bytes().replace(b"soon damaged, and", b"now damaged!, and"))
    raw = Raw(own_server.start().port)
    raw.send("GET /admin/export " + HEAD)
    answer = raw.receive_all()
    assert answer.startswith(b"HTTP/1.1 200") and len(answer) > 500 * 4000, "what had been made when it failed may be left out"
    assert not answer.endswith(b"0\r\n\r\n")
    raw.close()


def test_head_makes_no_copy(own_server):
    raw = own_server.raw()
    raw.send("HEAD /admin/backup " + HEAD)
    answer = raw.answer("HEAD")
    assert answer.status == 200 and answer.body == b""
    assert answer.headers["Content-Type"] == "application/octet-stream"
    raw.close()


@pytest.mark.parametrize("path", ["/admin/backup", "/admin/export"])
def test_where_nobody_could_tell_whether_it_is_whole_there_is_none(own_server, path):
    with own_server.raw() as old:  # of HTTP/1.0 the end of the connection ends an answer
        old.send(f"GET {path} HTTP/1.0\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")
        answer = old.answer()
        assert answer.status == 400 and answer.json["code"] == "bad_request" and "HTTP/1.1" in answer.json["error"]

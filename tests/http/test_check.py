"""taskboardd --check: a whole store is looked at, nothing of it is changed, and what is wrong is named."""

import http.client
import itertools
import re
import threading

import pytest
from harness import Server, eventually

SOUND = re.compile(r"the store is sound: (\d+) tasks, (\d+) events, (\d+) VMs, (\d+) answers, (\d+) index entries, in [\d.]+ s\n")
END = {"it was stopped": lambda server: (server.leave(), server.stop()), "kill -9": Server.kill}


def keep_busy(client, number, stop):
    """A bit of everything, till the server is gone."""
    name = f"agent {number}"
    try:
        for n in itertools.count():
            if stop.is_set():
                return
            task = client.create(f"busy {number}", tags=["red", f"t{number}"], description="words of all kinds",
                                 uniqueKey=f"key {number}.{n}", assignee=name)
            client.create("waits", dependencies=[task["id"]], parentId=task["id"])
            client.note(task["id"], "seen")
            for claimed in client.claim(name, tags=["red"], headers={"Idempotency-Key": f"{number}.{n}"}):
                client.finish(claimed, "complete" if n % 3 else "release")
            client.post("/feed/events", {"agent": name, "type": "finding", "summary": "s"})
            client.delete(client.create("deleted")["id"])
    except (OSError, http.client.HTTPException):
        pass


def work(server, enough=150):
    stop = threading.Event()
    threads = [threading.Thread(target=keep_busy, args=(server.client(check=False), n, stop)) for n in range(3)]
    for thread in threads:
        thread.start()
    watcher = server.client()
    eventually(lambda: watcher.head_seq() > enough, "the board to be busy")
    return stop, threads


@pytest.mark.parametrize("end", END)
def test_the_store_of_a_busy_board_is_sound_after(own_server, end):
    stop, threads = work(own_server)
    if end != "kill -9":
        stop.set()
        for thread in threads:
            thread.join()
    END[end](own_server)
    stop.set()
    for thread in threads:
        thread.join()
    checked = own_server.check()
    found = SOUND.fullmatch(checked.stdout)
    assert checked.returncode == 0 and found, checked
    tasks, events, _, answers, entries = map(int, found.groups())
    assert tasks > 10 and events > 150 and answers > 5 and entries > 10 * tasks


def bytes_of(folder):
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def test_a_check_changes_nothing(own_server, board):
    for n in range(50):
        board.create(f"task {n}", tags=["red"])
    own_server.leave()
    own_server.stop()
    before = bytes_of(own_server.data)
    assert own_server.check().returncode == 0
    assert bytes_of(own_server.data) == before
    for name in ("lock", "lock.mdb"):  # a copy has none
        (own_server.data / name).unlink()
    before = bytes_of(own_server.data)
    assert own_server.check().returncode == 0
    assert bytes_of(own_server.data) == before


def test_a_check_refuses_while_a_server_runs(own_server):
    checked = own_server.check()
    assert checked.returncode == 1 and checked.stdout == ""
    assert "in use by another taskboardd" in checked.stderr
    assert str(own_server.process.pid) in checked.stderr


def test_a_check_names_what_is_damaged_and_says_so_with_its_exit_code(own_server, board):
    own_server.damaged = True
    task = board.create("the title of this one is soon damaged")
    board.create("whole")
    own_server.leave()
    own_server.stop()
    path = own_server.data / "data.mdb"
    path.write_bytes(path.read_bytes().replace(b"is soon damaged", b"is now damaged!"))
    checked = own_server.check()
    assert checked.returncode == 1 and checked.stderr == ""
    lines = checked.stdout.splitlines()
    assert f"task {task['id']}: its record is damaged" in lines
    assert all(lines) and 3 < len(lines) <= 101


def test_a_file_that_is_no_store_is_a_fault_and_no_file_is_none(tmp_path):
    server = Server(data=tmp_path)
    try:
        checked = server.check()
        assert (checked.returncode, checked.stdout) == (0, "the settings are good\n")
        (tmp_path / "data.mdb").write_bytes(b"x" * 20000)
        checked = server.check()
        assert checked.returncode == 1 and "is damaged or is not a board's" in checked.stdout
    finally:
        server.close()

"""What was acknowledged is there after a restart and after kill -9, to the byte."""

import threading
import time

import pytest
from harness import Server, event_log, eventually, replay

ARTIFACT = {"type": "url", "url": "u", "label": "l"}
READS = ["/board/tasks", "/board/tasks?order=updated", "/board/tasks?order=rank", "/board/tasks?status=done",
         "/board/tasks?assignee=ann", "/board/tasks?tag=red", "/board/tasks?q=words", "/board/tasks?ready=true",
         "/board/tasks?ready=false&status=open", "/board/tasks?createdBy=bob", "/board/review", "/events?limit=1000"]


def furnish(board):
    """A board with something of everything."""
    first = board.create("first words", tags=["red"], assignee="ann", payload={"deep": [1, None, "é\u0001"]})
    board.create_many([{"title": "plan", "createdBy": "bob", "ref": "p", "priority": 7},
                       {"title": "step", "createdBy": "bob", "dependencies": ["#p"], "parentId": "#p"}])
    board.create("later", delaySeconds=86400, uniqueKey="key", description="words")
    for n in range(5):
        board.note(first["id"], f"note {n}")
    board.act(first["id"], "artifacts", {"artifacts": [ARTIFACT] * 3})
    board.act(first["id"], "bump")
    review = board.create("review")
    board.act(review["id"], "review", {"summary": "s", "artifacts": [ARTIFACT]})
    board.done(board.create("done", tags=["red"])["id"], outcome="failed")
    board.delete(board.create("deleted")["id"])


def everything(board):
    return {path: board.get(path).json for path in READS}


END = {"a restart": lambda server: (server.leave(), server.stop()), "kill -9": Server.kill}


@pytest.mark.parametrize("end", END)
def test_everything_is_there_again_after(own_server, board, end):
    furnish(board)
    before = everything(board)
    END[end](own_server)
    own_server.start()
    again = own_server.client()
    assert everything(again) == before
    assert replay(event_log(again)) == {task["id"]: task for task in again.list("view=summary")}


@pytest.mark.parametrize("end", END)
def test_ids_seqs_and_versions_go_on_rising_after(own_server, board, end):
    last, seq = board.create("last"), board.head_seq()
    for _ in range(3):
        END[end](own_server)
        own_server.start()
        board = own_server.client()
        new = board.create("new")
        assert new["id"] > last["id"] and new["createdAt"] >= last["createdAt"]
        assert board.head_seq() == seq + 1
        bumped = board.act(last["id"], "bump").json
        assert bumped["version"] == last["version"] + 1
        last, seq = bumped, seq + 2
        last = board.task(new["id"])


def test_unique_keys_and_dependencies_hold_across_a_restart(own_server, board):
    key = board.create(uniqueKey="held")
    first = board.create()
    second = board.create(dependencies=[first["id"]])
    own_server.kill()
    own_server.start()
    board = own_server.client()
    assert board.post("/board/tasks", {"title": "t", "createdBy": "c", "uniqueKey": "held"}).json == key
    assert board.patch(first["id"], {"dependencies": [second["id"]]}).status == 409
    board.done(first["id"])
    assert board.task(second["id"])["ready"]


def test_a_delay_that_ends_while_the_server_is_down_is_over_when_it_comes_back(own_server, board):
    task = board.create(delaySeconds=1)
    own_server.kill()
    own_server.start()
    board = own_server.client()
    ready = eventually(lambda: (now := board.task(task["id"]))["ready"] and now, "the task to become ready")
    assert ready["version"] == 2 and board.ids("ready=true") == [task["id"]]


def test_a_change_of_the_aging_changes_the_order_of_tasks_that_are_stored(own_server, board):
    """A point of priority is worth an hour of waiting by default, and here one second."""
    old, begun = board.create("old"), time.monotonic()
    eventually(lambda: time.monotonic() - begun > 1.1, "the tasks to be more than a second apart")
    new = board.create("new", priority=1)
    orders = {"3600": [new["id"], old["id"]], "1": [old["id"], new["id"]], "7200": [new["id"], old["id"]]}
    for seconds, order in orders.items():
        own_server.leave()
        own_server.stop()
        own_server.flags = ["--aging-seconds", seconds]
        own_server.start()
        assert own_server.client().ids("order=rank") == order


def test_every_acknowledged_create_survives_a_kill_in_the_middle_of_writing(own_server):
    acknowledged, begun = [], threading.Semaphore(0)

    def write():
        client = own_server.client(check=False)
        try:
            for n in range(100000):
                acknowledged.append(client.create(str(n)))
                begun.release()
        except (ConnectionError, OSError):
            pass

    writers = [threading.Thread(target=write) for _ in range(6)]
    for writer in writers:
        writer.start()
    for _ in range(60):
        begun.acquire()
    own_server.kill()
    for writer in writers:
        writer.join()
    own_server.start()
    there = {task["id"]: task for task in own_server.client(check=False).list()}
    assert len(acknowledged) >= 60 and len(there) <= len(acknowledged) + 6
    for task in acknowledged:
        assert there[task["id"]] == task


def test_a_server_that_is_killed_while_it_starts_starts_the_next_time(own_server, board):
    task = board.create()
    own_server.kill()
    for _ in range(10):
        own_server.launch()
        own_server.kill()
    own_server.start()
    assert own_server.client().task(task["id"]) == task

"""`taskboard work`: leases, cancelling, lost claims, and the signals that end it."""

import signal

import pytest
from harness import eventually

WAITS = "echo start >>starts; until [ -e go ]; do sleep 0.05; done; echo end >>ends"


def count(cli, name):
    path = cli.folder / name
    return len(path.read_text().splitlines()) if path.exists() else 0


def started(cli, many=1):
    eventually(lambda: count(cli, "starts") >= many, "the command to start")


def test_a_slow_command_keeps_its_lease(cli, board):
    """The smallest lease is 10 seconds: the command takes longer than one, and than the one after the last heartbeat."""
    task = cli.add()
    ran = cli.run("work", "--once", "--lease", "10", "--", "sleep", "13")
    (attempt,) = board.attempts(task)
    assert attempt["outcome"] == "completed", ran


def test_a_cancel_stops_the_command(cli, board):
    task = cli.add()
    worker = cli.work("--max-tasks", "1", "--lease", "10", handler=WAITS)
    started(cli)
    cli.run("cancel", task, "--reason", "no more")
    assert "is cancelled" in worker.ended().err
    assert board.task(task)["outcome"] == "cancelled" and count(cli, "ends") == 0


def test_a_lost_claim_stops_the_command(cli, board):
    task = cli.add()
    worker = cli.work("--once", "--lease", "10", handler=f"trap 'touch told; exit' TERM; {WAITS}")
    started(cli)
    cli.run("cancel", task, "--force")
    assert "was taken away" in worker.ended(code=5).err
    eventually((cli.folder / "told").exists, "SIGTERM to be heard")
    assert board.attempts(task)[0]["outcome"] == "cancelled"


def test_a_lost_claim_is_heard_of_at_the_end_at_the_latest(cli, board):
    task = cli.add()
    worker = cli.work("--once", handler=WAITS)
    started(cli)
    cli.run("cancel", task, "--force")
    (cli.folder / "go").write_text("")
    assert "claim_lost" in worker.ended(code=5).err
    assert board.task(task)["outcome"] == "cancelled"


def test_sigterm_drains(cli, board):
    first = cli.add("first")
    worker = cli.work(handler=WAITS)
    started(cli)
    second = cli.add("second")
    worker.signal().says("no more claims")
    (cli.folder / "go").write_text("")
    worker.ended()
    assert board.task(first)["outcome"] == "success" and board.task(second)["ready"] and count(cli, "starts") == 1


def test_an_idle_worker_ends_at_once(cli, board):
    first = cli.add()
    worker = cli.work("--wait", "60", handler="true")
    eventually(lambda: board.task(first)["status"] == "done", "the first task to be done")
    worker.says(f"completed {first}").signal(signal.SIGINT).ended(seconds=4)
    task = cli.add()
    assert board.task(task)["ready"] and board.attempts(task) == []


def test_a_task_that_is_handed_out_just_then_is_given_back(cli, board):
    """The worker sleeps while its claim gets a task, and wakes up to SIGTERM."""
    first = cli.add()
    worker = cli.work("--wait", "60", "--lease", "5m", handler="true")
    worker.says(f"completed {first}")
    probe = cli.add()
    worker.says(f"completed {probe}")
    for _ in range(20):
        worker.signal(signal.SIGSTOP)
        second = cli.add()
        if board.task(second)["status"] == "in_progress":
            break
        worker.signal(signal.SIGCONT).says(f"completed {second}")  # its claim had not arrived yet
    assert board.task(second)["status"] == "in_progress"
    worker.signal().signal(signal.SIGCONT)
    assert f"released {second}" in worker.ended(seconds=20).err
    shown = board.task(second)
    assert shown["ready"] and shown["attempts"] == 0 and board.attempts(second)[0]["outcome"] == "released"


def test_a_second_signal_gives_the_tasks_back(cli, board):
    tasks = [cli.add(), cli.add()]
    worker = cli.work("--concurrency", "2", handler=WAITS)
    started(cli, 2)
    worker.signal().says("no more claims").signal().ended(code=7)
    for task in tasks:
        shown = board.task(task)
        assert shown["ready"] and shown["attempts"] == 0 and board.attempts(task)[0]["outcome"] == "released"
    assert count(cli, "ends") == 0


@pytest.mark.parametrize("handler", ["echo $$ >pid; exec sleep 600", "sleep 600 & echo $! >pid; wait"], ids=["itself", "what it has started"])
def test_a_command_dies_with_its_worker(cli, board, handler):
    cli.add()
    worker = cli.work(handler=handler)
    eventually(lambda: (cli.folder / "pid").exists() and (cli.folder / "pid").read_text().strip(), "the command to start")
    pid = int((cli.folder / "pid").read_text())
    worker.process.kill()
    worker.process.wait()
    eventually(lambda: not is_alive(pid), "the command to be gone")


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_drain_while_the_server_is_away_waits_for_the_answer(server, cli, board):
    task = cli.add()
    worker = cli.work(handler=WAITS)
    started(cli)
    server.leave()
    server.asked_port = server.port
    server.kill()
    worker.signal()
    (cli.folder / "go").write_text("")
    worker.says("does not answer")
    server.start()
    worker.ended()
    assert board.task(task)["outcome"] == "success"

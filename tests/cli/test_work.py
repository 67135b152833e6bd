"""`taskboard work`: what a command sees, what its end makes of a task."""

import json
import os

import pytest
from harness import TOKEN, eventually

FAST = ("--wait", "0", "--until-empty")


def test_bin_true_completes(cli, board):
    task = cli.add()
    ran = cli.run("work", "--once", "--", "/bin/true")
    assert f"completed {task}" in ran.err and ran.out == ""
    shown = board.task(task)
    assert shown["outcome"] == "success" and "result" not in shown and shown["attempts"] == 1


def test_nothing_ready(cli):
    cli.run("work", "--once", "--wait", "0", "--", "true", code=3)
    cli.run("work", *FAST, "--", "true")


def test_only_tasks_of_its_tags(cli, board):
    a, b, c = cli.add("a", "--tag", "x", "--tag", "y"), cli.add("b", "--tag", "x"), cli.add("c", "--tag", "z")
    cli.run("work", *FAST, "--tag", "x", "--tag", "y", "--", "true")
    assert [board.task(task)["status"] for task in (a, b, c)] == ["done", "open", "open"]
    cli.run("work", *FAST, "--any-tag", "x", "--any-tag", "z", "--", "true")
    assert [board.task(task)["status"] for task in (a, b, c)] == ["done", "done", "done"]


def test_a_lease_that_has_just_begun_is_told_as_it_was_asked_for(cli):
    cli.add()
    assert "the lease ends in 5m;" in cli.run("claim", "--lease", "5m").out


@pytest.mark.parametrize("concurrency", [1, 2, 4])
def test_until_empty_does_what_its_own_tasks_make_ready(cli, board, concurrency):
    tasks = [cli.add("first", "--tag", "chain")]
    for _ in range(2):
        tasks.append(cli.add("next", "--tag", "chain", "--depends-on", tasks[-1]))
    cli.run("work", *FAST, "--tag", "chain", "--concurrency", concurrency, "--", "sleep", "0.2")
    assert [board.task(task)["status"] for task in tasks] == ["done"] * 3


@pytest.mark.parametrize("output,result", [
    ('{"a": [1, 2]}\n', {"a": [1, 2]}), ("42", 42), ('"x"', "x"), ("hello\n", {"output": "hello"}),
    ("two\nlines\n", {"output": "two\nlines"}), ("\x1b[1m \\ \"", {"output": "\x1b[1m \\ \""}), ("[1,", {"output": "[1,"}),
    ("[" * 16 + "]" * 16, {"output": "[" * 16 + "]" * 16}), ("[" * 15 + "]" * 15, json.loads("[" * 15 + "]" * 15)),
])
def test_standard_output_is_the_result(cli, board, output, result):
    task = cli.add()
    (cli.folder / "output").write_text(output)
    cli.run("work", "--once", "--", "cat", "output")
    assert board.task(task)["result"] == result


@pytest.mark.parametrize("byte", ["x", "\x01", "é"])
def test_too_much_output_is_cut(cli, board, byte):
    task = cli.add()
    (cli.folder / "output").write_text(byte * 400_000)
    cli.run("work", "--once", "--", "cat", "output")
    result = board.task(task)["result"]
    assert result["truncated"] is True and len(result["output"]) > 30_000 and set(result["output"]) <= {byte, "\ufffd"}


def test_what_the_command_sees(cli, board):
    task = cli.add("the \"title\"", "--payload", '{"n": 1}', "--tag", "t")
    handler = 'cat >stdin; env >env; cat "$TASK_CLAIM_FILE" >claim; cat /proc/self/cmdline >cmdline; ls -l /proc/self/fd >fds'
    cli.run("work", "--once", "--", "sh", "-c", handler)
    given = json.loads((cli.folder / "stdin").read_text())
    token = (cli.folder / "claim").read_text().strip()
    assert given["id"] == task and given["payload"] == {"n": 1} and given["claim"]["generation"] == 1
    assert "token" not in given["claim"] and len(token) > 20
    env = (cli.folder / "env").read_text()
    for line in (f"TASK_ID={task}", 'TASK_TITLE=the "title"', 'TASK_PAYLOAD={"n":1}', 'TASK_TAGS=["t"]', "TASK_ATTEMPT=1",
                 "TASK_GENERATION=1", "TASK_CONTROL_FD=3", "TASK_CREATED_BY=me", "TASKBOARD_AGENT=me"):
        assert line in env.splitlines()
    assert token not in env and token not in (cli.folder / "cmdline").read_text()
    (running,) = board.attempts(task)
    assert running["outcome"] == "completed"


def test_nothing_of_the_worker_is_inherited(cli):
    cli.add()
    cli.run("work", "--once", "--", "sh", "-c", "ls /proc/self/fd >fds; cat /proc/self/status >status")
    opened = set((cli.folder / "fds").read_text().split())
    assert opened <= {"0", "1", "2", "3", "4", "5"}  # ls itself opens the folder
    status = dict(line.split(":\t", 1) for line in (cli.folder / "status").read_text().splitlines() if ":\t" in line)
    assert int(status["SigBlk"], 16) == 0 and int(status["SigIgn"], 16) & 1 << 12 == 0  # SIGPIPE


def test_a_command_may_use_its_claim(cli, board):
    task = cli.add()
    ran = cli.run("work", "--once", "--", "sh", "-c",
                  'taskboard note "$TASK_ID" found --type finding && taskboard done "$TASK_ID" --result 7 && echo ignored')
    shown = board.task(task)
    assert shown["result"] == 7 and shown["notes"][0]["author"] == "me", ran


@pytest.mark.parametrize("exit_code,check", [
    (1, lambda task: task["status"] == "open" and "notBefore" in task),
    (65, lambda task: task["blockedReason"]["kind"] == "dead_letter"),
    (75, lambda task: task["status"] == "open" and "notBefore" in task),
    (127, lambda task: task["status"] == "open"),
])
def test_a_failing_script(cli, board, exit_code, check):
    task = cli.add()
    ran = cli.run("work", "--once", "--delay", "1h", "--", "sh", "-c", f"echo out; echo oops >&2; exit {exit_code}", code=1)
    assert check(board.task(task)) and "oops" in ran.err
    assert board.attempts(task)[0]["error"] == f"exit code {exit_code}: oops"


def test_the_end_of_standard_error_is_the_error(cli, board):
    task = cli.add()
    cli.run("work", "--once", "--quiet", "--", "sh", "-c", 'seq 100000 >&2; printf "last \\377 words" >&2; exit 9', code=1)
    error = board.attempts(task)[0]["error"]
    assert error.startswith("exit code 9: 99") and error.endswith("100000\nlast \ufffd words") and len(error) < 5000


def test_a_command_may_print_what_is_no_text(cli, board):
    """NUL among it, of which a board takes none: neither its result nor its failure may be lost for that."""
    good, bad = cli.add("good", "--tag", "good"), cli.add("bad", "--tag", "bad")
    told = "echo 'progress 1 \\0\\0' | tr 0 '\\000' >&3; echo 'summary a\\0' | tr 0 '\\000' >&3; printf 'a\\000b\\377c\\000'"
    cli.run("work", "--tag", "good", "--once", "--", "sh", "-c", told)
    assert board.task(good)["result"] == {"output": "a\ufffdb\ufffdc\ufffd"}
    cli.run("work", "--tag", "bad", "--once", "--", "sh", "-c", "printf 'a\\000b' >&2; exit 65", code=1)
    assert board.task(bad)["blockedReason"]["kind"] == "dead_letter"
    assert board.attempts(bad)[0]["error"] == "exit code 65: a\ufffdb"


def test_one_that_is_killed(cli, board):
    task = cli.add()
    cli.run("work", "--once", "--", "sh", "-c", "kill -KILL $$", code=1)
    assert board.attempts(task)[0]["error"] == "killed by signal 9 (KILL)"


def test_one_that_takes_too_long(cli, board):
    task = cli.add()
    cli.run("work", "--once", "--timeout", "1", "--", "sleep", "600", code=1)
    assert board.attempts(task)[0]["error"] == "stopped after 1 s, its time"


def test_one_that_does_not_heed_sigterm_is_killed_after_a_grace(cli, board):
    task = cli.add()
    cli.run("work", "--once", "--timeout", "1", "--grace", "1", "--", "sh", "-c", 'trap "echo heard >&2" TERM; while :; do sleep 0.1; done',
            code=1)
    assert "heard" in board.attempts(task)[0]["error"]


def test_what_a_command_leaves_behind_ends_with_it(cli):
    cli.add()
    cli.run("work", "--once", "--", "sh", "-c", "sleep 600 & echo $! >pid")
    pid = int((cli.folder / "pid").read_text())
    eventually(lambda: not is_alive(pid), "the process to be gone")


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_lines_on_descriptor_3(cli, board):
    task = cli.add()
    lines = ("progress 40 compiling", "artifact branch https://git.example/x the branch", "artifact url u l", "summary all is well",
             "review", 'result {"x": 1}')
    (cli.folder / "lines").write_text("\n".join(lines))
    cli.run("work", "--once", "--", "sh", "-c", "cat lines >&3; echo not this")
    shown = board.task(task)
    assert shown["status"] == "in_review" and shown["result"] == {"x": 1}
    assert [(a["type"], a["url"], a["label"]) for a in shown["artifacts"]] == [
        ("branch", "https://git.example/x", "the branch"), ("url", "u", "l")]
    assert shown["notes"][0]["content"] == "all is well"


@pytest.mark.parametrize("line", ["progress", "progress 101", "progress x", "artifact poem u l", "artifact url u", "result {", "result",
                                  "delay -1", "delay x", "summary", "nonsense", "too long"])
def test_wrong_lines_are_said_and_ignored(cli, board, line):
    task = cli.add()
    line = "x" * 400_000 if line == "too long" else line
    (cli.folder / "lines").write_text(f"{line}\nsummary taken\n")
    ran = cli.run("work", "--once", "--", "sh", "-c", "cat lines >&3")
    assert "this line on descriptor 3 is" in ran.err
    assert board.task(task)["notes"][0]["content"] == "taken"


def test_a_result_that_the_board_refuses_is_a_failure(cli, board):
    task = cli.add()
    (cli.folder / "lines").write_text(f"summary {'x' * 100_000}\n")
    cli.run("work", "--once", "--", "sh", "-c", "cat lines >&3", code=1)
    (attempt,) = board.attempts(task)
    assert attempt["outcome"] == "failed" and "the board refused the result: summary" in attempt["error"]


def test_a_delay_that_the_command_asks_for(cli, board):
    task = cli.add()
    cli.run("work", *FAST, "--", "sh", "-c", "echo delay 0 >&3; exit 1")
    assert board.task(task)["blockedReason"]["kind"] == "dead_letter"  # three attempts, at once
    assert len(board.attempts(task)) == 3


def test_progress_is_seen_while_it_runs(cli, board):
    task = cli.add()
    worker = cli.work("--once", handler='echo "progress 30 half way" >&3; until [ -e go ]; do sleep 0.05; done')
    eventually(lambda: board.task(task).get("progress", {}).get("percent") == 30, "the progress")
    assert "30%" in cli.run("ls").out and "half way" in cli.run("show", task).out
    (cli.folder / "go").write_text("")
    worker.ended()


def test_json_tells_each_task_that_ended(cli):
    ids = {cli.add(), cli.add()}
    ran = cli.run("work", *FAST, "--json", "--", "true")
    assert {task["id"] for task in ran.lines} == ids


def test_concurrency(cli, board):
    for _ in range(5):
        cli.add()
    worker = cli.work(*FAST, "--concurrency", "3", handler="touch run.$TASK_ID; until [ -e go ]; do sleep 0.05; done")
    eventually(lambda: len(list(cli.folder.glob("run.*"))) == 3, "three at a time")
    assert board.summary()["claimed"] == 3
    (cli.folder / "go").write_text("")
    worker.ended()
    assert board.summary()["byStatus"]["done"] == 5


def test_max_tasks(cli, board):
    for _ in range(5):
        cli.add()
    cli.run("work", "--max-tasks", "3", "--concurrency", "2", "--", "true")
    assert board.summary()["byStatus"]["done"] == 3


def test_with_a_vm(cli, board):
    task = cli.add()
    worker = cli.work("--once", "--vm", "vm 1", handler="until [ -e go ]; do sleep 0.05; done")
    eventually(lambda: board.task(task).get("claim"), "the claim")
    assert board.task(task)["claim"]["vmId"] == "vm 1"
    vm = board.get("/registry/vms/vm%201").json
    assert vm["claims"] == 1 and vm["registeredBy"] == "me" and vm["role"] == "worker"
    (cli.folder / "go").write_text("")
    worker.ended()
    cli.add()
    assert board.request("PATCH", "/registry/vms/vm%201", {"status": "stopped"}).status == 200
    cli.run("work", "--once", "--vm", "vm 1", "--", "true")  # registered before, and runs again


def test_a_token_that_is_not_taken_ends_it(cli):
    assert "invalid token" in cli.run("work", "--", "true", env={"TASKBOARD_TOKEN": "wrong"}, code=6).err
    cli.run("work", "--vm", "v", "--", "true", env={"TASKBOARD_TOKEN": "wrong"}, code=6)


def test_a_board_that_is_not_there(cli):
    cli.run("work", "--once", "--retry", "1", "--url", "http://127.0.0.1:1", "--", "true", code=4)


def test_the_token_is_on_no_command_line(cli):
    cli.add()
    cli.run("work", "--once", "--", "sh", "-c", 'tr "\\0" " " </proc/$PPID/cmdline >parent; tr "\\0" " " </proc/self/cmdline >self')
    for name in ("parent", "self"):
        assert TOKEN not in (cli.folder / name).read_text()
    assert os.path.getsize(cli.folder / "parent") > 0

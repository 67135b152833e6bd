"""Each command, its --json, what it refuses and how it ends."""

import fcntl
import json
import os
import re
import stat
import subprocess

import pytest
from harness import Server, TOKEN


# --- create ---

def test_add_takes_everything_that_a_task_may_have(cli, board):
    first = cli.add("first")
    (cli.folder / "text").write_text("what is to be done\n")
    task = cli.json("add", "second", "--description-file", "text", "--tag", "a", "--tag", "b", "--depends-on", first,
                    "--priority", "-5", "--payload", '{"n":[1,2]}', "--assignee", "me", "--unique-key", "k", "--parent", first,
                    "--delay", "1h", "--max-attempts", "0")
    shown = board.task(task["id"])
    assert shown["description"] == "what is to be done" and shown["tags"] == ["a", "b"] and shown["dependencies"] == [first]
    assert shown["priority"] == -5 and shown["payload"] == {"n": [1, 2]} and shown["assignee"] == "me"
    assert shown["uniqueKey"] == "k" and shown["parentId"] == first and shown["maxAttempts"] == 0
    assert shown["createdBy"] == "me" and "notBefore" in shown


def test_a_word_behind_two_hyphens_is_no_option(cli, board):
    task = cli.run("add", "--quiet", "--", "--tag").out.strip()
    assert board.task(task)["title"] == "--tag"
    cli.run("note", task, "--", "- one\n- two")
    assert board.task(task)["notes"][0]["content"] == "- one\n- two"


def test_add_says_what_it_has_added(cli, board):
    ran = cli.run("add", "said \"so\"\n")
    assert ran.out.startswith("added ") and "ready" in ran.out
    assert board.list()[0]["title"] == 'said "so"'
    assert cli.run("add", "--agent", "somebody", "third", "--quiet").out.strip() in board.ids("createdBy=somebody")


def test_a_plan_is_added_as_a_whole_or_not_at_all(cli, board):
    plan = [{"ref": "a", "title": "A", "createdBy": "planner"}, {"ref": "b", "title": "B", "dependencies": ["#a"]}]
    (cli.folder / "plan.json").write_text(json.dumps(plan))
    added = cli.json("plan", "plan.json")
    assert added["count"] == 2 and added["tasks"][1]["dependencies"] == [added["tasks"][0]["id"]]
    assert [task["createdBy"] for task in added["tasks"]] == ["planner", "me"]
    ran = cli.run("plan", "-", input=json.dumps({"tasks": plan}))
    assert "waiting" in ran.out and "ready" in ran.out
    assert len(cli.run("plan", "-", "--quiet", input='[{"title":"x"},{"title":"y"}]').out.split()) == 2
    before = board.ids()
    ran = cli.run("plan", "-", input='[{"title":"x"},{"title":"y","dependencies":["#nobody"]}]', code=1)
    assert "unknown_ref" in ran.err and board.ids() == before


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '"x"', '{"tasks":{}}'])
def test_what_is_no_plan_never_leaves(cli, board, text):
    assert "is no plan" in cli.run("plan", "-", input=text, code=2).err
    assert board.ids() == []


# --- read ---

def test_ls_filters(cli):
    a, b = cli.add("apples", "--tag", "fruit"), cli.add("bread", "--tag", "food", "--depends-on", "nobody")
    assert cli.run("ls", "--quiet").out.split() == [b, a]
    assert cli.run("ls", "--quiet", "--ready").out.split() == [a]
    assert cli.run("ls", "--quiet", "--tag", "food").out.split() == [b]
    assert cli.run("ls", "--quiet", "--search", "APPLES").out.split() == [a]
    assert cli.run("ls", "--quiet", "--status", "done").out == ""
    assert cli.run("ls", "--quiet", "--created-by", "me", "--order", "rank", "--limit", "1").out.split() == [a]
    assert cli.json("ls")["count"] == 2 and "description" not in cli.json("ls")["tasks"][0]
    assert "notes" in cli.json("ls", "--full")["tasks"][0]
    page = cli.run("ls", "--quiet", "--limit", "1")
    assert page.out.split() == [b]
    cursor = page.err.split("--cursor ")[1].strip()
    assert cli.run("ls", "--quiet", "--cursor", cursor).out.split() == [a]


def test_ls_is_a_table(cli):
    task = cli.add("apples", "--tag", "fruit", "--priority", "7")
    head, row = cli.run("ls").out.splitlines()
    assert head.split() == ["ID", "STATE", "PROGRESS", "PRIO", "TITLE", "TAGS", "ASSIGNEE", "CHANGED"]
    assert row.split()[:5] == [task, "ready", "7", "apples", "fruit"]
    assert cli.run("ls", "--status", "done").out == ""


def test_show_tells_all_of_a_task(cli):
    task = cli.add("apples", "--description", "red ones", "--payload", "[1]")
    cli.run("note", task, "a finding", "--type", "finding")
    shown = cli.run("show", task).out
    for words in ("apples", "red ones", "[1]", "a finding", "finding by me", "ready"):
        assert words in shown
    assert cli.json("show", task)["id"] == task
    assert cli.json("show", task, "--history")["count"] == 2 and "task.noted" in cli.run("show", task, "--history").out
    assert cli.json("show", task, "--attempts") == {"attempts": [], "count": 0}
    ran = cli.run("show", "nothing", code=3)
    assert "task not found (task_not_found, request " in ran.err and ran.out == ""


def test_an_error_with_json_is_the_servers(cli):
    ran = cli.run("show", "nothing", "--json", code=3)
    assert ran.out == "" and json.loads(ran.err)["code"] == "task_not_found"


def test_why_says_why(cli):
    first = cli.add("first")
    second = cli.add("second", "--depends-on", first)
    cli.run("pause", "--reason", "lunch")
    assert f"it waits for {first}" in cli.run("why", second).out and "the board is paused" in cli.run("why", second).out
    cli.run("resume")
    assert "it can be claimed; place 1" in cli.run("why", first, "--for", "me").out
    assert cli.json("why", second)["reasons"][0]["code"] == "dependencies"
    assert "no such VM" in cli.run("why", first, "--vm", "nowhere").out


def test_summary_counts(cli):
    cli.add("first", "--tag", "t")
    cli.run("pause", "--tag", "x")
    shown = cli.run("summary").out
    assert "ready                1" in shown and "paused: tag x" in shown and "created" in shown
    assert cli.json("summary")["ready"] == 1


def test_health_needs_no_token(cli):
    assert re.fullmatch(r"up for \d+ seconds\n", cli.run("health").out)
    assert cli.json("health")["status"] == "ok" and cli.run("health", "--quiet").out == ""
    assert "up for" in cli.run("health", env={"TASKBOARD_TOKEN": None}).out
    assert "up for" in cli.run("health", env={"TASKBOARD_TOKEN": None, "TASKBOARD_TOKEN_FILE": "not/made/yet"}).out
    assert cli.run("health", "--url", "http://127.0.0.1:1", "--retry", "0", code=4).out == ""


# --- steer ---

def test_note_takes_standard_input(cli, board):
    task = cli.add()
    assert cli.json("note", task, input="line 1\nline 2")["content"] == "line 1\nline 2"
    assert board.task(task)["notes"][0]["author"] == "me"
    assert "invalid note type" in cli.run("note", task, "x", "--type", "poem", code=1).err


def test_cancel_and_retry(cli, board):
    task = cli.add()
    assert "cancelled" in cli.run("cancel", task, "--reason", "no more").out
    assert board.task(task)["outcome"] == "cancelled"
    assert "already_done" in cli.run("cancel", task, code=1).err
    assert "ready" in cli.run("retry", task).out
    assert "not_retryable" in cli.run("retry", task, code=1).err
    cli.run("cancel", task)
    assert cli.json("retry", "--all", "--outcome", "cancelled") == {"count": 1, "more": False}
    assert cli.run("retry", "--all").out == "retried 0\n"
    cli.run("retry", code=2)
    cli.run("retry", task, "--tag", "x", code=2)


def test_pause_and_resume(cli, board):
    assert cli.run("pause", "--tag", "t", "--reason", "r").out == "paused: tag t\n"
    assert board.summary()["paused"][0]["by"] == "me"
    assert cli.json("pause")["paused"][1].keys() == {"since", "by"}
    cli.run("resume")
    assert cli.run("resume", "--tag", "t").out == "nothing is paused\n"


def test_fleet_lists_the_vms(cli, board):
    vm = {"id": "vm-1", "name": "one", "role": "worker", "address": "10.0.0.1", "registeredBy": "me"}
    assert board.post("/registry/vms", vm).status == 201
    head, row = cli.run("fleet").out.splitlines()
    assert row.split()[:5] == ["vm-1", "worker", "running", "0", "10.0.0.1"]
    assert cli.run("fleet", "--role", "infra").out == ""
    assert cli.run("fleet", "--quiet", "--status", "running").out == "vm-1\n"
    assert cli.json("fleet")["count"] == 1


# --- hold ---

def test_claim_keeps_the_token_for_its_owner_only(cli, board):
    task = cli.add("first", "--tag", "t")
    ran = cli.run("claim", "--tag", "t", "--lease", "1m")
    kept = cli.folder / ".local/state/taskboard/claims" / task
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600 and kept.read_text().strip() not in ran.out
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert "the lease ends" in cli.run("heartbeat", task, "--percent", "40", "--message", "so far").out
    assert board.task(task)["progress"]["percent"] == 40
    assert cli.json("heartbeat", task)["cancelRequested"] is False
    assert "done" in cli.run("done", task, "--result", '{"x":1}', "--summary", "well").out
    shown = board.task(task)
    assert shown["result"] == {"x": 1} and shown["notes"][0]["content"] == "well"
    assert not kept.exists()


def test_claim_ends_with_3_when_nothing_is_ready(cli):
    assert "nothing is ready" in cli.run("claim", code=3).err
    assert cli.json("claim", code=3)["count"] == 0
    cli.run("claim", "--wait", "1", code=3)


def test_claim_of_one_task_and_its_other_ends(cli, board):
    task = cli.add()
    assert cli.json("claim", task)["claim"]["token"]
    assert "already_claimed" in cli.run("claim", task, code=1).err
    assert "ready" in cli.run("release", task, "--reason", "not mine").out
    cli.run("claim", task)
    cli.run("fail", task, "broken", "--delay", "0")
    assert board.attempts(task)[-1]["error"] == "broken"
    cli.run("claim", task)
    cli.run("fail", task, "for good", "--final")
    assert board.task(task)["blockedReason"]["kind"] == "dead_letter"


def test_a_claim_whose_token_cannot_be_kept_is_not_made(cli, board):
    task = cli.add()
    assert "HOME is not set" in cli.run("claim", env={"HOME": None}, code=2).err
    (cli.folder / "file").write_text("")
    assert "cannot write to" in cli.run("claim", env={"XDG_STATE_HOME": str(cli.folder / "file")}, code=2).err
    assert board.task(task)["ready"] and board.attempts(task) == []


def test_a_lost_claim_ends_with_5(cli, board):
    task = cli.add()
    cli.run("claim", task)
    assert board.act(task, "cancel", {"force": True}).status == 200
    ran = cli.run("done", task, code=5)
    assert "claim_lost" in ran.err
    assert "no claim of" in cli.run("heartbeat", task, code=2).err  # it is forgotten


def test_without_a_claim(cli, board, other):
    task = cli.add()
    cli.run("done", task)
    assert board.task(task)["outcome"] == "success"
    for words in (("fail", task, "x"), ("release", task), ("heartbeat", task), ("done", task, "--result", "1")):
        assert "no claim of" in cli.run(*words, code=2).err
    task = cli.add()
    cli.run("claim", task)
    assert "already_claimed" in other.run("done", task, code=1).err


# --- settings ---

def test_a_url_must_name_a_host(cli):
    for url in ("http://", "https://", "http:///board"):
        assert "names no host" in cli.run("ls", "--url", url, code=2).err


def test_the_token_comes_from_the_environment_or_a_file(cli):
    (cli.folder / "token").write_text(TOKEN + "\n")
    (cli.folder / "wrong").write_text("wrong\n")
    none = {"TASKBOARD_TOKEN": None}
    cli.run("ls", env={**none, "VERS_AUTH_TOKEN": TOKEN})
    cli.run("ls", env={**none, "TASKBOARD_TOKEN_FILE": "token"})
    cli.run("ls", "--token-file", "token", env=none)
    assert "name the file with your token" in cli.run("ls", env=none, code=6).err
    assert "invalid token" in cli.run("ls", "--token-file", "wrong", code=6).err  # a flag goes before the environment
    assert "cannot read" in cli.run("ls", "--token-file", "nowhere", code=2).err
    for text in ("", "two words\n", "a\nb\n"):
        (cli.folder / "bad").write_text(text)
        assert "does not hold one token" in cli.run("ls", "--token-file", "bad", code=2).err


def test_no_answer_ends_with_4(cli):
    ran = cli.run("ls", "--url", "http://127.0.0.1:1", "--retry", "0", code=4)
    assert "cannot reach the board at http://127.0.0.1:1" in ran.err
    cli.run("ls", env={"TASKBOARD_URL": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:2"}, code=4)


def test_a_board_that_is_no_board(cli, tmp_path):
    cli.run("ls", "--url", f"http://127.0.0.1:{cli.port}/elsewhere", code=1)


@pytest.mark.parametrize("words", [
    (), ("lss",), ("ls", "x"), ("ls", "--statsu", "x"), ("ls", "--limit", "0"), ("ls", "--limit", "many"), ("ls", "--limit"),
    ("ls", "--ready=yes"), ("ls", "-l"), ("add",), ("add", "a", "b"), ("add", "a", "--payload", "{"), ("ls", "--url", "ftp://x"),
    ("ls", "--url", "http://user@x"), ("ls", "--color", "red"), ("ls", "--", "x"), ("work", "true"), ("work", "--"),
    ("work", "--", "no-such-command"), ("work", "--lease", "5", "--", "true"), ("help", "nobody"), ("plan", "nowhere.json"),
    ("show", "x", "--attempts", "--history"), ("claim", "x", "--tag", "y"), ("token", "make"), ("token", "create", "x"),
    ("token", "list", "--role", "viewer"), ("add", "x", "--payload", "1", "--payload-file", "y"),
])
def test_wrong_usage_ends_with_2_and_says_why(cli, words):
    ran = cli.run(*words, code=2)
    assert ran.err.startswith("taskboard: ") and ran.out == ""


def test_help_and_version(cli):
    overview = cli.run("help").out
    assert cli.run("--help").out == overview and cli.run("help", "--help").out == overview
    for command in ("add", "work", "version"):
        assert f"\n  {command} " in overview
        assert cli.run("help", command).out == cli.run(command, "--help").out
    assert "--url" in cli.run("help", "ls").out
    version = cli.json("version")
    assert cli.run("version").out == f"taskboard {version['version']}\n" == cli.run("--version").out
    cli.run("help", env={"TASKBOARD_TOKEN": "not a token"})


def test_output_that_cannot_be_written_is_no_success(cli):
    cli.add("x")
    ran = cli.start("ls", env={})
    ran.ended()
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        from conftest import program
        ran = subprocess.run([program(), "ls"], stdout=full, stderr=subprocess.PIPE, env=cli.env, timeout=60, check=False)
    finally:
        os.close(full)
    assert ran.returncode == 2 and b"cannot write the output" in ran.stderr


# --- administration ---

def test_tokens_are_made_listed_and_revoked(cli):
    ran = cli.run("token", "create", "ci", "--role", "worker", "--for", "robot", "--expires", "1h")
    secret = ran.out.strip()
    assert secret.startswith("tb_") and "shown this once" in ran.err
    cli.run("ls", env={"TASKBOARD_TOKEN": secret})
    made = cli.run("token", "create", "file", "--role", "viewer", "--out", "secret").out.strip()
    assert stat.S_IMODE((cli.folder / "secret").stat().st_mode) == 0o600
    cli.run("ls", "--token-file", "secret")
    listed = {token["name"]: token for token in cli.json("token", "list")["tokens"]}
    assert listed["ci"]["agent"] == "robot" and listed["file"]["id"] == made
    assert "robot" in cli.run("token", "list").out and secret not in cli.run("token", "list").out
    lost = cli.run("token", "create", "lost", "--role", "viewer", "--out", "nowhere/secret", code=2).err
    assert "cannot write nowhere/secret" in lost and lost.endswith(f"token revoke {cli.json('token', 'list')['tokens'][-1]['id']}\n")
    assert cli.run("token", "revoke", made).out == "revoked\n"
    cli.run("ls", "--token-file", "secret", code=6)
    cli.run("token", "revoke", made, code=3)
    cli.run("token", "list", env={"TASKBOARD_TOKEN": secret}, code=6)
    cli.run("backup", "copy", env={"TASKBOARD_TOKEN": secret}, code=6)
    assert not list(cli.folder.glob("copy*"))


def test_a_backup_is_whole_or_not_there(cli):
    cli.add("in the backup")
    cli.run("backup", "copy")
    assert not (cli.folder / "copy.partial").exists()
    server = Server()
    done = subprocess.run([*server.command(), "--restore", cli.folder / "copy"], capture_output=True, text=True, env=server.env, timeout=60, check=False)
    assert done.returncode == 0, done
    with server as restored:
        assert "in the backup" in {task["title"] for task in restored.client().get("/board/tasks", check=False).json["tasks"]}
    assert "is there already" in cli.run("backup", "copy", code=2).err
    cli.run("backup", "copy", "--force")


def test_two_backups_do_not_write_to_one_file(cli):
    with open(cli.folder / "copy.partial", "w+b") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        other.write(b"the other one's")
        other.flush()
        assert "another backup" in cli.run("backup", "copy", code=2).err
        assert (cli.folder / "copy.partial").read_bytes() == b"the other one's"
    cli.run("backup", "copy")  # what is left of one that was killed is in nobody's way
    assert not (cli.folder / "copy.partial").exists()


def test_a_backup_that_nobody_answers_leaves_nothing(cli):
    cli.run("backup", "copy", "--url", "http://127.0.0.1:1", code=4)
    assert list(cli.folder.glob("copy*")) == []
    (cli.folder / "copy").write_text("old")
    cli.run("backup", "copy", code=2)
    assert (cli.folder / "copy").read_text() == "old"

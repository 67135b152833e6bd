"""Settings: where they come from, which goes first, and one sentence for every wrong one."""

import os
import signal
import socket
import subprocess

import pytest
from harness import Server, eventually
from harness.server import clean_environment, has_ipv6, program

NO_TOKEN = {"VERS_AUTH_TOKEN": None}


def refuses(server, *words):
    """The server ends at once, by itself, with one sentence that holds each of the words."""
    code, log = server.refusal()
    server.close()
    assert 0 < code < 126, f"exit code {code}:\n{log}"
    lines = [line for line in log.splitlines() if line.strip()]
    assert len(lines) == 1, log
    for word in words:
        assert str(word).lower() in log.lower(), f"{word!r} is not in {log!r}"
    return log


WRONG_FLAGS = [
    (["--nonsense"], ["--nonsense"]),
    (["--prot", "1"], ["--prot", "--port"]),
    (["stray"], ["stray"]),
    (["--port"], ["--port"]),
    (["--port", "abc"], ["port", "abc"]),
    (["--port", "65536"], ["port", "65536"]),
    (["--port", "-1"], ["port"]),
    (["--port", ""], ["port"]),
    (["--host", "not a host"], ["host"]),
    (["--host", "203.0.113.77"], ["203.0.113.77"]),
    (["--threads", "0"], ["threads"]),
    (["--threads", "x"], ["threads", "x"]),
    (["--max-connections", "0"], ["max-connections"]),
    (["--max-connections", "1e9"], ["max-connections"]),
    (["--connections-per-address", "-1"], ["connections-per-address"]),
    (["--aging-seconds", "-5"], ["aging-seconds"]),
    (["--default-max-attempts", "1001"], ["default-max-attempts"]),
    (["--retain-events", "-1"], ["retain-events"]),
    (["--retain-days", "36501"], ["retain-days"]),
    (["--drain-seconds", "soon"], ["drain-seconds", "soon"]),
    (["--log-level", "loud"], ["log-level", "loud"]),
    (["--log-format", "xml"], ["log-format", "xml"]),
    (["--config", "/nowhere/taskboard.conf"], ["/nowhere/taskboard.conf"]),
    (["--token-file", "/nowhere/token"], ["/nowhere/token"]),
    (["--map-size", "big"], ["map-size", "big"]),
    (["--no-auth=maybe"], ["no-auth"]),
]


@pytest.mark.parametrize("flags, words", WRONG_FLAGS, ids=[" ".join(row[0]) for row in WRONG_FLAGS])
def test_a_wrong_flag_is_refused_in_one_sentence(flags, words):
    env = NO_TOKEN if flags[0] == "--token-file" else {}
    refuses(Server(*flags, env=env), *words)


WRONG_VARIABLES = [
    ({"PORT": "abc"}, ["PORT", "abc"]),
    ({"TASKBOARD_THREADS": "many"}, ["many"]),
    ({"TASKBOARD_LOG_LEVEL": "loud"}, ["loud"]),
    ({"VERS_AUTH_TOKEN": ""}, ["VERS_AUTH_TOKEN", "empty"]),
    ({"VERS_AUTH_TOKEN": None, "TASKBOARD_TOKEN": ""}, ["TASKBOARD_TOKEN", "empty"]),
    ({"VERS_AUTH_TOKEN": "one", "TASKBOARD_TOKEN": "two"}, ["VERS_AUTH_TOKEN", "TASKBOARD_TOKEN"]),
]


@pytest.mark.parametrize("variables, words", WRONG_VARIABLES, ids=["+".join(row[0]) + f"-{n}" for n, row in
                                                                  enumerate(WRONG_VARIABLES)])
def test_a_wrong_variable_is_refused_in_one_sentence(variables, words):
    refuses(Server(env=variables, port=None if "PORT" in variables else 0), *words)


@pytest.mark.parametrize("content", ["", "\n \n", "two words", "one\ntwo\n"])
def test_a_token_file_without_exactly_one_token_is_refused(tmp_path, content):
    path = tmp_path / "token"
    path.write_text(content)
    path.chmod(0o600)
    refuses(Server("--token-file", path, env=NO_TOKEN), path)


def test_a_port_that_is_taken_is_refused():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refuses(Server(port=port), port)


def test_a_port_of_a_running_server_is_refused(own_server):
    refuses(Server(port=own_server.port), own_server.port)
    assert own_server.client().get("/board/tasks").status == 200


def test_a_data_folder_in_use_is_refused_and_its_user_goes_on(own_server):
    client = own_server.client()
    task = client.create()
    refuses(Server(data=own_server.data), own_server.data, "use")
    assert client.task(task["id"]) == task and client.create()["version"] == 1


def test_a_data_folder_in_use_is_refused_under_another_name_too(own_server, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(own_server.data)
    refuses(Server(data=link), link, "use")
    assert own_server.client().create()


def test_a_data_folder_that_is_a_file_is_refused(tmp_path):
    path = tmp_path / "file"
    path.write_text("not a folder")
    refuses(Server(data=path), path)
    refuses(Server(data=path / "below"), path)
    assert path.read_text() == "not a folder"


def test_a_data_folder_that_cannot_be_made_is_refused():
    refuses(Server(data="/proc/taskboard"), "/proc/taskboard")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_folder_that_cannot_be_written_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    refuses(Server(data=tmp_path), tmp_path)


def test_a_store_that_is_none_is_refused_and_left_alone(tmp_path):
    own = Server(data=tmp_path / "data").start()
    own.damaged = True
    own.client().create()
    own.stop()
    stores = [path for path in own.data.rglob("*") if path.is_file() and path.stat().st_size > 8192]
    assert stores, "nothing was stored?"
    for path in stores:
        path.write_bytes(b"this is not a store " * 1000)
    refuses(own)


# --- where settings come from ---

def config_file(tmp_path, text):
    path = tmp_path / "taskboard.conf"
    path.write_text(text)
    return path


@pytest.mark.parametrize("variable", ["PORT", "TASKBOARD_PORT"])
def test_the_port_comes_from_the_variable_when_no_flag_names_one(own_server, serve, variable):
    refuses(Server(env={variable: str(own_server.port)}, port=None), own_server.port)
    assert serve(env={variable: str(own_server.port)}, port=0).port != own_server.port


def test_flags_go_before_the_environment_and_that_before_the_file(serve, tmp_path):
    path = config_file(tmp_path, "log-format = json\nlog-level = warn\ndefault-max-attempts = 5\n")
    env = {"TASKBOARD_LOG_FORMAT": "text", "TASKBOARD_DEFAULT_MAX_ATTEMPTS": "7"}
    with_flag = serve("--config", path, "--default-max-attempts", "9", "--log-level", "info", env=env)
    assert with_flag.client().create()["maxAttempts"] == 9
    with_env = serve("--config", path, "--log-level", "info", env=env)
    assert with_env.client().create()["maxAttempts"] == 7
    with_file = serve("--config", path, "--log-level", "info", "--log-format", "text")
    assert with_file.client().create()["maxAttempts"] == 5


@pytest.mark.parametrize("text, words", [
    ("prot = 1\n", ["prot", "1"]), ("\n\nthreads = x\n", ["threads", "3"]), ("port\n", ["1"]),
    ("port = 1\nport = 2\n", ["port"]),
])
def test_a_wrong_line_of_the_file_is_refused_with_its_place(tmp_path, text, words):
    path = config_file(tmp_path, text)
    refuses(Server("--config", path), path.name, *words)


def run(*arguments, env=()):
    env = clean_environment(dict(env))
    return subprocess.run([program(), *arguments], capture_output=True, text=True, timeout=30, env=env)


def test_version_and_help_tell_and_end():
    version, usage = run("--version"), run("--help")
    assert version.returncode == usage.returncode == 0
    assert version.stdout.startswith("taskboard") and len(version.stdout.splitlines()) == 1
    for flag in ("--host", "--port", "--data", "--config", "--token-file", "--no-auth", "--no-auth-anywhere",
                 "--threads", "--max-connections", "--connections-per-address", "--max-body", "--aging-seconds", "--default-max-attempts",
                 "--retain-events", "--retain-days", "--drain-seconds", "--log-level", "--log-format", "--check", "--version", "--help"):
        assert flag in usage.stdout, flag


def test_check_judges_the_settings_without_starting(tmp_path):
    good = run("--check", "--data", str(tmp_path / "data"), "--port", "0")
    assert good.returncode == 0, good
    bad = run("--check", "--data", str(tmp_path / "data"), "--port", "x")
    assert bad.returncode != 0 and "port" in bad.stderr


def test_check_judges_the_token_that_is_given(tmp_path):
    """As a start does, before it makes anything."""
    check = "--check", "--data", str(tmp_path / "data"), "--port", "0"
    absent = run(*check, "--token-file", str(tmp_path / "absent"))
    assert (absent.returncode, absent.stdout) == (2, "") and str(tmp_path / "absent") in absent.stderr
    empty = run(*check, env={"VERS_AUTH_TOKEN": ""})
    assert (empty.returncode, empty.stdout) == (2, "") and "VERS_AUTH_TOKEN" in empty.stderr
    two = run(*check, env={"VERS_AUTH_TOKEN": "one-secret", "TASKBOARD_TOKEN": "another-secret"})
    assert (two.returncode, two.stdout) == (2, "") and "secret" not in two.stderr
    assert run(*check).returncode == 0, "one is made at the start"
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("archive, words", [("absent", "No such file or directory"), ("file", "Not a directory"), ("folder", None)])
def test_check_judges_the_archive_as_one_who_wants_to_know(tmp_path, archive, words):
    """A start only warns: see test_retention.py."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch(mode=0o700)
    checked = run("--check", "--data", str(tmp_path / "data"), "--port", "0", "--archive", str(tmp_path / archive))
    if words is None:
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "the settings are good\n", "")
    else:
        assert (checked.returncode, checked.stdout) == (2, "")
        assert checked.stderr == f"taskboardd: cannot write to the archive {tmp_path / archive}: {words}\n"


def test_max_body_can_be_lowered(serve):
    client = serve("--max-body", "4K").client()
    assert client.create(payload="x" * 3000)
    assert client.post("/board/tasks", {"title": "t", "createdBy": "c", "payload": "x" * 5000}).status == 413


def test_more_connections_than_allowed_are_turned_away_and_come_back(serve):
    server = serve("--max-connections", "8")
    first = [server.client() for _ in range(8)]
    assert all(client.get("/health").status == 200 for client in first)
    with server.raw() as ninth:
        ninth.send("GET /health HTTP/1.1\r\nHost: t\r\n\r\n")
        ninth.socket.settimeout(1)
        try:
            assert b"200 OK" not in ninth.receive()
        except TimeoutError:
            pass
    assert all(client.get("/health").status == 200 for client in first)
    for client in first:
        client.close()
    assert served_again(server)


def served_again(server):
    def probe():
        try:
            return server.client().get("/health", check=False).status == 200
        except (ConnectionError, OSError):
            return False
    return eventually(probe, "a place for a connection")


@pytest.mark.parametrize("flags", [["--threads", "1"], ["--threads", "4"],
                                   ["--log-format", "json", "--log-level", "debug"]])
def test_the_server_works_with_such_settings(serve, flags):
    client = serve(*flags).client()
    assert client.task(client.create()["id"])["version"] == 1


def test_the_log_in_json_is_json(serve):
    import json
    server = serve("--log-format", "json")
    server.client().get("/board/tasks?x=%22%0a")
    server.stop()
    records = [json.loads(line) for line in server.log().splitlines()]
    assert any("/board/tasks" in record.get("path", "") and record["status"] == 200 for record in records)


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_it_listens_on_ipv6_and_ipv4_by_default(serve):
    server = serve(host=None)
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family) as probe:
            probe.settimeout(5)
            probe.connect((address, server.port))
            probe.sendall(b"GET /health HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
            assert probe.recv(65536).startswith(b"HTTP/1.1 200")


def test_sigint_ends_the_server_as_sigterm_does(serve):
    serve().stop(signal.SIGINT)

"""The admin token: who gets in, what the others are told, and that they cannot slow down who has it."""

import re
import stat
import threading
import time
from pathlib import Path

import pytest
from harness import Refusal, TOKEN, changes_nothing, refused
from harness.server import has_ipv6

MISSING = "Unauthorized — missing Authorization header"
INVALID = "Unauthorized — invalid token"

WRONG = [
    (None, MISSING),
    (f"Bearer {TOKEN}x", INVALID),
    (f"Bearer {TOKEN[:-1]}", INVALID),
    (f"Bearer {TOKEN.upper()}", INVALID),
    ("Bearer wrong", INVALID),
    ("Bearer ", INVALID),
    ("Bearer", INVALID),
    (TOKEN, INVALID),
    (f"Basic {TOKEN}", INVALID),
    (f"Bearer{TOKEN}", INVALID),
    (f"Bearer {TOKEN} {TOKEN}", INVALID),
    (f"Bearer {'x' * 4000}", INVALID),
    ("Bearer \xe9\xff", INVALID),
]


@pytest.mark.parametrize("header, text", WRONG, ids=range(len(WRONG)))
def test_who_has_no_right_token_is_told_the_legacy_text(client, header, text):
    answer = client.get("/board/tasks", headers={"Authorization": header and header.encode("latin-1")})
    assert refused(answer, 401, "unauthorized")["error"] == text


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER   {TOKEN}", f"Bearer\t{TOKEN}"])
def test_the_token_is_taken_in_every_spelling_that_legacy_took(client, header):
    assert client.get("/board/tasks", headers={"Authorization": header}).status == 200


@pytest.mark.parametrize("method, path, body", [
    ("GET", "/board/tasks", None), ("POST", "/board/tasks", {"title": "t", "createdBy": "c"}),
    ("GET", "/board/tasks/none", None), ("PATCH", "/board/tasks/none", {}), ("DELETE", "/board/tasks/none", None),
    ("GET", "/events", None), ("GET", "/nothing/here", None), ("PUT", "/board/tasks", None),
    ("GET", "/board/review", None),
    ("POST", "/board/tasks", b"{broken"), ("OPTIONS", "/board/tasks", None),
])
def test_nothing_but_health_and_ready_is_told_without_a_token(board, method, path, body):
    with changes_nothing(board):
        for header in (None, "Bearer wrong"):
            answer = board.request(method, path, body, headers={"Authorization": header}, check=False)
            refused(answer, 401, "unauthorized")


@pytest.mark.parametrize("path", ["/health", "/ready"])
@pytest.mark.parametrize("header", [None, "Bearer wrong"])
def test_health_and_ready_are_open(client, path, header):
    assert client.get(path, headers={"Authorization": header}).status == 200


def test_a_valid_token_is_served_while_failed_logins_are_pending(serve):
    server = serve()
    answers, started = [], threading.Semaphore(0)

    def fail(number):
        client = server.client(token=f"wrong-{number}")
        for _ in range(3):
            started.release()
            answers.append(client.get("/board/tasks"))

    threads = [threading.Thread(target=fail, args=[n]) for n in range(24)]
    for thread in threads:
        thread.start()
    for _ in threads:
        started.acquire()
    valid, served = server.client(), 0
    while any(thread.is_alive() for thread in threads) or served < 100:
        assert valid.get("/board/tasks").status == 200
        served += 1
    for thread in threads:
        thread.join()
    assert len(answers) == 72
    for answer in answers:
        assert answer.status in (401, 429), answer
        assert answer.status == 401 or int(answer.headers["Retry-After"]) > 0
    assert any(answer.status == 401 for answer in answers)


def test_many_connections_do_not_make_it_faster_to_try_tokens(serve):
    server = serve("--threads", "1")
    raws = [server.raw() for _ in range(300)]
    for _ in range(2):
        began = time.monotonic()
        for raw in raws:
            raw.send("GET /board/tasks HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer no\r\n\r\n")
        assert [raw.answer().status for raw in raws] == [401] * len(raws)
    assert time.monotonic() - began > 0.9


def test_a_client_that_leaves_while_its_failed_login_is_held_back_harms_nobody(serve):
    server = serve()
    for n in range(60):
        raw = server.raw()
        raw.send(f"GET /board/tasks HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer no{n}\r\n\r\n")
        raw.reset() if n % 2 else raw.close()
    assert server.client().get("/board/tasks").status == 200


# --- where the token comes from ---

def works(server, token):
    return server.client(token=token).get("/board/tasks").status == 200


@pytest.mark.parametrize("variable", ["VERS_AUTH_TOKEN", "TASKBOARD_TOKEN"])
def test_either_variable_gives_the_token_and_the_log_says_which(serve, variable):
    server = serve(env={"VERS_AUTH_TOKEN": None, variable: "by-variable"})
    assert works(server, "by-variable")
    assert f'msg="the admin token is the one in the environment" variable={variable}' in server.log()


def test_the_token_does_not_stay_in_the_environment(serve):
    server = serve(env={"TASKBOARD_TOKEN": TOKEN})
    environment = Path(f"/proc/{server.process.pid}/environ").read_bytes()
    assert b"TASKBOARD_TOKEN=" in environment and TOKEN.encode() not in environment
    assert works(server, TOKEN)


@pytest.mark.parametrize("content", ["from-a-file", "from-a-file\n", "  from-a-file \r\n"])
def test_a_token_file_with_one_token_works(serve, tmp_path, content):
    path = tmp_path / "token"
    path.write_text(content)
    path.chmod(0o600)
    server = serve("--token-file", path, env={"VERS_AUTH_TOKEN": None})
    assert works(server, "from-a-file")
    assert f'msg="the admin token is kept in a file" file={path}' in server.log()


def test_without_a_token_one_is_made_once_and_kept_private(serve):
    server = serve(env={"VERS_AUTH_TOKEN": None})
    path = server.data / "admin-token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    token = path.read_text().strip()
    assert len(token) >= 32 and re.match(r"^[\x21-\x7e]+$", token)
    assert works(server, token) and not works(server, "")
    assert f'msg="made an admin token" file={path}' in server.log() and token not in server.log()
    server.restart()
    assert path.read_text().strip() == token and works(server, token)
    assert f'msg="the admin token is kept in a file" file={path}' in server.log()
    assert token not in server.log()


def test_generated_tokens_differ(serve):
    tokens = [(serve(env={"VERS_AUTH_TOKEN": None}).data / "admin-token").read_text() for _ in range(2)]
    assert tokens[0] != tokens[1]


def test_a_given_token_goes_before_the_generated_one(serve):
    server = serve(env={"VERS_AUTH_TOKEN": None})
    generated = (server.data / "admin-token").read_text().strip()
    server.stop()
    given = serve(data=server.data)
    assert works(given, TOKEN) and not works(given, generated)


# --- --no-auth ---

def test_no_auth_opens_the_board_and_warns(serve):
    server = serve("--no-auth", env={"VERS_AUTH_TOKEN": None})
    assert works(server, None)
    assert re.search(r"(?i)warn.*(no-auth|without|open)", server.log())
    assert not (server.data / "admin-token").exists()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "127.1.2.3"])
def test_no_auth_is_taken_on_loopback(serve, host):
    if ":" in host and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    serve("--no-auth", env={"VERS_AUTH_TOKEN": None}, host=host)


@pytest.mark.parametrize("hosts", [["0.0.0.0"], ["::"], ["127.0.0.1", "0.0.0.0"], []])
def test_no_auth_is_refused_where_others_could_connect(serve, hosts):
    flags = [flag for host in hosts for flag in ("--host", host)]
    with pytest.raises(Refusal) as refusal:
        serve("--no-auth", *flags, env={"VERS_AUTH_TOKEN": None}, host=None)
    assert "no-auth" in refusal.value.log


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_no_auth_anywhere_allows_it(serve, host):
    if ":" in host and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    server = serve("--no-auth", "--no-auth-anywhere", env={"VERS_AUTH_TOKEN": None}, host=host)
    assert works(server, None)

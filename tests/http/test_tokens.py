"""Named tokens: made, listed, used, replaced, revoked."""

import json
import threading
import time

import pytest
from harness import Later, Sse, Ws, at_the_same_time, eventually, refused
from harness.auth import expect_end, make_token, revoke

ROLES = ["viewer", "worker", "coordinator", "admin"]
MAY = 1.5  # seconds that a test grants where one is promised: the machine is shared


def works(server, token, path="/board/tasks"):
    return server.client(token=token).get(path).status == 200


@pytest.mark.parametrize("role", ROLES)
def test_a_token_is_shown_once_and_good_at_once(shared_server, client, role):
    token = make_token(client, role, name=f"  a {role} ", agent="ann", expiresInSeconds=3600)
    assert token["name"] == f"a {role}" and token["role"] == role and token["agent"] == "ann"
    assert token["token"].startswith(f"tb_{token['id']}_") and token["expiresAt"] > token["createdAt"]
    assert works(shared_server, token["token"])
    listed = {t["id"]: t for t in client.get("/auth/tokens").json["tokens"]}
    shown = dict(token)
    del shown["token"]
    assert listed[token["id"]] == shown


@pytest.mark.parametrize("body, code, word", [
    ({"role": "viewer"}, "missing_field", "name"),
    ({"name": " ", "role": "viewer"}, "missing_field", "name"),
    ({"name": "x" * 257, "role": "viewer"}, "invalid_field", "name"),
    ({"name": "n"}, "missing_field", "role"),
    ({"name": "n", "role": "root"}, "invalid_field", "role"),
    ({"name": "n", "role": "open"}, "invalid_field", "role"),
    ({"name": "n", "role": "viewer", "agent": ""}, "missing_field", "agent"),
    ({"name": "n", "role": "viewer", "expiresInSeconds": 0}, "invalid_field", "expiresInSeconds"),
    ({"name": "n", "role": "viewer", "expiresInSeconds": 315360001}, "invalid_field", "expiresInSeconds"),
    ({"name": "n", "role": "viewer", "scope": "all"}, "unknown_field", "scope"),
])
def test_what_is_no_token_is_refused(client, body, code, word):
    before = client.get("/auth/tokens").json["count"]
    refused(client.post("/auth/tokens", body), 400, code, word)
    assert client.get("/auth/tokens").json["count"] == before


def test_no_idempotency_key_keeps_a_secret(client):
    answers = [client.post("/auth/tokens", {"name": "n", "role": "viewer"}, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert answers[0].json["token"] != answers[1].json["token"]
    assert all("Idempotency-Replayed" not in answer.headers for answer in answers)


def test_what_comes_close_to_a_token_is_none(shared_server, client):
    token = make_token(client, "viewer")["token"]
    other = make_token(client, "viewer")["token"]
    assert works(shared_server, token)
    last = "A" if token[-2] != "A" else "B"
    for wrong in (token[:-2] + last + token[-1], token[:-1], token + "A", "ts_" + token[3:], "tl_" + token[3:], token[:30] + other[30:],
                  "tb_" + "0" * 26 + token[29:], token.lower()):
        assert not works(shared_server, wrong), wrong


def test_a_token_that_is_not_there_cannot_be_revoked(client):
    for unknown in ("01KAP2Y5Q3V8C4D1E7F9G2H5JK", "nonsense"):
        refused(client.request("DELETE", f"/auth/tokens/{unknown}"), 404, "token_not_found")


def test_a_revoked_token_is_none_from_the_answer_on(own_server, board):
    for _ in range(3):  # failed logins are slowed
        token = make_token(board, "viewer")
        mine = [own_server.client(token=token["token"]) for _ in range(4)]  # on whatever loop
        assert all(client.get("/board/tasks").status == 200 for client in mine)
        revoke(board, token)
        assert all(client.get("/board/tasks").status == 401 for client in mine)
        refused(board.request("DELETE", f"/auth/tokens/{token['id']}"), 404, "token_not_found")


def test_rotation_has_no_gap(own_server, board):
    """The old token and the new one are good at the same time; nothing that uses either is refused meanwhile."""
    old = make_token(board, "worker", name="farm")
    new = make_token(board, "worker", name="farm")
    current, stop, statuses = [old["token"]], threading.Event(), []

    def work():
        while not stop.is_set():
            statuses.append(own_server.client(token=current[0]).post("/board/tasks", {"title": "t", "createdBy": "c"}).status)

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    eventually(lambda: len(statuses) > 20)
    current[0] = new["token"]
    seen = len(statuses)
    eventually(lambda: len(statuses) > seen + 20)
    revoke(board, old)
    seen = len(statuses)
    eventually(lambda: len(statuses) > seen + 20)
    stop.set()
    for worker in workers:
        worker.join()
    assert set(statuses) == {201}
    assert not works(own_server, old["token"]) and works(own_server, new["token"])


def test_tokens_survive_a_restart_and_a_kill(own_server, board):
    kept = make_token(board, "worker", name="kept")
    gone = make_token(board, "worker", name="gone")
    revoke(board, gone)
    last = make_token(board, "worker", name="last")
    own_server.kill()
    own_server.start()
    assert works(own_server, kept["token"]) and works(own_server, last["token"])
    assert not works(own_server, gone["token"])
    own_server.restart()
    assert works(own_server, kept["token"])


def test_a_token_ends_at_its_time(own_server, board):
    token = make_token(board, "viewer", expiresInSeconds=1)
    lasting = make_token(board, "viewer", expiresInSeconds=3600)
    eventually(lambda: not works(own_server, token["token"]))
    eventually(lambda: [e["type"] for e in board.events("topic=auth")][-1] == "auth.token_expired")
    event = board.events("topic=auth")[-1]
    assert event["data"]["credential"]["id"] == token["id"] and event["data"]["reason"] == "expired"
    assert "actor" not in event and "token" not in event
    assert [t["id"] for t in board.get("/auth/tokens").json["tokens"]] == [lasting["id"]]
    assert works(own_server, lasting["token"])


# --- what lasts ---

def test_revoking_ends_open_streams_and_no_others(own_server, board):
    token, other = make_token(board, "viewer"), make_token(board, "viewer")
    with Sse(own_server, token=token["token"]) as sse, Sse(own_server, "/feed/stream", token=token["token"]) as feed, \
            Ws(own_server, token=token["token"]) as ws, Sse(own_server, token=other["token"]) as stays:
        assert (sse.status, feed.status, ws.status, stays.status) == (200, 200, 101, 200)
        revoke(board, token)
        start = time.monotonic()
        expect_end(sse, MAY)
        expect_end(feed, MAY)
        assert ws.within(MAY).closed() == 1008
        assert time.monotonic() - start < MAY
        task = board.create()
        while True:
            event = stays.next().json
            if event["type"] == "task.created":
                assert event["data"]["task"]["id"] == task["id"]
                break


def test_a_stream_ends_when_its_token_does(own_server, board):
    token = make_token(board, "viewer", expiresInSeconds=2)
    with Sse(own_server, token=token["token"]) as stream:
        assert stream.status == 200
        expect_end(stream, 2 + MAY)


def test_a_claim_that_waits_gets_nothing_with_a_revoked_token(serve):
    server = serve("--threads", "1")
    board = server.client()
    token = make_token(board, "worker")
    waiting = Later(server, "POST", "/board/claim", {"agent": "ann", "wait": 30}, token=token["token"])
    assert not waiting.is_answered()
    revoke(board, token)
    task = board.create()
    refused(waiting.answer(), 401, "unauthorized")
    assert board.task(task["id"])["status"] == "open"


def test_a_read_that_is_held_tells_nothing_to_a_revoked_token(serve):
    server = serve("--threads", "1")
    board = server.client()
    token = make_token(board, "viewer")
    tag = board.get("/board/tasks").etag
    held = Later(server, "GET", "/board/tasks?wait=30", headers={"If-None-Match": tag}, token=token["token"])
    assert not held.is_answered()
    revoke(board, token)
    board.create(title="a secret")
    refused(held.answer(), 401, "unauthorized")


def test_commands_race_a_revocation_and_none_comes_behind_it(own_server, board):
    for _ in range(10):
        token = make_token(board, "worker")
        own = own_server.client(token=token["token"])
        answers = at_the_same_time(lambda: revoke(board, token), *[
            lambda: own_server.client(token=token["token"]).post("/board/tasks", {"title": "t", "createdBy": "c"})] * 8)
        events = board.events("since=0&limit=1000")
        (revoked,) = [e["seq"] for e in events if e["type"] == "auth.token_revoked" and e["data"]["credential"]["id"] == token["id"]]
        assert all(e["seq"] < revoked for e in events if e.get("token") == token["id"])
        assert own.get("/board/tasks").status == 401
        assert all(answer is None or answer.status in (201, 401) for answer in answers)


# --- who did what ---

def test_the_log_says_which_token_was_used(own_server, board):
    worker = make_token(board, "worker", name="farm", agent="ann")
    client = own_server.client(token=worker["token"])
    task = board.create()
    client.claim_one("ann")
    client.act(task["id"], "bump")
    by_type = {event["type"]: event for event in board.events("since=0&limit=1000")}
    assert by_type["auth.token_created"]["actor"] == "admin" and by_type["auth.token_created"]["token"] == "admin"
    assert by_type["auth.token_created"]["data"]["credential"]["id"] == worker["id"]
    assert by_type["task.created"]["token"] == "admin"
    assert by_type["task.claimed"]["token"] == worker["id"] and by_type["task.claimed"]["actor"] == "ann"
    assert by_type["task.bumped"]["token"] == worker["id"] and by_type["task.bumped"]["actor"] == "ann"


def test_where_nobody_is_named_the_tokens_name_is(own_server, board):
    token = make_token(board, "worker", name="farm")
    task = board.create()
    own_server.client(token=token["token"]).act(task["id"], "bump")
    assert board.events("type=task.bumped")[0]["actor"] == "farm"


def test_the_access_log_says_who_read_and_who_was_refused(own_server, board):
    token = make_token(board, "viewer")
    named = own_server.client(token=token["token"])
    named.get("/board/tasks")
    refused(named.get("/admin/export"), 403, "forbidden")
    own_server.client(token=None).get("/health")

    def of(path):
        return next((line for line in own_server.log().splitlines() if f"path={path} " in line), None)

    for path in ("/board/tasks", "/admin/export"):
        assert eventually(lambda: of(path), "the log line").endswith(f" token={token['id']}")
    assert "token=" not in eventually(lambda: of("/health"), "the log line")


def test_secrets_stand_in_no_log_and_no_event(own_server, board):
    token = make_token(board, "admin", name="farm")
    own_server.client(token=token["token"]).get(f"/board/tasks?tag={token['token']}")
    own_server.client(token=token["token"] + "x").get("/board/tasks")
    secret = token["token"].split("_", 2)[2][:20]
    assert secret not in json.dumps(board.events("since=0&limit=1000"))
    own_server.stop()
    assert secret not in own_server.log()
    for path in own_server.data.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path

"""Headers, methods and the two forms of an error."""

import re

import pytest
from harness import Raw, TOKEN, changes_nothing, refused

MINTED = re.compile(r"^[A-Za-z0-9._-]{1,128}$")

PATHS = {
    "/health": {"GET", "HEAD"},
    "/ready": {"GET", "HEAD"},
    "/board/tasks": {"GET", "HEAD", "POST"},
    "/board/review": {"GET", "HEAD"},
    "/events": {"GET", "HEAD"},
    "/board/claim": {"POST"},
    "/board/pause": {"POST"},
    "/board/{id}": {"GET", "HEAD"},
    "/board/tasks/{id}": {"GET", "HEAD", "PATCH", "DELETE"},
    "/board/tasks/{id}/notes": {"GET", "HEAD", "POST"},
    "/board/tasks/{id}/artifacts": {"POST"},
    "/board/tasks/{id}/bump": {"POST"},
    "/board/tasks/{id}/review": {"POST"},
    "/board/tasks/{id}/approve": {"POST"},
    "/board/tasks/{id}/reject": {"POST"},
    "/board/tasks/{id}/history": {"GET", "HEAD"},
}
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FROBNICATE"]
UNKNOWN_PATHS = ["/board", "/nothing", "/board/tasks/{id}/nothing", "/board/tasks/{id}/notes/x", "/boards/tasks",
                 "//board/tasks", "/board//tasks", "/admin", "/favicon.ico", "/board/tasks/{id}/Notes", "/events/x/y"]


@pytest.mark.parametrize("path", PATHS)
def test_a_method_that_a_path_does_not_take_is_405_with_those_that_it_takes(client, path):
    where = path.format(id=client.create()["id"])
    with changes_nothing(client):
        for method in METHODS:
            if method in PATHS[path]:
                continue
            answer = client.request(method, where)
            assert answer.status == 405, (method, answer)
            assert set(re.split(r", *", answer.headers["Allow"])) == PATHS[path], method
            if method != "HEAD":
                refused(answer, 405, "method_not_allowed")


@pytest.mark.parametrize("path", UNKNOWN_PATHS)
def test_an_unknown_path_is_404_with_a_token_and_401_without(client, path):
    where = path.format(id=client.create()["id"])
    for method in ("GET", "POST", "DELETE"):
        refused(client.request(method, where, check=False), 404, "not_found")
    refused(client.get(where, headers={"Authorization": None}, check=False), 401, "unauthorized")


def answers(client):
    """An answer of every kind."""
    task_id = client.create()["id"]
    return {
        "one task": client.get(f"/board/tasks/{task_id}"),
        "a list": client.get("/board/tasks?limit=3"),
        "created": client.post("/board/tasks", {"title": "t", "createdBy": "c"}),
        "events": client.get("/events?limit=1"),
        "health": client.get("/health"),
        "ready": client.get("/ready"),
        "400": client.post("/board/tasks", {}),
        "401": client.get("/board/tasks", headers={"Authorization": None}),
        "404": client.get("/board/tasks/none"),
        "unknown": client.get("/nothing"),
        "405": client.request("PUT", "/board/tasks"),
        "412": client.patch(task_id, {}, headers={"If-Match": '"9"'}),
        "409": client.patch(task_id, {"dependencies": [task_id]}),
        "304": client.get(f"/board/tasks/{client.done(task_id)['id']}", headers={"If-None-Match": '"2"'}),
    }


def test_every_answer_carries_the_common_headers(client):
    for name, answer in answers(client).items():
        headers = answer.headers
        assert MINTED.match(headers["X-Request-Id"]), name
        assert headers["X-Content-Type-Options"] == "nosniff", name
        assert headers["Cache-Control"] == ("no-cache" if headers["ETag"] else "no-store"), name
        assert headers["Server"] is None and headers["X-Powered-By"] is None, name
        assert headers["Access-Control-Allow-Origin"] is None, name
        assert answer.status == 304 or headers["Content-Type"].startswith("application/json"), name


def test_all_errors_are_a_sentence_a_code_and_the_request_id(client):
    for name, answer in answers(client).items():
        if answer.status >= 400:
            body = answer.json
            assert body["requestId"] == answer.headers["X-Request-Id"], name
            assert re.match(r"^[a-z_]+$", body["code"]) and len(body["error"]) > 5, name


@pytest.mark.parametrize("request_id", ["a", "A-z.0_9", "x" * 128])
def test_a_good_request_id_is_taken(client, request_id):
    for path in ("/board/tasks?limit=1", "/health", "/nothing"):
        answer = client.get(path, headers={"X-Request-Id": request_id})
        assert answer.headers["X-Request-Id"] == request_id
        assert answer.status == 200 or answer.json["requestId"] == request_id


@pytest.mark.parametrize("request_id", ["", "x" * 129, "a b", "é", 'a"b', "a,b", "{}", "a\tb"])
def test_a_bad_request_id_is_replaced(client, request_id):
    answer = client.get("/board/tasks/none", headers={"X-Request-Id": request_id.encode()})
    minted = answer.headers["X-Request-Id"]
    assert minted != request_id and MINTED.match(minted) and answer.json["requestId"] == minted


def test_minted_request_ids_differ(client):
    assert len({client.get("/health").headers["X-Request-Id"] for _ in range(50)}) == 50


def test_request_ids_and_traceparent_are_logged_and_tokens_are_not(own_server):
    client = own_server.client()
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    client.get("/board/tasks", headers={"X-Request-Id": "find-me-in-the-log", "traceparent": trace})
    client.get("/board/tasks", headers={"Authorization": "Bearer a-wrong-secret"})
    client.post("/board/tasks", {"title": "a secret title", "createdBy": "c"})
    own_server.stop()
    log = own_server.log()
    line = next(line for line in log.splitlines() if "find-me-in-the-log" in line)
    assert "GET" in line and "/board/tasks" in line and "200" in line and "4bf92f3577b34da6a3ce929d0e0e4736" in line
    for secret in (TOKEN, "a-wrong-secret", "a secret title"):
        assert secret not in log


# --- unknown fields ---

UNKNOWN = [
    ("POST", "/board/tasks", {"title": "t", "createdBy": "c"}, "titel", "title"),
    ("POST", "/board/tasks", {"title": "t", "createdBy": "c"}, "CreatedBy", "createdBy"),
    ("PATCH", "/board/tasks/{id}", {"priority": 1}, "asignee", "assignee"),
    ("POST", "/board/tasks/{id}/notes", {"author": "a", "content": "c", "type": "update"}, "auther", "author"),
    ("POST", "/board/tasks/{id}/artifacts", {"artifacts": [{"type": "url", "url": "u", "label": "l"}]}, "artefacts",
     "artifacts"),
    ("POST", "/board/tasks/{id}/review", {"summary": "s"}, "reviewdBy", "reviewedBy"),
    ("POST", "/board/tasks/{id}/approve", {}, "coment", "comment"),
    ("POST", "/board/tasks/{id}/reject", {"reason": "r"}, "reasons", "reason"),
]


@pytest.mark.parametrize("method, path, body, unknown, nearest", UNKNOWN)
def test_an_unknown_field_is_ignored_and_named(client, method, path, body, unknown, nearest):
    where = path.format(id=client.create()["id"])
    answer = client.request(method, where, {**body, unknown: 1, "x-other": {"deep": []}})
    assert answer.status in (200, 201), answer
    assert re.split(", *", answer.headers["Taskboard-Ignored-Fields"]) == [unknown, "x-other"]
    assert client.request(method, where, body).headers["Taskboard-Ignored-Fields"] is None


@pytest.mark.parametrize("method, path, body, unknown, nearest", UNKNOWN)
@pytest.mark.parametrize("prefer", ["handling=strict", 'respond-async, Handling="strict"; x=y'])
def test_an_unknown_field_is_refused_when_strictness_is_asked_for(client, method, path, body, unknown, nearest, prefer):
    where = path.format(id=client.create()["id"])
    with changes_nothing(client):
        answer = client.request(method, where, {**body, unknown: 1}, headers={"Prefer": prefer})
        assert nearest in refused(answer, 400, "unknown_field", unknown, nearest)["error"]
    assert client.request(method, where, body, headers={"Prefer": prefer}).status in (200, 201)


def test_lenient_handling_may_be_asked_for_too(client):
    body = {"title": "t", "createdBy": "c", "x": 1}
    answer = client.post("/board/tasks", body, headers={"Prefer": "handling=lenient"})
    assert answer.status == 201 and answer.headers["Taskboard-Ignored-Fields"] == "x"


def test_names_of_ignored_fields_cannot_smuggle_a_header(client):
    names = {"a\r\nX-Evil: 1": 1, "é": 1, "x" * 5000: 1, **{f"f{n}": n for n in range(500)}}
    answer = client.post("/board/tasks", {"title": "t", "createdBy": "c", **names})
    assert answer.status == 201 and answer.headers["X-Evil"] is None
    header = answer.headers["Taskboard-Ignored-Fields"]
    assert len(header) <= 1024 and re.match(r"^[\x20-\x7e]+$", header)


# --- RFC 9457 ---

@pytest.mark.parametrize("accept", ["application/problem+json", "application/json, Application/Problem+JSON;q=0.9"])
def test_an_error_is_a_problem_document_for_who_names_that(client, accept):
    task_id = client.create()["id"]
    for name, plain, answer in (
            ("400", client.post("/board/tasks", {}), client.post("/board/tasks", {}, headers={"Accept": accept})),
            ("404", client.get("/board/x"), client.get("/board/x", headers={"Accept": accept})),
            ("405", client.request("PUT", "/events"), client.request("PUT", "/events", headers={"Accept": accept})),
            ("412", client.delete(task_id, headers={"If-Match": '"7"'}),
             client.delete(task_id, headers={"If-Match": '"7"', "Accept": accept}))):
        assert answer.status == plain.status == int(name)
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        problem, error = answer.json, plain.json
        assert problem["status"] == answer.status and problem["code"] == error["code"]
        assert error["error"] in (problem.get("detail"), problem["title"])
        assert problem["requestId"] == answer.headers["X-Request-Id"]
        assert problem.get("version") == error.get("version")


def test_a_success_stays_json_for_who_accepts_problems(client):
    answer = client.get("/board/tasks?limit=1", headers={"Accept": "application/problem+json"})
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("application/json")


def test_health_tells_the_uptime_and_ready_says_so(client):
    body = client.get("/health", headers={"Authorization": None}).json
    assert body["status"] == "ok" and 0 <= body["uptime"] < 600
    assert client.get("/ready", headers={"Authorization": None}).status == 200


def test_requests_on_one_connection_are_answered_in_order(shared_server, client):
    request = "GET /board/tasks/none HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {}\r\nX-Request-Id: n{}\r\n\r\n"
    with Raw(shared_server.port) as raw:
        raw.send("".join(request.format(TOKEN, n) for n in range(20)))
        received = b""
        while received.count(b"task_not_found") < 20:
            part = raw.receive()
            assert part, received
            received += part
    order = re.findall(rb"(?i)x-request-id: n(\d+)", received)
    assert order == [str(n).encode() for n in range(20)]

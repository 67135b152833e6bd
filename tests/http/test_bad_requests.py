"""Requests that are wrong below JSON: bodies where none belongs, too much of one, bad framing, no HTTP at all."""

import pytest
from harness import Raw, TOKEN, changes_nothing, refused

MEBIBYTE = 1024 * 1024
BODY = b'{"title":"t","createdBy":"c"}'
AUTH = f"Authorization: Bearer {TOKEN}\r\n"
CREATE = f"POST /board/tasks HTTP/1.1\r\nHost: t\r\n{AUTH}"


def send(server, *parts):
    """Sends the parts and returns the one answer, or None when the server just closed."""
    with Raw(server.port) as raw:
        for part in parts:
            if not raw.send(part):
                break
        try:
            return raw.answer()
        except (ConnectionError, OSError, ValueError):
            return None
        except Exception as error:  # http.client's own: no status line came
            assert "BadStatusLine" in type(error).__name__ or "RemoteDisconnected" in type(error).__name__
            return None


@pytest.mark.parametrize("path", ["/board/tasks", "/board/tasks/{id}", "/board/{id}", "/board/review", "/events",
                                  "/board/tasks/{id}/notes", "/board/tasks/{id}/history"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_body_on_a_read_is_refused(client, method, path):
    where = path.format(id=client.create()["id"])
    with changes_nothing(client):
        answer = client.request(method, where, BODY)
        assert answer.status == 400
        if method == "GET":
            refused(answer, 400, "unexpected_body", "body")
        assert client.request(method, where, b"").status == 200


def test_a_body_on_health_does_no_harm(client):
    assert client.get("/health", body=BODY).status in (200, 400)
    assert client.get("/health").status == 200


# --- size ---

SINGLE = b'{"title":"t","createdBy":"c","payload":"%s"}'


def padded(size):
    """A good create of exactly that many bytes, by white space at its end."""
    return BODY + b" " * (size - len(BODY))


def test_a_body_of_one_mebibyte_is_taken_and_one_byte_more_is_not(client):
    assert client.post("/board/tasks", padded(MEBIBYTE)).status == 201
    with changes_nothing(client):
        refused(client.post("/board/tasks", padded(MEBIBYTE + 1)), 413, "body_too_large")


def test_only_arrays_of_tasks_may_be_longer(client):
    task_id = client.create()["id"]
    long_items = b"[" + BODY + b" " * (2 * MEBIBYTE) + b"]"
    assert client.post("/board/tasks", long_items).status == 201
    assert client.post("/board/tasks", b'{"tasks":' + long_items + b"}").status == 201
    with changes_nothing(client):
        for method, path in (("POST", "/notes"), ("POST", "/artifacts"), ("POST", "/review"), ("PATCH", "")):
            answer = client.request(method, f"/board/tasks/{task_id}{path}", long_items)
            refused(answer, 413, "body_too_large")


def test_an_array_of_sixteen_mebibytes_is_taken_and_one_byte_more_is_not(client):
    array = b"[" + BODY + b"]"
    assert client.post("/board/tasks", array + b" " * (16 * MEBIBYTE - len(array))).status == 201
    with changes_nothing(client):
        refused(client.post("/board/tasks", array + b" " * (16 * MEBIBYTE - len(array) + 1)), 413, "body_too_large")


@pytest.mark.parametrize("length", [17 * MEBIBYTE, 2**31, 2**40, 10**18])
def test_a_length_that_is_too_long_is_refused_before_the_body_comes(shared_server, client, length):
    with changes_nothing(client):
        answer = send(shared_server, f"{CREATE}Content-Length: {length}\r\n\r\n")
        assert answer.status == 413 and answer.json["code"] == "body_too_large" and answer.json["requestId"]


def test_a_chunked_body_that_grows_too_long_is_refused(shared_server, client):
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    with changes_nothing(client):
        answer = send(shared_server, f"{CREATE}Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 257)
        assert answer is None or answer.status == 413


def test_a_chunked_body_is_taken(shared_server):
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (BODY[:1], BODY[1:7], BODY[7:]))
    answer = send(shared_server, f"{CREATE}Transfer-Encoding: chunked\r\n\r\n", chunks, "0\r\n\r\n")
    assert answer.status == 201 and answer.json["title"] == "t"


SIZE = f"{len(BODY):x}"
CHUNKS = {
    "good ones": f"{SIZE}\r\n{BODY.decode()}\r\n0\r\n\r\n",
    "an extension that a bare LF ends": f"{SIZE};a\n{BODY.decode()}\r\n0\r\n\r\n",
    "anything behind the size": f"{SIZE}x\r\n{BODY.decode()}\r\n0\r\n\r\n",
    "a size with 0x": f"0x{SIZE}\r\n{BODY.decode()}\r\n0\r\n\r\n",
    "bare LF everywhere": f"{SIZE}\n{BODY.decode()}\n0\n\n",
}


@pytest.mark.parametrize("name", CHUNKS)
def test_behind_a_chunked_body_nothing_is_taken_for_a_request(shared_server, client, name):
    """The library reads chunks in its own way: a proxy in front may see their end elsewhere, and in them what we take for a request."""
    task = '{"title":"smuggled","createdBy":"evil"}'
    smuggled = f"{CREATE}Content-Length: {len(task)}\r\n\r\n{task}"
    with Raw(shared_server.port) as raw:
        raw.send(f"{CREATE}Transfer-Encoding: chunked\r\n\r\n{CHUNKS[name]}{smuggled}")
        answer = raw.answer("POST")
        assert answer.status in (201, 400) and answer.headers["Connection"] == "close"
        assert raw.receive_all() == b""
    assert client.list("createdBy=evil") == []


def test_a_client_that_expects_100_continue_is_served(shared_server):
    with Raw(shared_server.port) as raw:
        raw.send(f"{CREATE}Expect: 100-continue\r\nContent-Length: {len(BODY)}\r\n\r\n")
        assert raw.receive().startswith(b"HTTP/1.1 100")
        raw.send(BODY)
        assert raw.answer("POST").status == 201


# --- no good HTTP ---

NO_HTTP = {
    "the HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 300 + b"\r\n\r\n",
    "nonsense": b"hello?\r\n\r\n",
    "binary": bytes(range(1, 256)) + b"\r\n\r\n",
    "no version": b"GET /health\r\n\r\n",
    "a strange version": b"GET /health HTTP/3.7\r\nHost: t\r\n\r\n",
    "a header without a colon": b"GET /health HTTP/1.1\r\nHost: t\r\nnonsense\r\n\r\n",
    "a NUL in a header": b"GET /health HTTP/1.1\r\nHost: t\r\nX-A: a\x00b\r\n\r\n",
    "a space in a header's name": b"GET /health HTTP/1.1\r\nHost: t\r\nX A: b\r\n\r\n",
}


@pytest.mark.parametrize("name", NO_HTTP)
def test_what_is_not_http_is_refused_and_harms_nobody(shared_server, client, name):
    with changes_nothing(client):
        answer = send(shared_server, NO_HTTP[name])
        assert answer is None or answer.status in (400, 505), answer.status
        if name == "the HTTP/2 preface":
            assert answer is not None and answer.status == 400
    assert client.get("/health").status == 200


BAD_FRAMING = {
    "a length that is no number": "Content-Length: abc\r\n",
    "a negative length": "Content-Length: -5\r\n",
    "a length with a plus": f"Content-Length: +{len(BODY)}\r\n",
    "an empty length": "Content-Length: \r\n",
    "two different lengths": f"Content-Length: {len(BODY)}\r\nContent-Length: 5\r\n",
    "length and chunks": f"Content-Length: {len(BODY)}\r\nTransfer-Encoding: chunked\r\n",
    "an unknown encoding": "Transfer-Encoding: gzip\r\n",
    "a bad chunk size": "Transfer-Encoding: chunked\r\n",
}


@pytest.mark.parametrize("name", BAD_FRAMING)
def test_framing_that_nobody_can_vouch_for_smuggles_no_second_request(shared_server, client, name):
    """Whatever is answered, the bytes behind the request must not become a request of their own."""
    smuggled = CREATE.encode() + b'Content-Length: 38\r\n\r\n{"title":"smuggled","createdBy":"evil"}'
    head = f"{CREATE}{BAD_FRAMING[name]}\r\n".encode()
    body = b"xyz\r\n" if "chunk" in name else BODY
    with Raw(shared_server.port) as raw:
        raw.send(head + body + smuggled)
        raw.half_close()
        raw.receive_all()
    assert client.list("createdBy=evil") == []
    assert client.get("/health").status == 200


def test_a_huge_header_is_refused(shared_server, client):
    with changes_nothing(client):
        answer = send(shared_server, CREATE, f"X-Long: {'x' * 600_000}\r\n\r\n")
        assert answer is None or answer.status in (400, 413, 414, 431)
    assert client.get("/health").status == 200


def test_very_many_headers_are_refused_or_served(shared_server, client):
    answer = send(shared_server, f"GET /health HTTP/1.1\r\nHost: t\r\n{AUTH}", "X: y\r\n" * 2000, "\r\n")
    assert answer is None or answer.status in (200, 400, 431)
    assert client.get("/health").status == 200


def test_a_very_long_path_is_not_found_or_refused(client):
    for path in ("/" + "a" * 20_000, "/board/tasks/" + "a" * 20_000, "/board/tasks?tag=" + "a" * 20_000):
        assert client.get(path, check=False).status in (400, 404, 413, 414, 431)


@pytest.mark.parametrize("path", ["/board/tasks/%00", "/board/tasks/%zz", "/board/tasks/%ff%fe", "/board/tasks/..%2f..",
                                  "/board/tasks/%", "/../etc/passwd", "/board/../health/../../x"])
def test_strange_paths_are_not_found_or_refused(shared_server, client, path):
    answer = send(shared_server, f"GET {path} HTTP/1.1\r\nHost: t\r\n{AUTH}\r\n")
    assert answer.status in (400, 404), answer.body


def test_a_dotted_path_leads_nowhere_without_a_token(shared_server):
    for path in ("/health/../board/tasks", "/ready/../board/tasks", "/health/%2e%2e/board/tasks", "/health/"):
        answer = send(shared_server, f"GET {path} HTTP/1.1\r\nHost: t\r\n\r\n")
        assert answer.status in (400, 401, 404) and b'"tasks"' not in answer.body, path


def test_http_1_0_is_answered_and_closed(shared_server):
    with Raw(shared_server.port) as raw:
        raw.send(f"GET /board/tasks?limit=1 HTTP/1.0\r\n{AUTH}\r\n")
        received = raw.receive_all()
    assert b" 200 " in received.split(b"\r\n")[0] and received.rstrip().endswith(b"}")


def test_connection_close_is_honoured(shared_server):
    with Raw(shared_server.port) as raw:
        raw.send("GET /health HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
        assert b'"ok"' in raw.receive_all()

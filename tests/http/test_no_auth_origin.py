"""--no-auth: a web page cannot drive the board, neither by cross-site requests nor by DNS rebinding."""

import pytest
from harness import Raw

EVIL = "http://evil.example"


@pytest.fixture(scope="module")
def open_server():
    from harness import Server
    with Server("--no-auth", "--public-url", "https://board.example/", env={"VERS_AUTH_TOKEN": None}) as server:
        yield server
        assert server.is_up(), server.log()[-8000:]


def ask(server, host, origin=None, method="GET", path="/board/tasks"):
    sent = f"Origin: {origin}\r\n" if origin is not None else ""
    length = "Content-Length: 2\r\n" if method == "POST" else ""
    with Raw(server.port) as raw:
        raw.send(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{sent}{length}\r\n{'{}' if length else ''}")
        answer = raw.answer(method)
    if answer.status == 403:
        assert answer.json["code"] == "forbidden"
    return answer.status


@pytest.mark.parametrize("host", ["localhost", "localhost:3000", "LOCALHOST", "127.0.0.1", "127.9.9.9:1", "[::1]", "[::1]:80",
                                  "app.localhost:3000", "board.example", "board.example:443", "BOARD.example"])
def test_its_own_names_are_answered(open_server, host):
    assert ask(open_server, host) == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:3000", "127.evil.example", "127.0.0.1.evil.example",
                                  "localhost.evil.example", "xlocalhost", "10.0.0.1", "[::2]", "0.0.0.0", "[::1",
                                  "board.example.evil.example", "board.example:444"])
def test_other_names_are_refused(open_server, host):
    assert ask(open_server, host) == 403
    assert ask(open_server, host, method="POST", path="/board/pause") == 403


@pytest.mark.parametrize("origin", ["http://localhost:3000", "HTTP://LOCALHOST:3000", "https://board.example"])
def test_its_own_pages_may_use_it(open_server, origin):
    assert ask(open_server, "localhost:3000", origin) == 200


@pytest.mark.parametrize("origin", [EVIL, "null", "", "http://localhost", "http://localhost:3001", "file://",
                                    "http://board.example", "https://board.example.evil.example",
                                    "http://127.0.0.1:3000"])
def test_pages_of_other_origins_may_not(open_server, origin):
    assert ask(open_server, "localhost:3000", origin) == 403
    assert ask(open_server, "localhost:3000", origin, method="POST", path="/board/tasks") == 403


def test_health_is_open_to_all(open_server):
    assert ask(open_server, "evil.example", EVIL, path="/health") == 200


def test_who_sends_no_host_is_no_browser(open_server):
    with Raw(open_server.port) as raw:
        raw.send("GET /board/tasks HTTP/1.0\r\n\r\n")
        assert raw.answer().status == 200


def test_with_tokens_names_and_origins_do_not_matter(shared_server):
    with Raw(shared_server.port) as raw:
        raw.send(f"GET /board/tasks HTTP/1.1\r\nHost: evil.example\r\nOrigin: {EVIL}\r\n"
                 f"Authorization: Bearer {shared_server.client().token}\r\n\r\n")
        assert raw.answer().status == 200


def test_on_any_address_the_host_is_free_but_the_origin_is_not(serve):
    server = serve("--no-auth", "--no-auth-anywhere", env={"VERS_AUTH_TOKEN": None}, host="0.0.0.0")
    assert ask(server, "board.lan:3000") == 200
    assert ask(server, "board.lan:3000", "http://board.lan:3000") == 200
    assert ask(server, "board.lan:3000", EVIL) == 403


@pytest.mark.parametrize("url", ["board.example", "ftp://board.example", "https://", "https:///x", "https://a b",
                                 "https://u@board.example", "https://:443", "https://board.example/?q", "https://board.example/x", "https://board.example//", ""])
def test_a_wrong_public_url_is_refused(serve, url):
    server = serve(f"--public-url={url}", start=False)
    code, log = server.refusal()
    assert code == 2 and "public-url" in log

"""The dashboard's files and its door. Whether they were built into the server decides what there is to see."""

import gzip
import os
import re
from html.parser import HTMLParser

import pytest
from harness import Certificate, Server
from harness.auth import magic_link, session_of
from harness.server import program

POLICY = {"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'", "form-action 'self'",
          "frame-ancestors 'none'", "base-uri 'none'", "manifest-src 'self'"}
PLACES = ["/ui/", "/ui/index.html", "/ui/tasks/01KAP2Y5Q3V8C4D1E7F9G2H5JK", "/ui/a/b/c/d/e/f/g/h", "/ui/fleet/vm.1", "/ui//", "/ui/?status=open&tag=a"]

BARE = program().parents[1] / "tests" / "taskboardd_bare"


@pytest.fixture
def anybody(shared_server):
    client = shared_server.client(token=None)
    yield client
    client.close()


@pytest.fixture
def dashboard(client):
    """A client of a server with a dashboard. In CI there has to be one."""
    if client.get("/ui/").status == 503 and os.environ.get("CI") != "true":
        pytest.skip("this server was built without the dashboard")
    return client


class Names(HTMLParser):
    """What a page refers to."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found += [value for name, value in attributes if name in ("src", "href") and value]


def files_of(client):
    """Paths of the files that the page needs."""
    page = client.get("/ui/")
    assert page.status == 200, page
    found = Names(page.body.decode()).found
    assert any(name.endswith(".js") for name in found) and all(name.startswith("/ui/") for name in found), found
    return found


def expect_page_headers(answer):
    headers = answer.headers
    assert {part.strip() for part in headers["Content-Security-Policy"].split(";")} == POLICY
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"


# --- the files ---

def test_the_files_are_open_to_everybody_and_kept_for_ever(anybody, dashboard):
    for path in files_of(dashboard):
        answer = anybody.get(path)
        assert answer.status == 200 and answer.body, path
        expect_page_headers(answer)
        hashed = re.search(r"-[A-Z0-9]{8}\.", path)
        assert answer.headers["Cache-Control"] == ("public, max-age=31536000, immutable" if hashed else "no-cache"), path
        kind = answer.headers["Content-Type"].partition(";")[0]
        assert kind == {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml", "png": "image/png",
                        "webmanifest": "application/manifest+json"}[path.rpartition(".")[2]]


def test_a_file_is_sent_as_small_as_the_client_can_take_it(anybody, dashboard):
    (script,) = [path for path in files_of(dashboard) if path.endswith(".js")][:1]
    plain = anybody.get(script)
    zipped = anybody.get(script, headers={"Accept-Encoding": "gzip"})
    brotli = anybody.get(script, headers={"Accept-Encoding": "gzip, deflate, br, zstd"})
    assert "Content-Encoding" not in plain.headers
    assert zipped.headers["Content-Encoding"] == "gzip" and gzip.decompress(zipped.body) == plain.body
    assert brotli.headers["Content-Encoding"] == "br" and brotli.body != plain.body
    assert len({answer.etag for answer in (plain, zipped, brotli)}) == 3
    assert {answer.headers["Vary"] for answer in (plain, zipped, brotli)} == {"accept-encoding"}
    assert {answer.headers["Content-Length"] for answer in (plain, zipped, brotli)} == {str(len(a.body)) for a in (plain, zipped, brotli)}


@pytest.mark.parametrize("accepted", [None, "gzip", "br"])
def test_what_a_client_has_is_not_sent_again(anybody, dashboard, accepted):
    for path in ["/ui/", *files_of(dashboard)]:
        client = dashboard if path == "/ui/" else anybody
        headers = {"Accept-Encoding": accepted}
        first = client.get(path, headers=headers)
        again = client.get(path, headers={**headers, "If-None-Match": first.etag})
        assert again.status == 304 and again.body == b"" and again.etag == first.etag
        assert again.headers["Cache-Control"] == first.headers["Cache-Control"] and again.headers["Vary"] == "accept-encoding"
        assert client.get(path, headers={**headers, "If-None-Match": '"other"'}).status == 200


def test_head_says_what_get_would(anybody, dashboard):
    for path in ["/ui/", *files_of(dashboard)]:
        client = dashboard if path == "/ui/" else anybody
        got, head = (client.request(method, path, headers={"Accept-Encoding": "br"}) for method in ("GET", "HEAD"))
        assert head.status == 200 and head.body == b""
        for name in ("Content-Length", "Content-Type", "ETag", "Content-Encoding", "Cache-Control"):
            assert head.headers[name] == got.headers[name], name


def test_a_file_of_an_older_build_is_not_the_page(dashboard):
    assert dashboard.get("/ui/app-00000000.js").status == 404
    assert dashboard.get("/ui/app.js.br").status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_dashboard_is_only_read(anybody, method):
    answer = anybody.request(method, "/ui/fleet")
    assert answer.status == 405 and answer.headers["Allow"] == "GET, HEAD"


# --- the page ---

@pytest.mark.parametrize("path", PLACES)
def test_every_place_is_the_same_page_for_who_is_logged_in(shared_server, anybody, dashboard, path):
    answer = anybody.get(path, headers=session_of(shared_server, magic_link(dashboard)))
    assert answer.status == 200 and answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache" and answer.body == dashboard.get("/ui/").body
    expect_page_headers(answer)


@pytest.mark.parametrize("path", PLACES)
def test_the_page_leads_to_the_login_page_and_back(anybody, client, dashboard, path):
    for headers in ({}, {"Cookie": "session=nonsense"}):
        answer = anybody.get(path, headers=headers)
        assert answer.status == 303 and answer.headers["Location"].startswith("/ui/login")
    page = anybody.get(answer.headers["Location"]).body.decode()
    (back,) = re.findall(r'name="next" value="([^"]*)"', page) or ["/ui/"]
    assert back.replace("&amp;", "&") == path


def test_the_page_has_neither_scripts_nor_styles_in_it(dashboard):
    page = dashboard.get("/ui/").body.decode()
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=", page) == []
    assert re.findall(r"<script[^>]*>([^<]*)</script>", page) == re.findall(r"<script[^>]*src=[^>]*>()</script>", page)


def test_all_ways_lead_to_the_dashboard(anybody):
    for path in ("/", "/ui"):
        answer = anybody.get(path)
        assert answer.status == 303 and answer.headers["Location"] == "/ui/"


def test_the_login_page_is_what_every_page_is(anybody):
    answer = anybody.get("/ui/login")
    expect_page_headers(answer)
    for path in Names(answer.body.decode()).found:
        assert anybody.get(path).status == 200, path


def test_without_auth_the_dashboard_is_open(serve):
    server = serve("--no-auth", env={"VERS_AUTH_TOKEN": None})
    anybody = server.client(token=None)
    answer = anybody.get("/ui/")
    assert answer.status in (200, 503) and answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert anybody.get("/auth/session").json == {"kind": "open", "role": "admin", "name": "anonymous"}
    assert anybody.get("/ui/login").status == 200
    login = anybody.post("/ui/login", b"token=x", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert login.status == 303 and login.headers["Location"] == "/ui/"


def test_the_dashboard_is_no_place_to_try_tokens(dashboard, serve):
    server = serve("--threads", "1")
    wrong = server.client(token="wrong")
    statuses = [wrong.get("/ui/").status for _ in range(8)]
    assert statuses == [401] * 8
    assert "taskboard_failed_logins_total 8\n" in server.client().get("/metrics").body.decode()


# --- where it is ---

def said(server):
    """Where the log says that the dashboard is; None: it does not say."""
    found = re.search(r'msg="the dashboard is at (\S+)"', server.log())
    return found and found.group(1)


@pytest.mark.parametrize("host, name", [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "localhost"), ("localhost", "")])
def test_the_log_says_where_the_dashboard_is(dashboard, serve, host, name):
    server = serve(host=host)
    scheme = "https" if server.tls else "http"
    found = re.fullmatch(rf"{scheme}://(\S+):{server.port}/ui/", said(server))
    assert found and found.group(1) in ((name,) if name else ("127.0.0.1", "[::1]")), said(server)
    assert server.client().get("/ui/").status == 200


def test_the_log_says_it_of_a_board_that_speaks_tls(dashboard, serve, tmp_path):
    server = serve(tls=Certificate(tmp_path))
    assert said(server) == f"https://127.0.0.1:{server.port}/ui/"


def test_the_log_says_the_public_address_where_there_is_one(dashboard, serve):
    assert said(serve("--public-url", "https://board.example:8443/")) == "https://board.example:8443/ui/"


# --- a server without it ---

def test_a_server_that_was_built_without_node_says_what_is_missing(serve):
    class Bare(Server):
        def command(self):
            return [BARE, *super().command()[1:]]

    with Bare() as server:
        anybody = server.client(token=None)
        for path in PLACES:
            answer = anybody.get(path)
            assert answer.status == 503 and answer.headers["Content-Type"] == "text/html; charset=utf-8"
            assert b"./dev build" in answer.body and b"nodejs npm" in answer.body
            expect_page_headers(answer)
        assert anybody.get("/ui/login").status == anybody.get("/ui/login.css").status == 200
        board = server.client()
        assert board.create()["status"] == "open"
        assert session_of(server, magic_link(board))
        assert said(server) is None

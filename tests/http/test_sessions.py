"""Logging a browser in: links that are good once, sessions, and what other pages may not do with them."""

import re
import time

import pytest
from harness import Sse, Ws, at_the_same_time, eventually, refused
from harness.auth import cookie_of, expect_end, log_in, magic_link, make_token, own_page, revoke, session_of
from harness.streams import Connection

MAY = 1.5


@pytest.fixture
def anybody(shared_server):
    client = shared_server.client(token=None)
    yield client
    client.close()


def is_in(client, cookie):
    return client.get("/board/tasks", headers=cookie).status == 200


# --- links ---

@pytest.mark.parametrize("role", ["viewer", "worker", "coordinator", "admin"])
def test_a_link_makes_a_session_of_its_tokens_role(shared_server, client, anybody, role):
    token = make_token(client, role, agent="ann")
    cookie = session_of(shared_server, magic_link(shared_server.client(token=token["token"])))
    assert is_in(anybody, cookie)
    page = own_page(shared_server)
    answer = anybody.post("/board/tasks", {"title": "t"}, headers={**cookie, **page})
    assert answer.status == (403 if role == "viewer" else 201), answer
    if role != "viewer":
        assert answer.json["createdBy"] == "ann"
        assert client.events(f"taskId={answer.json['id']}")[0]["token"] == token["id"]
    assert (anybody.get("/auth/tokens", headers=cookie).status == 200) == (role == "admin")


def test_a_link_is_good_once(shared_server, client, anybody):
    link = magic_link(client)
    assert log_in(anybody, link).status == 303
    assert log_in(anybody, link).status == 401
    link = magic_link(client)
    answers = at_the_same_time(*[lambda: log_in(shared_server.client(token=None), link)] * 6)
    assert sorted(answer.status for answer in answers)[:1] == [303]
    assert sum(answer.status == 303 for answer in answers) == 1


def failed_logins(client):
    return re.search(r"^taskboard_failed_logins_total (\d+)$", client.get("/metrics").body.decode(), re.M).group(1)


def test_a_used_link_leads_who_is_logged_in_to_the_board(shared_server, client, anybody):
    link = magic_link(client)
    cookie = session_of(shared_server, link)
    before = failed_logins(client)
    again = log_in(anybody, link, **cookie)
    assert again.status == 303 and again.headers["Location"] == "/ui/?link=used" and "Set-Cookie" not in again.headers
    assert failed_logins(client) == before
    for shown, sent in ((link, {}), (link, {"Cookie": "session=ts_nobody"}), ("wrong", cookie), (cookie["Cookie"].removeprefix("session="), cookie)):
        assert log_in(anybody, shown, **sent).status == 401
    assert failed_logins(client) == str(int(before) + 4)
    assert is_in(anybody, cookie)
    assert anybody.post("/auth/logout", {}, headers={**cookie, **own_page(shared_server)}).status == 200
    assert log_in(anybody, link, **cookie).status == 401


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_at_a_link_does_not_use_it_up(anybody, client, method):
    link = magic_link(client)
    for _ in range(3):
        answer = anybody.request(method, f"/ui/login?token={link}")
        assert answer.status == 200 and "Set-Cookie" not in answer.headers
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["Referrer-Policy"] == "same-origin" and answer.headers["Cache-Control"] == "no-store"
    assert log_in(anybody, link).status == 303


def test_the_page_of_a_link_posts_it_with_a_script_of_its_own(anybody, client):
    link = magic_link(client)
    page = anybody.get(f"/ui/login?token={link}").body.decode()
    assert f'value="{link}"' in page and 'action="/ui/login"' in page and "<button>" in page
    assert re.findall(r"<script[^>]*>(.*?)</script>", page, re.S) == [""]
    (script,) = re.findall(r'<script src="([^"]*)"', page)
    answer = anybody.get(script)
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/javascript")
    assert b"submit()" in answer.body


@pytest.mark.parametrize("token", ["", "x", "%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "tl_%00", "%zz", "a&token=b"])
def test_what_is_no_link_is_not_repeated_on_the_page(anybody, token):
    answer = anybody.get(f"/ui/login?token={token}")
    assert answer.status == 200 and b"<script" not in answer.body and b'type="password"' in answer.body


def test_a_link_ends_with_its_token(shared_server, client, anybody):
    token = make_token(client, "viewer")
    link = magic_link(shared_server.client(token=token["token"]))
    revoke(client, token)
    assert log_in(anybody, link).status == 401


def test_neither_a_link_nor_a_session_lasts_longer_than_its_token(shared_server, client, anybody):
    token = make_token(client, "viewer", expiresInSeconds=3)
    named = shared_server.client(token=token["token"])
    assert named.post("/auth/magic-link").json["expiresAt"] == token["expiresAt"]
    cookie = session_of(shared_server, magic_link(named))
    assert is_in(anybody, cookie)
    eventually(lambda: not is_in(anybody, cookie))
    assert [t for t in client.get("/auth/tokens").json["tokens"] if t["id"] == token["id"]] == []


def test_a_session_makes_no_links(shared_server, client, anybody):
    cookie = session_of(shared_server, magic_link(client))
    refused(anybody.post("/auth/magic-link", {}, headers={**cookie, **own_page(shared_server)}), 403, "forbidden", "session")


def test_old_links_make_room_for_new_ones(own_server, board):
    token = make_token(board, "viewer")
    named, nobody = own_server.client(token=token["token"]), own_server.client(token=None)
    links = [magic_link(named) for _ in range(102)]
    other = magic_link(board)
    assert [log_in(nobody, link).status for link in (links[0], links[1], links[2], links[101], other)] == [401, 401, 303, 303, 303]


def test_a_session_that_makes_room_is_told_as_ended(own_server, board):
    token = make_token(board, "viewer")
    cookies = [session_of(own_server, token["token"]) for _ in range(101)]
    assert [is_in(own_server.client(token=None), cookie) for cookie in cookies[:2]] == [False, True]
    first, *_ = board.events("type=auth.session_started")
    (ended,) = board.events("type=auth.session_ended")
    assert ended["data"] == {**first["data"], "reason": "displaced"} and ended["token"] == token["id"]


def test_a_token_does_not_fill_the_log_with_its_logins(serve):
    server = serve("--threads", "1")
    admin, nobody = server.client(), server.client(token=None)
    token, other = make_token(admin, "viewer"), make_token(admin, "viewer")
    named = server.client(token=token["token"])
    began = time.monotonic()
    answers = [named.post("/auth/magic-link") for _ in range(300)]
    made = sum(answer.status == 200 for answer in answers)
    assert 120 <= made <= 121 + (time.monotonic() - began)
    refused(next(answer for answer in answers if answer.status != 200), 429, "too_many_logins")
    refused(log_in(nobody, token["token"]), 429, "too_many_logins")
    assert named.get("/board/tasks").status == 200
    assert is_in(nobody, session_of(server, other["token"])) and is_in(nobody, session_of(server, admin.token))
    eventually(lambda: named.post("/auth/magic-link").status == 200)


# --- where the link leads ---

@pytest.mark.parametrize("headers, base", [
    ({"Host": "board.example"}, "http://board.example/"),
    ({"Host": "board.example", "X-Forwarded-Proto": "https"}, "https://board.example/"),
    ({"Host": "[::1]:3000", "X-Forwarded-Proto": "HTTPS, http"}, "https://[::1]:3000/"),
])
def test_a_link_leads_to_where_the_request_went(client, headers, base):
    assert client.post("/auth/magic-link", headers=headers).json["url"].startswith(base + "ui/login?token=tl_")


@pytest.mark.parametrize("host", ['a"b', "a/b", "a b", "user@host", "a" * 256, "a?b", "a\\b"])
def test_a_host_that_is_none_makes_no_link(client, host):
    answer = client.post("/auth/magic-link", headers={"Host": host})
    assert answer.status == 400, answer


def test_the_public_url_goes_before_any_host(serve):
    server = serve("--public-url", "https://board.example")
    assert server.client().post("/auth/magic-link", headers={"Host": "evil.example"}).json["url"].startswith("https://board.example/ui/login?")


# --- logging in ---

def test_a_token_can_be_pasted(shared_server, client, anybody):
    token = make_token(client, "worker")
    for shown in (token["token"], client.token):
        cookie = session_of(shared_server, shown)
        assert is_in(anybody, cookie)
    for wrong in ("", "x", token["token"][:-1], "ts_" + token["token"][3:]):
        answer = log_in(anybody, wrong)
        assert answer.status in (401, 429) and "Set-Cookie" not in answer.headers


def test_a_session_is_no_bearer_token_and_a_token_no_cookie(shared_server, client, anybody):
    cookie = session_of(shared_server, magic_link(client))["Cookie"].partition("=")[2]
    assert shared_server.client(token=cookie).get("/board/tasks").status == 401
    token = make_token(client, "viewer")["token"]
    assert not is_in(anybody, {"Cookie": f"session={token}"})
    assert is_in(anybody, {"Cookie": f"a=b; session={cookie}; c=d"})
    assert not is_in(anybody, {"Cookie": f"xsession={cookie}"})
    assert client.get("/board/tasks", headers={"Cookie": "session=nonsense"}).status == 200  # the header counts


def test_the_cookie_is_hidden_from_scripts_and_secure_behind_tls(client, anybody):
    _, plain = cookie_of(log_in(anybody, magic_link(client)))
    assert {"httponly", "samesite=lax", "path=/", "max-age=86400"} == plain
    _, secure = cookie_of(log_in(anybody, magic_link(client), **{"X-Forwarded-Proto": "https"}))
    assert secure == plain | {"secure"}


@pytest.mark.parametrize("origin, status", [(None, 303), ("own", 303), ("https://evil.example", 403), ("null", 403), ("", 403)])
def test_no_other_page_logs_a_browser_in(shared_server, client, anybody, origin, status):
    own = own_page(shared_server)["Origin"]
    headers = {} if origin is None else {"Origin": own if origin == "own" else origin}
    assert log_in(anybody, magic_link(client), **headers).status == status


@pytest.mark.parametrize("sent, location", [
    ("/ui/tasks/01KAP2Y5Q3V8C4D1E7F9G2H5JK?x=%2520%26", "/ui/tasks/01KAP2Y5Q3V8C4D1E7F9G2H5JK?x=%20&"),
    ("", "/ui/"), ("//evil.example", "/ui/"), ("https://evil.example/ui/", "/ui/"), ("/board/tasks", "/ui/"), ("/ui/%0d%0aX:%20y", "/ui/"),
    ("/ui/%22", "/ui/"), ("/ui/" + 2100 * "a", "/ui/"), ("/ui/../../board/tasks", "/ui/"), ("/ui/%252e%252E/board", "/ui/"),
])
def test_a_login_leads_to_where_the_dashboard_was_asked_for_and_nowhere_else(anybody, client, sent, location):
    page = anybody.get(f"/ui/login?next={sent}").body.decode()
    assert ('name="next"' in page) == (location != "/ui/")
    again = log_in(anybody, f"wrong&next={sent}")
    assert again.status in (401, 429)
    answer = log_in(anybody, f"{magic_link(client)}&next={sent}")
    assert answer.status == 303 and answer.headers["Location"] == location


# --- other pages ---

def write(client, method, cookie, **headers):
    path = "/board/tasks/01KAP2Y5Q3V8C4D1E7F9G2H5JK"
    sent = {"Content-Type": "application/json", **cookie, **headers}
    if method == "POST":
        return client.post("/board/tasks", {"title": "t", "createdBy": "c"}, headers=sent)
    return client.request(method, path, None if method == "DELETE" else {"title": "x"}, headers=sent)


@pytest.mark.parametrize("method, good", [("POST", 201), ("PATCH", 404), ("DELETE", 404)])
def test_a_write_with_a_session_comes_from_a_page_of_ours(shared_server, client, anybody, method, good):
    cookie = session_of(shared_server, magic_link(client))
    own = own_page(shared_server)["Origin"]
    assert write(anybody, method, cookie, Origin=own).status == good
    for origin in (None, "", "null", "https://evil.example", own.replace("http:", "https:"), own + "0", own.replace("127.0.0.1", "127.0.0.2")):
        refused(write(anybody, method, cookie, Origin=origin), 403, "forbidden", "Origin")
    secure = {"X-Forwarded-Proto": "https"}
    assert write(anybody, method, cookie, Origin=own.replace("http:", "https:"), **secure).status == good
    refused(write(anybody, method, cookie, Origin=own, **secure), 403, "forbidden", "Origin")
    assert write(anybody, method, {"Authorization": f"Bearer {client.token}"}, Origin="https://evil.example").status == good


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx",
                                          "text/plain; application/json"])
def test_a_write_with_a_session_is_what_no_form_can_send(shared_server, client, anybody, content_type):
    cookie = session_of(shared_server, magic_link(client))
    headers = {**own_page(shared_server), "Content-Type": content_type}
    refused(write(anybody, "POST", cookie, **headers), 403, "forbidden", "application/json")
    assert write(anybody, "POST", cookie, **{**headers, "Content-Type": "application/json; charset=utf-8"}).status == 201


def test_a_websocket_with_a_session_comes_from_a_page_of_ours(shared_server, client):
    cookie = session_of(shared_server, magic_link(client))
    for origin in (None, "https://evil.example"):
        with Ws(shared_server, token=None, headers={**cookie, **({"Origin": origin} if origin else {})}) as ws:  # Host: t
            assert ws.status == 403
    with Ws(shared_server, token=None, headers={**cookie, "Origin": "http://t"}) as ws:
        assert ws.status == 101


@pytest.mark.parametrize("path", ["/board/tasks", "/events/stream", "/feed/stream"])
def test_a_page_of_another_site_reads_nothing_with_a_session(shared_server, client, path):
    cookie = session_of(shared_server, magic_link(client))

    def status(**headers):
        with Connection(shared_server, path, {**cookie, **headers}, token=None) as stream:  # Host: t
            return stream.status

    assert [status(Origin="http://evil.example"), status(Origin="null"), status(Origin="https://t")] == [403, 403, 403]
    assert [status(**{"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}) for site in ("cross-site", "same-site")] == [403, 403]
    assert [status(**{"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "cors"}) for site in ("same-origin", "none")] == [200, 200]
    assert status(**{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}) == 200  # somebody follows a link
    assert [status(), status(Origin="http://t")] == [200, 200]
    with Connection(shared_server, path, {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}) as stream:
        assert stream.status == 200  # a token is not sent by itself


# --- its end ---

def test_logging_out_ends_the_session_and_its_streams(shared_server, client, anybody):
    cookie = session_of(shared_server, magic_link(client))
    other = session_of(shared_server, magic_link(client))
    with Sse(shared_server, token=None, headers=cookie) as stream:
        assert stream.status == 200
        refused(anybody.post("/auth/logout", {}, headers=cookie), 403, "forbidden")
        answer = anybody.post("/auth/logout", {}, headers={**cookie, **own_page(shared_server)})
        assert answer.status == 200 and answer.json == {"ok": True}
        value, attributes = cookie_of(answer)
        assert value == "session=" and "max-age=0" in attributes
        expect_end(stream, MAY)
    assert not is_in(anybody, cookie) and is_in(anybody, other)
    assert client.post("/auth/logout").status == 200  # of a token: nothing happens
    assert is_in(client, {})


def test_revoking_a_token_ends_its_sessions(shared_server, client, anybody):
    token = make_token(client, "viewer")
    cookie = session_of(shared_server, magic_link(shared_server.client(token=token["token"])))
    assert is_in(anybody, cookie)
    revoke(client, token)
    assert not is_in(anybody, cookie)


def test_sessions_survive_a_restart_but_not_another_admin_token(serve):
    server = serve()
    admin = server.client()
    mine = session_of(server, magic_link(admin))
    named = session_of(server, magic_link(server.client(token=make_token(admin, "viewer")["token"])))
    link = magic_link(admin)
    server.restart()
    assert is_in(server.client(token=None), mine) and is_in(server.client(token=None), named)
    assert log_in(server.client(token=None), link).status == 303
    server.stop()
    again = serve(data=server.data, env={"VERS_AUTH_TOKEN": "another-token"})
    assert not is_in(again.client(token=None), mine) and is_in(again.client(token=None), named)


# --- who is logged in ---

def test_the_session_says_who_it_is(shared_server, client, anybody):
    token = make_token(client, "worker", name="ann's \"laptop\"", agent="ann", expiresInSeconds=100)
    named = shared_server.client(token=token["token"])
    who = {"role": "worker", "name": "ann's \"laptop\"", "agent": "ann", "expiresAt": token["expiresAt"]}
    assert named.get("/auth/session").json == {"kind": "token", **who}
    cookie = session_of(shared_server, magic_link(named))
    assert anybody.get("/auth/session", headers=cookie).json == {"kind": "session", **who}
    assert client.get("/auth/session").json == {"kind": "token", "role": "admin", "name": "admin"}
    mine = anybody.get("/auth/session", headers=session_of(shared_server, client.token)).json
    assert mine["kind"] == "session" and mine["role"] == "admin" and mine["expiresAt"]
    assert anybody.get("/auth/session").status == 401
    assert anybody.get("/auth/session", headers={"Cookie": "session=nonsense"}).status in (401, 429)


def test_a_link_of_an_open_board_is_stored_well_and_opens_nothing_later(serve):
    server = serve("--no-auth", env={"VERS_AUTH_TOKEN": None})
    link = magic_link(server.client(token=None))
    server.stop()
    checked = server.check()
    assert checked.returncode == 0, checked.stdout
    assert log_in(serve(data=server.data).client(token=None), link).status == 401

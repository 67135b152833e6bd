"""Named tokens and sessions as the tests use them."""

import time
from urllib.parse import parse_qs, urlsplit

from .streams import Ended


def make_token(admin, role, name="a token", **fields):
    """The answer to POST /auth/tokens, as JSON."""
    answer = admin.post("/auth/tokens", {"name": name, "role": role, **fields}, documented=True)
    assert answer.status == 201, answer
    return answer.json


def revoke(admin, token):
    answer = admin.request("DELETE", f"/auth/tokens/{token['id']}")
    assert answer.status == 200 and answer.json == {"deleted": True}, answer


def bound(server, admin, role="worker", agent="ann"):
    """A client with a token of its own that is bound to that agent."""
    return server.client(token=make_token(admin, role, agent=agent)["token"])


def magic_link(client, **options):
    """What a new link has as its `token`."""
    answer = client.post("/auth/magic-link", **options)
    assert answer.status == 200, answer
    url = urlsplit(answer.json["url"])
    assert url.path == "/ui/login"
    (token,) = parse_qs(url.query)["token"]
    return token


def log_in(anybody, shown, **headers):
    """The answer to the form of the login page."""
    return anybody.post("/ui/login", f"token={shown}".encode(), headers={"Content-Type": "application/x-www-form-urlencoded", **headers})


def cookie_of(answer):
    """The value of the session's cookie, and its attributes in lower case."""
    value, *attributes = answer.headers["Set-Cookie"].split("; ")
    assert value.startswith("session=")
    return value, {attribute.lower() for attribute in attributes}


def session_of(server, shown):
    """A header with the cookie of a new session."""
    answer = log_in(server.client(token=None), shown)
    assert answer.status == 303 and answer.headers["Location"] == "/ui/", answer
    return {"Cookie": cookie_of(answer)[0]}


def own_page(server):
    """The headers of a write by a page of the server's own."""
    return {"Origin": f"http://127.0.0.1:{server.port}", "Content-Type": "application/json"}


def expect_end(stream, seconds):
    """The server ends the stream of server-sent events within that time, whatever it sends before."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            stream.within(max(deadline - time.monotonic(), 0.001)).next()
        except Ended:
            return

"""Each role at each route: the server's own table, the contract's table, and what the server does, must be the same three times."""

import subprocess

import pytest
from harness import Raw, TOKEN, refused
from harness.auth import make_token
from harness.server import program

ROLES = ["viewer", "worker", "coordinator", "admin"]

# What docs/PROTOCOL.md says: the least role of each route that is not listed is `viewer` for GET and `worker` for the rest.
LEAST = {
    "open": """GET /health, GET /ready, GET /, GET /ui, GET /ui/login, POST /ui/login, GET /ui/*""",
    "viewer": """POST /auth/magic-link, POST /auth/logout""",
    "coordinator": """POST /board/retry, POST /board/pause, POST /board/resume, DELETE /board/tasks/:id, POST /board/tasks/:id/approve,
        POST /board/tasks/:id/reject, POST /board/tasks/:id/cancel, POST /board/tasks/:id/retry,
        POST /board/tasks/:id/attempts/:n/accept, DELETE /feed/events""",
    "admin": """GET /auth/tokens, POST /auth/tokens, DELETE /auth/tokens/:id""",
}


def wanted_role(route):
    for role, routes in LEAST.items():
        if route in [" ".join(one.split()) for one in routes.split(",")]:
            return role
    method, path = route.split()
    return "admin" if path.startswith("/admin/") else "viewer" if method == "GET" else "worker"


def routes():
    """(METHOD /path, least role) of the server's table."""
    printer = program().parents[1] / "tests" / "print_routes"
    lines = subprocess.run([printer], check=True, capture_output=True, text=True).stdout.splitlines()
    return [tuple(line.rsplit(" ", 1)) for line in lines]


ROUTES = routes()


@pytest.fixture(scope="module")
def fleet(shared_server):
    """A token of each role."""
    admin = shared_server.client()
    yield {role: make_token(admin, role)["token"] for role in ROLES}
    admin.close()


@pytest.mark.parametrize("route, role", ROUTES, ids=[route for route, _ in ROUTES])
def test_the_table_says_what_the_contract_says(route, role):
    assert role == wanted_role(route)


def ask(server, route, token):
    """The status, and the code of a refusal. Streams are left at once; ids are none."""
    method, path = route.split()
    path = path.replace(":id", "01KAP2Y5Q3V8C4D1E7F9G2H5JK").replace(":n", "1").replace(":role", "worker")
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    with Raw(server.port) as raw:
        # HEAD takes a stream's head and no stream.
        raw.send(f"{'HEAD' if method == 'GET' and 'stream' in path else method} {path} HTTP/1.1\r\nHost: t\r\n{authorization}Content-Length: 0\r\n\r\n")
        answer = raw.answer("HEAD" if "stream" in path else method)
        is_json = answer.body and "json" in (answer.headers["Content-Type"] or "")
        return answer.status, answer.json.get("code") if is_json and isinstance(answer.json, dict) else None


@pytest.mark.parametrize("route, least", ROUTES, ids=[route for route, _ in ROUTES])
def test_each_role_may_call_what_the_table_says_and_nothing_else(shared_server, fleet, route, least):
    for role in ROLES:
        status, code = ask(shared_server, route, fleet[role])
        may = least == "open" or ROLES.index(role) >= ROLES.index(least)
        assert (status == 403 and code == "forbidden") == (not may), f"{role}: {status} {code}"
        if least != "open":
            assert status != 401, f"{role}: {status}"
    status, _ = ask(shared_server, route, None)
    if least == "open":
        assert status != 401 or route == "POST /ui/login"
    else:
        assert status == 401
        assert ask(shared_server, route, "wrong")[0] in (401, 429)
    assert ask(shared_server, route, TOKEN)[0] != 403


@pytest.mark.parametrize("role", ROLES)
def test_force_is_for_coordinators(shared_server, client, fleet, role):
    named = shared_server.client(token=fleet[role])
    client.create()
    task = client.claim_one("somebody")
    answer = named.patch(task["id"], {"status": "open"}, headers=None)
    assert answer.status == (403 if role == "viewer" else 409)
    answer = named.request("PATCH", f"/board/tasks/{task['id']}?force=true", {"status": "done"})
    if ROLES.index(role) >= ROLES.index("coordinator"):
        assert answer.status == 200, answer
    else:
        refused(answer, 403, "forbidden")
        assert client.finish(task, "complete").status == 200

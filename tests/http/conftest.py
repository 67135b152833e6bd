"""Fixtures of the HTTP tests. One server a file, unless a test asks for one of its own."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
for folder in (TESTS, TESTS / "http"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

from harness import Server  # noqa: E402  (found through the path set above)


@pytest.fixture(scope="module")
def shared_server():
    """The file's server; it must still be up, and end well, when the file is through."""
    with Server() as server:
        yield server
        assert server.is_up(), server.log()[-8000:]


@pytest.fixture
def client(shared_server):
    """A client of the file's server."""
    client = shared_server.client()
    yield client
    client.close()
    assert shared_server.is_up(), shared_server.log()[-8000:]


@pytest.fixture
def own_server():
    """A server of the test's own, with an empty board."""
    with Server() as server:
        yield server


@pytest.fixture
def board(own_server):
    """A client of an empty board."""
    return own_server.client()


def tell(story):
    with Server("--threads", "1") as server:
        story(server)


@pytest.fixture(scope="module", autouse=True)
def end_of(request):
    """Stories are what takes long because it has to wait: functions of a server (theirs alone, with one event loop), given
    to a test as its parameter `story`. They begin with the file's first test; end_of(story) waits for one."""
    wanted = [item.callspec.params["story"] for item in request.session.items
              if item.module is request.module and hasattr(item, "callspec") and "story" in item.callspec.params]
    with ThreadPoolExecutor(len(wanted) + 1) as pool:
        running = {story: pool.submit(tell, story) for story in wanted}
        yield lambda story: running[story].result()


@pytest.fixture
def serve():
    """Makes servers as the test wants them: serve("--flag", env={…}); they end with the test."""
    servers = []

    def make(*flags, start=True, **options):
        server = Server(*flags, **options)
        servers.append(server)
        return server.start() if start else server

    yield make
    for server in reversed(servers):  # a later one may have the data of an earlier one
        server.close()

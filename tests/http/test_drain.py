"""SIGTERM: what runs is finished, nothing new is begun, and the end comes in time."""

import json
import signal
import threading

import pytest
from harness import Client, Raw, TOKEN, at_the_same_time, eventually

BODY = json.dumps({"title": "in flight", "createdBy": "c"})
HEAD = (f"POST /board/tasks HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(BODY)}\r\n\r\n")


def running_request(server):
    """A POST of which the server has all but the last byte of the body."""
    raw = Raw(server.port)
    assert raw.send(HEAD + BODY[:-1])
    return raw


def not_ready(server, kept):
    """True once /ready says 503, asked on a kept connection or, where that was closed, finds nobody any more."""
    try:
        answer = kept.get("/ready", check=False)
    except (ConnectionError, OSError):
        return True
    return answer.status == 503


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_running_request_is_finished_and_durable(serve, number):
    server = serve("--drain-seconds", "20")
    kept = server.client()
    assert kept.get("/ready").status == 200
    running = running_request(server)
    assert kept.get("/health").status == 200
    server.send_signal(number)
    eventually(lambda: not_ready(server, kept), "/ready to fail")
    assert server.is_up()
    running.send(BODY[-1])
    answer = running.answer("POST")
    assert answer.status == 201
    running.close()
    server.ended()
    server.start()
    assert server.client().task(answer.json["id"])["title"] == "in flight"


def test_ready_says_503_and_why_while_draining(serve):
    server = serve("--drain-seconds", "20")
    kept = server.client()
    kept.get("/ready")
    running = running_request(server)
    kept.get("/health")
    server.send_signal(signal.SIGTERM)

    def refusal():
        answer = kept.get("/ready")
        return answer.status == 503 and answer

    answer = eventually(refusal, "/ready to say 503")
    assert "draining" in answer.body.decode() and int(answer.headers["Retry-After"]) > 0
    running.close()
    server.ended()


def test_idle_connections_do_not_hold_up_the_end(serve):
    server = serve("--drain-seconds", "25")
    idle = [server.client() for _ in range(20)]
    assert all(client.get("/health").status == 200 for client in idle)
    bare = [Raw(server.port) for _ in range(5)]
    server.send_signal(signal.SIGTERM)
    server.process.wait(15)
    server.ended()
    for raw in bare:
        raw.close()


def test_a_request_that_never_ends_is_cut_off_after_the_drain_seconds(serve):
    server = serve("--drain-seconds", "1")
    stuck = running_request(server)
    server.client().get("/health")
    server.send_signal(signal.SIGTERM)
    server.process.wait(15)
    server.ended()
    stuck.close()


def test_a_second_signal_does_no_harm(serve):
    server = serve("--drain-seconds", "1")
    stuck = running_request(server)
    server.client().get("/health")
    server.send_signal(signal.SIGTERM)
    server.send_signal(signal.SIGTERM)
    server.ended_with_any = server.process.wait(15)
    assert server.ended_with_any >= 0
    stuck.close()


def test_every_create_that_was_acknowledged_while_draining_is_there_afterwards(serve):
    server = serve()
    acknowledged, begun = [], threading.Semaphore(0)

    def write(number):
        client = Client(server.port, token=TOKEN, check=False)
        try:
            for n in range(100000):
                answer = client.post("/board/tasks", {"title": f"{number}-{n}", "createdBy": "c"})
                if answer.status != 201:
                    assert answer.status == 503, answer
                    return
                acknowledged.append(answer.json)
                begun.release()
        except (ConnectionError, OSError):
            pass

    def end():
        for _ in range(40):
            begun.acquire()
        server.send_signal(signal.SIGTERM)

    at_the_same_time(end, *[lambda n=n: write(n) for n in range(6)])
    server.ended()
    server.start()
    there = {task["id"]: task for task in server.client(check=False).list("limit=10000")}
    assert len(acknowledged) >= 40
    for task in acknowledged:
        assert there[task["id"]] == task

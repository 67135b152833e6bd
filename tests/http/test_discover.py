"""GET /registry/discover/:role, held until the answer is another one."""

import time
from urllib.parse import quote

import pytest
from harness import Later

VM = {"name": "n", "role": "worker", "address": "a", "registeredBy": "r"}


@pytest.fixture
def single(serve):
    return serve("--threads", "1")


@pytest.fixture
def board(single):
    board = single.client()
    board.head_seq()
    return board


def register(board, vm_id, **fields):
    answer = board.post("/registry/vms", {**VM, "id": vm_id, **fields})
    assert answer.status == 201, answer


def found(board, role="worker", query=""):
    answer = board.get(f"/registry/discover/{role}?{query}")
    assert answer.status == 200 and answer.json["count"] == len(answer.json["vms"])
    return [vm["id"] for vm in answer.json["vms"]]


def test_running_ones_of_the_role_earliest_first(board):
    register(board, "b")
    register(board, "a")
    register(board, "i", role="infra")
    register(board, "p", status="paused")
    register(board, "s", services=[{"name": "web", "port": 80}])
    assert found(board) == ["b", "a", "s"]
    assert found(board, query="service=web") == ["s"]
    assert found(board, "infra") == ["i"]
    assert found(board, "golden") == []


@pytest.mark.parametrize("role", ["nobody", "WORKER", "%zz", "%00", quote("a/b", safe="")])
def test_a_role_that_is_none(board, role):
    register(board, "a")
    assert found(board, role) == []


def hold(server, board, path, wait=30):
    etag = board.get(path).etag
    joint = "&" if "?" in path else "?"
    return Later(server, "GET", f"{path}{joint}wait={wait}", headers={"If-None-Match": etag})


@pytest.mark.parametrize("path", ["/registry/discover/worker", "/registry/vms", "/registry/vms?role=worker"])
def test_it_is_held_until_a_vm_comes(single, board, path):
    later = hold(single, board, path)
    assert not later.is_answered(0.2)
    register(board, "a")
    answer = later.answer()
    assert answer.status == 200 and [vm["id"] for vm in answer.json["vms"]] == ["a"]


def test_a_sign_of_life_or_a_task_does_not_wake_it(single, board):
    register(board, "a")
    later = hold(single, board, "/registry/discover/worker")
    board.post("/registry/vms/a/heartbeat")
    board.create()
    assert not later.is_answered(0.3)
    board.request("DELETE", "/registry/vms/a")
    assert later.answer().json == {"vms": [], "count": 0}


def test_without_a_change_it_is_304(board):
    etag = board.get("/registry/discover/worker").etag
    begun = time.monotonic()
    answer = board.get("/registry/discover/worker?wait=1", headers={"If-None-Match": etag})
    assert answer.status == 304 and time.monotonic() - begun >= 0.99


@pytest.mark.parametrize("wait", ["x", "-1", "61"])
def test_a_wait_that_is_none(board, wait):
    assert board.get(f"/registry/discover/worker?wait={wait}").status == 400


def test_those_who_leave_while_they_are_held_hinder_nobody(single, board):
    held = [hold(single, board, "/registry/discover/worker") for _ in range(20)]
    for n, later in enumerate(held):
        if n % 4 == 0:
            later.raw.reset()
        elif n % 4 == 1:
            later.leave()
    register(board, "a")
    for n, later in enumerate(held):
        if n % 4 > 1:
            assert [vm["id"] for vm in later.answer().json["vms"]] == ["a"]
    assert found(board) == ["a"]


def test_draining_answers_those_who_are_held(single, board):
    held = [hold(single, board, path) for path in ("/registry/discover/worker", "/registry/vms")]
    held[0].leave()
    single.leave()
    single.send_signal(15)
    assert held[1].answer().status == 304
    single.ended()

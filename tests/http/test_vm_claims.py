"""Claims that live with a VM: what its signs of life renew, and what its loss gives back."""

import time

import pytest
from harness import Later, eventually, refused
from harness.later import claim as waiting_claim

TTL_SECONDS = 10  # the smallest one


def register(board, vm_id="vm", **fields):
    body = {"id": vm_id, "name": "n", "role": "worker", "address": "10.0.0.1", "registeredBy": "r", **fields}
    answer = board.post("/registry/vms", body, documented=True)
    assert answer.status == 201, answer
    return answer.json


def set_status(board, status, vm_id="vm"):
    answer = board.request("PATCH", f"/registry/vms/{vm_id}", {"status": status})
    assert answer.status == 200, answer
    return answer.json


def beat(board, vm_id="vm"):
    answer = board.post(f"/registry/vms/{vm_id}/heartbeat", {}, documented=True)
    assert answer.status == 200, answer
    return answer.json


def vm(board, vm_id="vm"):
    return board.get(f"/registry/vms/{vm_id}").json


def claimed(board, count=1, vm_id="vm", agent="ann", **fields):
    """So many new tasks, claimed with the VM."""
    board.create_many([{"title": str(n), "createdBy": "c", **fields} for n in range(count)])
    tasks = board.claim(agent, vmId=vm_id, max=count)
    assert len(tasks) == count and all(task["claim"]["vmId"] == vm_id for task in tasks)
    return tasks


def is_given_back(board, task):
    """Open again, with the attempt counted; its holder is told why."""
    now = board.task(task["id"])
    assert now["status"] == "open" and now["attempts"] == 1 and now["ready"] and "claim" not in now
    (attempt,) = board.attempts(task["id"])
    assert attempt["outcome"] == "vm_lost" and attempt["vmId"] == task["claim"]["vmId"]
    for verb in ("heartbeat", "complete"):
        assert refused(board.finish(task, verb), 409, "claim_lost")["reason"] == "vm_lost"


def types_since(board, seq):
    return [event["type"] for event in board.events(f"since={seq}")]


# --- claiming ---

def test_a_claim_with_a_vm_shows_it(board):
    register(board)
    (task,) = claimed(board)
    assert board.task(task["id"])["claim"]["vmId"] == "vm"
    assert board.attempts(task["id"])[0]["vmId"] == "vm"
    assert vm(board)["claims"] == 1 and board.summary()["claimed"] == 1
    done = board.completed(task, result=1)
    assert (done["status"], done["outcome"]) == ("done", "success") and vm(board)["claims"] == 0


@pytest.mark.parametrize("status", [None, "paused", "stopped"])
def test_the_vm_must_run(board, status):
    task = board.create()
    if status:
        register(board, status=status)
    body = {"agent": "ann", "vmId": "vm"}
    refused(board.post("/board/claim", body), 409, "unknown_vm")
    refused(board.post("/board/claim", {**body, "wait": 5}), 409, "unknown_vm")
    refused(board.act(task["id"], "claim", body), 409, "unknown_vm")
    if status:
        set_status(board, "running")
    else:
        register(board)
    assert board.act(task["id"], "claim", body).json["claim"]["vmId"] == "vm"


def test_a_next_with_a_vm_that_cannot_claim_refuses_the_whole_request(board):
    board.create()
    task = board.claim_one()
    refused(board.finish(task, "complete", next={"agent": "ann", "vmId": "vm"}), 409, "unknown_vm")
    assert board.task(task["id"])["status"] == "in_progress"
    register(board)
    board.create()
    answer = board.finish(task, "complete", next={"agent": "ann", "vmId": "vm"})
    assert answer.status == 200 and answer.json["next"]["tasks"][0]["claim"]["vmId"] == "vm"


def test_why_and_ready_know_the_vm(board):
    task = board.create()
    ready = lambda: [one["id"] for one in board.get("/board/ready?agent=ann&vmId=vm").json["tasks"]]
    assert ready() == []
    assert board.why(task["id"], "agent=ann&vmId=vm") == {"claimable": False, "reasons": [{"code": "unknown_vm", "vmId": "vm"}]}
    register(board)
    assert board.why(task["id"], "agent=ann&vmId=vm") == {"claimable": True, "reasons": [], "position": 1}
    assert ready() == [task["id"]]
    for status in ("paused", "stopped"):
        set_status(board, status)
        (reason,) = board.why(task["id"], "vmId=vm")["reasons"]
        assert reason == {"code": "vm_not_running", "vmId": "vm", "status": status, "stale": False}
        assert ready() == []


# --- signs of life ---

def test_a_heartbeat_of_the_vm_renews_its_claims(board):
    register(board)
    register(board, "other")
    assert beat(board)["claimsRenewed"] == 0
    tasks = claimed(board, 3)
    assert beat(board)["claimsRenewed"] == 3 and beat(board, "other")["claimsRenewed"] == 0
    board.completed(tasks[0])
    assert beat(board)["claimsRenewed"] == 2
    answer = board.finish(tasks[1], "heartbeat")
    assert answer.status == 200 and answer.json["expiresAt"] > tasks[1]["claim"]["expiresAt"]


# --- its loss ---

@pytest.mark.parametrize("loss", ["stopped", "deregistered"])
def test_a_vm_that_is_lost_loses_its_claims(board, loss):
    register(board)
    register(board, "other")
    tasks, (kept,) = claimed(board, 3), claimed(board, vm_id="other")
    head = board.head_seq()
    if loss == "stopped":
        assert set_status(board, "stopped")["claims"] == 0
    else:
        assert board.request("DELETE", "/registry/vms/vm").json == {"deleted": True}
    first = "vm.updated" if loss == "stopped" else "vm.deregistered"
    assert types_since(board, head) == [first, "task.expired", "task.expired", "task.expired"]
    assert all(event["data"]["reason"] == "vm_lost" for event in board.events(f"since={head + 1}"))
    for task in tasks:
        is_given_back(board, task)
    summary = board.summary()
    assert (summary["claimed"], summary["ready"]) == (1, 3)
    assert board.task(kept["id"])["status"] == "in_progress"


def test_the_last_attempt_becomes_a_dead_letter(board):
    register(board)
    (task,) = claimed(board, maxAttempts=1)
    set_status(board, "stopped")
    now = board.task(task["id"])
    assert now["status"] == "blocked" and now["blockedReason"]["kind"] == "dead_letter"
    assert now["blockedReason"]["outcome"] == "vm_lost" and board.summary()["deadLetters"] == 1


def test_a_cancel_that_was_asked_for_is_met(board):
    register(board)
    (task,) = claimed(board)
    assert board.act(task["id"], "cancel", {}).status == 200
    set_status(board, "stopped")
    now = board.task(task["id"])
    assert (now["status"], now["outcome"]) == ("done", "cancelled")


def test_a_late_result_is_kept(board):
    register(board)
    (task,) = claimed(board)
    set_status(board, "stopped")
    refused(board.finish(task, "complete", result={"n": 1}), 409, "claim_lost")
    (attempt,) = board.attempts(task["id"])
    assert attempt["late"] is True and attempt["result"] == {"n": 1}
    again = board.claim_one("bob")
    assert again["id"] == task["id"] and again["previousAttempt"]["result"] == {"n": 1}


def test_a_paused_vm_keeps_its_claims(board):
    register(board)
    (task,) = claimed(board)
    assert set_status(board, "paused")["claims"] == 1
    assert board.task(task["id"])["status"] == "in_progress"
    refused(board.post("/board/claim", {"agent": "ann", "vmId": "vm"}), 409, "unknown_vm")
    assert set_status(board, "running")["claims"] == 1
    assert board.completed(task)["outcome"] == "success"


def test_claims_that_wait_get_what_a_lost_vm_gives_back(serve):
    server = serve("--threads", "1")
    board = server.client()
    register(board)
    tasks = claimed(board, 2)
    waiting = [waiting_claim(server, f"w{n}") for n in range(2)]
    answer = board.request("PATCH", "/registry/vms/vm", {"status": "stopped"})
    got = [later.answer() for later in waiting]
    assert [one.json["tasks"][0]["id"] for one in got] == [task["id"] for task in tasks]
    assert [one.json["tasks"][0]["claim"]["attempt"] for one in got] == [2, 2]
    assert [one.headers["Events-Seq"] for one in got] == [str(answer.seq + 1), str(answer.seq + 2)]


def test_a_claim_that_waits_with_a_vm_gets_nothing_once_that_is_lost(serve):
    server = serve("--threads", "1")
    board = server.client()
    register(board)
    waiting = waiting_claim(server, "ann", vmId="vm")
    set_status(board, "stopped")
    task = board.create()
    refused(waiting.answer(), 409, "unknown_vm")
    assert board.task(task["id"])["status"] == "open"


# --- ends of the server ---

@pytest.mark.parametrize("end", ["kill", "stop"])
def test_claims_and_leases_outlive_the_server(own_server, board, end):
    register(board)
    (task,) = claimed(board)
    seen = beat(board)["lastSeen"]
    own_server.leave()
    own_server.kill() if end == "kill" else own_server.stop()
    own_server.start()
    after = own_server.client()
    assert (vm(after)["lastSeen"], vm(after)["claims"], vm(after)["stale"]) == (seen, 1, False)
    assert after.task(task["id"])["claim"]["generation"] == task["claim"]["generation"]
    assert beat(after)["claimsRenewed"] == 1
    assert after.completed(task)["outcome"] == "success"


# --- what has to wait: with one loop, so that requests that wait stand there before time goes on ---

def claim_for(board, lease_seconds, **fields):
    board.create()
    return board.claim("ann", leaseSeconds=lease_seconds, **fields)


def leases_go_on_as_long_as_the_vm_is_heard_of(server):
    """Its holder says nothing for longer than the lease. The other claim shows that the time was over."""
    board = server.client()
    register(board)
    (task,) = claim_for(board, 10, vmId="vm")
    (lost,) = claim_for(board, 10)

    def other_is_over():
        beat(board)
        return board.task(lost["id"])["status"] == "open"

    eventually(other_is_over, "a lease to run out", 20)
    now = board.task(task["id"])
    assert now["status"] == "in_progress" and now["claim"]["generation"] == task["claim"]["generation"]
    assert board.completed(task)["outcome"] == "success"


def a_silent_vm_goes_stale_and_a_paused_one_does_not(server):
    board = server.client()
    register(board, "calm")
    register(board, "paused", ttlSeconds=TTL_SECONDS)
    register(board, ttlSeconds=TTL_SECONDS)
    register(board, "also-calm")  # so that those that fall silent are not most of all
    tasks, (kept,) = claimed(board, 2), claimed(board, vm_id="paused")
    set_status(board, "paused", "paused")
    head = board.head_seq()
    etag = board.get("/registry/discover/worker").etag
    held = Later(server, "GET", "/registry/discover/worker?wait=60", headers={"If-None-Match": etag})
    waiting = waiting_claim(server, "bob", wait=60)
    begun = time.monotonic()
    eventually(lambda: board.get("/registry/vms/vm").json["stale"], "the VM to go stale", TTL_SECONDS * 2)
    assert [one["id"] for one in held.answer().json["vms"]] == ["calm", "also-calm"]
    (again,) = waiting.answer().json["tasks"]
    assert again["id"] == tasks[0]["id"] and again["claim"]["by"] == "bob"
    assert time.monotonic() - begun < TTL_SECONDS * 1.5
    assert types_since(board, head) == ["vm.stale", "task.expired", "task.expired", "task.claimed"]
    is_given_back(board, tasks[1])
    assert vm(board)["claims"] == 0 and board.task(kept["id"])["status"] == "in_progress"
    refused(board.post("/board/claim", {"agent": "ann", "vmId": "vm"}), 409, "unknown_vm")
    (reason,) = board.why(tasks[1]["id"], "vmId=vm")["reasons"]
    assert reason == {"code": "vm_not_running", "vmId": "vm", "status": "running", "stale": True}
    assert beat(board)["claimsRenewed"] == 0 and vm(board)["stale"] is False
    assert types_since(board, head)[-1] == "vm.back"


def when_most_fall_silent_together_the_rest_keep_their_claims(server):
    """They were registered one by one, so that the first ones go stale before they are most of all."""
    board, count = server.client(), 6
    for n in range(count):
        register(board, f"vm{n}", ttlSeconds=TTL_SECONDS)
    tasks = [claimed(board, vm_id=f"vm{n}")[0] for n in range(count)]

    def all_are_silent():
        return all(one["stale"] for one in board.get("/registry/vms").json["vms"])

    def spared():
        return sum(event["data"]["vms"] for event in board.events("type=registry.expiry_held"))

    def lost():
        return len(board.events("type=vm.stale"))

    eventually(all_are_silent, "all of them to fall silent", TTL_SECONDS * 2)
    eventually(lambda: spared() + lost() == count, "the timer to have looked at all of them")
    assert spared() >= 3 and "most VMs are silent" in server.log()
    assert board.get("/registry/discover/worker").json["vms"] == []
    for n, task in enumerate(tasks):
        kept = n >= lost()
        assert board.task(task["id"])["status"] == ("in_progress" if kept else "open")
        assert beat(board, f"vm{n}")["claimsRenewed"] == (1 if kept else 0)
    assert len(board.get("/registry/discover/worker").json["vms"]) == count


def after_a_restart_a_vm_has_its_time_again(server):
    """It was silent for longer than its ttl while the server was down."""
    board = server.client()
    register(board, ttlSeconds=TTL_SECONDS)
    register(board, "other")
    (task,) = claimed(board)
    server.leave()
    server.kill()
    registered = time.monotonic()
    eventually(lambda: time.monotonic() - registered > TTL_SECONDS, "the ttl to be over", TTL_SECONDS * 2)
    server.start()
    after = server.client()
    assert vm(after)["stale"] is True and after.task(task["id"])["status"] == "in_progress"
    more = after.create()
    assert after.why(more["id"], "vmId=vm")["claimable"] is True
    assert after.claim_one("ann", vmId="vm")["id"] == more["id"]
    assert beat(after)["claimsRenewed"] == 2 and vm(after)["stale"] is False
    assert after.events("type=vm.stale") == [] and after.completed(task)["outcome"] == "success"


STORIES = [
    leases_go_on_as_long_as_the_vm_is_heard_of, a_silent_vm_goes_stale_and_a_paused_one_does_not,
    when_most_fall_silent_together_the_rest_keep_their_claims, after_a_restart_a_vm_has_its_time_again,
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_in_time(end_of, story):
    end_of(story)

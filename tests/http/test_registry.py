"""/registry/vms: the machines of the fleet, as today's clients know them, and what is new."""

from urllib.parse import quote

import pytest
from harness import changes_nothing, refused

VM = {"id": "vm-1", "name": "one", "role": "worker", "address": "10.0.0.1", "registeredBy": "fleet"}


def register(client, **fields):
    answer = client.post("/registry/vms", {**VM, **fields}, documented=True)
    assert answer.status == 201, answer
    return answer.json


def ids(client, query=""):
    answer = client.get(f"/registry/vms?{query}")
    assert answer.status == 200 and answer.json["count"] == len(answer.json["vms"])
    return [vm["id"] for vm in answer.json["vms"]]


def test_who_registers_is_the_tokens_agent_or_unknown(board):
    """Clients of the service before leave it out; a token's name is no agent's."""
    made = board.post("/registry/vms", {"id": "vm", "name": "n", "role": "worker", "address": "a"})
    assert made.status == 201 and made.json["registeredBy"] == "unknown"


def test_register_and_get(board):
    vm = register(board, services=[{"name": "ssh", "port": 22, "healthPath": "/h"}], metadata={"a": [1, {"b": None}]})
    assert vm == {**VM, "status": "running", "services": [{"name": "ssh", "port": 22, "healthPath": "/h"}],
                  "metadata": {"a": [1, {"b": None}]}, "registeredAt": vm["registeredAt"], "lastSeen": vm["registeredAt"],
                  "ttlSeconds": 300, "stale": False, "claims": 0}
    answer = board.get("/registry/vms/vm-1")
    assert answer.status == 200 and answer.json == vm


def test_twice_is_a_conflict_and_then_a_patch(board):
    register(board)
    with changes_nothing(board):
        answer = board.post("/registry/vms", VM)
        assert refused(answer, 409, "vm_exists")["error"] == "VM already registered"
    answer = board.request("PATCH", "/registry/vms/vm-1", {"address": "10.0.0.2"}, documented=True)
    assert answer.status == 200 and answer.json["address"] == "10.0.0.2"


@pytest.mark.parametrize("fields, sentence", [
    ({"id": None}, "id is required"), ({"id": "  "}, "id is required"), ({"name": None}, "name is required"),
    ({"role": None}, "invalid role: undefined"), ({"role": "king"}, "invalid role: king"), ({"status": "gone"}, "invalid status: gone"),
    ({"address": None}, "address is required"), ({"registeredBy": ""}, "registeredBy is required"),
])
def test_the_sentences_that_clients_know(board, fields, sentence):
    body = {k: v for k, v in {**VM, **fields}.items() if v is not None}
    with changes_nothing(board):
        answer = board.post("/registry/vms", body)
        assert answer.status == 400 and answer.json["error"] == sentence


@pytest.mark.parametrize("fields, sentence", [
    ({"name": ""}, "name cannot be empty"), ({"address": " "}, "address cannot be empty"), ({"status": "x"}, "invalid status: x"),
])
def test_the_sentences_of_a_patch(board, fields, sentence):
    register(board)
    with changes_nothing(board):
        answer = board.request("PATCH", "/registry/vms/vm-1", fields)
        assert answer.status == 400 and answer.json["error"] == sentence


@pytest.mark.parametrize("fields", [
    {"ttlSeconds": 9}, {"ttlSeconds": 86401}, {"services": {}}, {"services": [{"name": "a"}]}, {"services": [{"name": "a", "port": 0}]},
    {"services": ["a"]}, {"metadata": []}, {"id": "x" * 257},
])
def test_what_is_out_of_bounds(board, fields):
    with changes_nothing(board):
        refused(board.post("/registry/vms", {**VM, **fields}), 400, board.post("/registry/vms", {**VM, **fields}).json["code"])


def test_without_registered_by_it_is_the_tokens_name(board):
    body = {k: v for k, v in VM.items() if k != "registeredBy"}
    assert board.post("/registry/vms", body).json["registeredBy"]


def test_unknown_fields_are_ignored_and_named(board):
    answer = board.post("/registry/vms", {**VM, "colour": "red"})
    assert answer.status == 201 and answer.headers["Taskboard-Ignored-Fields"] == "colour"
    refused(board.post("/registry/vms", {**VM, "colour": 1}, headers={"Prefer": "handling=strict"}), 400, "unknown_field", "colour")


def test_lists(board):
    for n, (role, status) in enumerate([("worker", "running"), ("infra", "paused"), ("worker", "stopped")]):
        register(board, id=f"vm-{n}", role=role, status=status, services=[{"name": f"s{n}", "port": 80}])
    assert ids(board) == ["vm-2", "vm-1", "vm-0"]
    assert ids(board, "role=worker") == ["vm-2", "vm-0"]
    assert ids(board, "status=running") == ["vm-0"]
    assert ids(board, "service=s1") == ["vm-1"]
    register(board, id="vm-3", services=[{"name": "s1", "port": 80}, {"name": "s2", "port": 81}])
    assert ids(board, "service=s1&service=s2") == ids(board, "service=s2&service=s1&service=s2") == ["vm-3"]
    assert ids(board, "service=s1&service=s0") == []
    assert board.request("DELETE", "/registry/vms/vm-3").status == 200
    assert ids(board, "role=nobody") == ids(board, "status=nothing") == []
    assert ids(board, "role=&status=") == ["vm-2", "vm-1", "vm-0"]


def test_lists_have_tags_and_a_sign_of_life_is_no_change(board):
    register(board)
    etag = board.get("/registry/vms").etag
    assert board.post("/registry/vms/vm-1/heartbeat").status == 200
    assert board.get("/registry/vms", headers={"If-None-Match": etag}).status == 304
    board.request("PATCH", "/registry/vms/vm-1", {"name": "two"})
    answer = board.get("/registry/vms", headers={"If-None-Match": etag})
    assert answer.status == 200 and answer.etag != etag and answer.seq == board.head_seq()


def test_put(board):
    answer = board.request("PUT", "/registry/vms/vm-1", {k: v for k, v in VM.items() if k != "id"}, documented=True)
    assert answer.status == 201 and answer.json["id"] == "vm-1"
    again = board.request("PUT", "/registry/vms/vm-1", {**VM, "name": "two"}, documented=True)
    assert again.status == 200 and again.json["name"] == "two"
    assert again.json["registeredAt"] == answer.json["registeredAt"]
    with changes_nothing(board):
        assert board.request("PUT", "/registry/vms/vm-1", {**VM, "id": "vm-2"}).status == 400
        assert board.request("PUT", "/registry/vms/" + "x" * 257, VM).status == 400


def test_heartbeat(board):
    before = register(board)
    answer = board.post("/registry/vms/vm-1/heartbeat", {}, documented=True)
    assert answer.status == 200 and answer.json["id"] == "vm-1" and answer.json["claimsRenewed"] == 0
    assert answer.json["lastSeen"] >= before["lastSeen"]
    assert board.get("/registry/vms/vm-1").json["lastSeen"] == answer.json["lastSeen"]
    head = board.head_seq()
    for body in (None, b"", {}, [1], b"alive", b'{"a":', b"\xff"):
        assert board.post("/registry/vms/vm-1/heartbeat", body).status == 200
    assert board.head_seq() == head


def test_delete(board):
    register(board)
    answer = board.request("DELETE", "/registry/vms/vm-1")
    assert answer.status == 200 and answer.json == {"deleted": True}
    for method, path in (("GET", ""), ("DELETE", ""), ("PATCH", ""), ("POST", "/heartbeat")):
        answer = board.request(method, "/registry/vms/vm-1" + path, None if method in ("GET", "DELETE") else {})
        assert refused(answer, 404, "vm_not_found")["error"] == "VM not found"
    register(board)


STRANGE = ["a/b", "a b", "ü", "a%b", "a+b", "a&b=c", "a?b#c", "\"q\\", "x" * 256, "日本"]


@pytest.mark.parametrize("vm_id", STRANGE)
def test_ids_stand_percent_encoded_in_the_path(board, vm_id):
    register(board, id=vm_id)
    path = "/registry/vms/" + quote(vm_id, safe="")
    assert board.get(path).json["id"] == vm_id
    assert board.post(path + "/heartbeat").json["id"] == vm_id
    assert board.request("PATCH", path, {"name": "n"}).status == 200
    assert board.request("DELETE", path).status == 200
    assert board.request("PUT", path, {**VM, "id": vm_id}).status == 201


@pytest.mark.parametrize("path", ["%", "%zz", "%00", "%ff", "%20", "x" * 257, "a%2"])
def test_ids_that_are_none(board, path):
    refused(board.get(f"/registry/vms/{path}"), 404, "vm_not_found")


def test_events_tell_of_vms(board):
    register(board)
    board.request("PATCH", "/registry/vms/vm-1", {"status": "stopped"})
    board.request("DELETE", "/registry/vms/vm-1")
    events = board.get("/events?topic=registry", check=False).json["events"]
    assert [event["type"] for event in events] == ["vm.registered", "vm.updated", "vm.deregistered"]
    assert all(event["vmId"] == "vm-1" and event["data"]["vm"]["id"] == "vm-1" for event in events)


def test_a_repeated_registration_with_a_key(board):
    first = board.post("/registry/vms", VM, headers={"Idempotency-Key": "k"})
    again = board.post("/registry/vms", VM, headers={"Idempotency-Key": "k"})
    assert (first.status, again.status) == (201, 201) and first.body == again.body


def test_a_restart_forgets_nothing(own_server, board):
    vm = register(board)
    own_server.restart()
    after = own_server.client().get("/registry/vms/vm-1").json
    assert after == vm

"""Wrong types, values out of range and values over their limit: each refusal names the field, and nothing changes."""

import pytest
from harness import changes_nothing, refused

ARTIFACT = {"type": "url", "url": "u", "label": "l"}
TYPES = {"null": None, "true": True, "number": 5, "fraction": 1.5, "string": "x", "array": [], "object": {}}

# field: the types that are right for it
CREATE = {
    "description": {"null", "string"}, "assignee": {"null", "string"}, "tags": {"null", "array"},
    "dependencies": {"null", "array"}, "priority": {"null", "number"}, "maxAttempts": {"null", "number"},
    "delaySeconds": {"null", "number"}, "notBefore": {"null"}, "uniqueKey": {"null", "string"}, "parentId": {"null"},
}
PATCH = {name: kinds for name, kinds in CREATE.items() if name not in ("delaySeconds", "uniqueKey", "parentId")}


def wrong(fields):
    return [(name, kind) for name, right in fields.items() for kind in TYPES if kind not in right
            and not (name in ("notBefore", "parentId") and kind == "string")]


@pytest.mark.parametrize("field, kind", wrong(CREATE))
def test_a_create_with_a_wrong_type_names_the_field(client, field, kind):
    with changes_nothing(client):
        body = refused(client.post("/board/tasks", {"title": "t", "createdBy": "c", field: TYPES[kind]}), 400,
                       "invalid_field", field)
        assert body["field"] == field


@pytest.mark.parametrize("field, kind", wrong(PATCH))
def test_a_patch_with_a_wrong_type_names_the_field(client, field, kind):
    task_id = client.create()["id"]
    with changes_nothing(client):
        assert refused(client.patch(task_id, {field: TYPES[kind]}), 400, "invalid_field", field)["field"] == field


OUT_OF_RANGE = [
    ("title", "x" * 1025), ("title", "é" * 513), ("createdBy", "c" * 257), ("assignee", "é" * 129),
    ("description", "d" * (256 * 1024 + 1)), ("uniqueKey", "k" * 257),
    ("tags", [f"tag-{n}" for n in range(65)]), ("tags", ["t" * 129]), ("tags", ["good", ""]), ("tags", ["good", 5]),
    ("tags", [None]), ("tags", [["nested"]]), ("tags", {"0": "a"}),
    ("dependencies", [f"dep-{n}" for n in range(257)]), ("dependencies", ["d" * 257]), ("dependencies", [""]),
    ("dependencies", ["good", 5]), ("dependencies", [{}]),
    ("priority", 101), ("priority", -101), ("priority", 1e99), ("priority", 10**30), ("priority", "5"),
    ("priority", 0.5),
    ("maxAttempts", -1), ("maxAttempts", 1001), ("maxAttempts", 2.5),
    ("delaySeconds", -1), ("delaySeconds", 31536001), ("delaySeconds", "1"),
    ("notBefore", "tomorrow"), ("notBefore", ""), ("notBefore", "2023-02-29T00:00:00Z"), ("notBefore", "2023-01-01"),
    ("notBefore", "2023-01-01T00:00:00"), ("notBefore", 1700000000000), ("notBefore", "99999-01-01T00:00:00Z"),
    ("payload", "p" * 256 * 1024), ("payload", ["x" * 1000] * 263),
]


def row_ids(rows):
    return [f"{n}-{row[0]}" for n, row in enumerate(rows)]


@pytest.mark.parametrize("field, value", OUT_OF_RANGE, ids=row_ids(OUT_OF_RANGE))
def test_a_value_out_of_its_range_is_refused_and_named(client, field, value):
    sent = {"title": "t", "createdBy": "c", field: value}
    task_id = client.create()["id"]
    with changes_nothing(client):
        assert refused(client.post("/board/tasks", sent), 400, "invalid_field", field)["field"] == field
        body = refused(client.post("/board/tasks", [sent]), 400, "invalid_field", field)
        assert body["field"] == field and body["index"] == 0
        if field not in ("createdBy", "uniqueKey", "delaySeconds"):
            assert refused(client.patch(task_id, {field: value}), 400, "invalid_field", field)["field"] == field


ACTS = [
    ("notes", {"author": "a" * 257, "content": "c", "type": "update"}, "author"),
    ("notes", {"author": 5, "content": "c", "type": "update"}, "author"),
    ("notes", {"author": "a", "content": "c" * (64 * 1024 + 1), "type": "update"}, "content"),
    ("notes", {"author": "a", "content": ["c"], "type": "update"}, "content"),
    ("notes", {"author": "a", "content": "c", "type": 5}, "type"),
    ("artifacts", {"artifacts": ["x"]}, "artifacts"),
    ("artifacts", {"artifacts": [ARTIFACT, None]}, "artifacts"),
    ("artifacts", {"artifacts": [{**ARTIFACT, "url": "u" * 4097}]}, "url"),
    ("artifacts", {"artifacts": [{**ARTIFACT, "label": "l" * 4097}]}, "label"),
    ("artifacts", {"artifacts": [{**ARTIFACT, "url": 5}]}, "url"),
    ("artifacts", {"artifacts": [{**ARTIFACT, "addedBy": "a" * 257}]}, "addedBy"),
    ("artifacts", {"artifacts": [{**ARTIFACT, "addedBy": 5}]}, "addedBy"),
    ("artifacts", {"artifacts": [ARTIFACT] * 101}, "artifacts"),
    ("review", {"summary": 5}, "summary"),
    ("review", {"summary": "s" * (64 * 1024 + 1)}, "summary"),
    ("review", {"summary": "s", "reviewedBy": "r" * 257}, "reviewedBy"),
    ("review", {"summary": "s", "reviewedBy": {}}, "reviewedBy"),
    ("review", {"summary": "s", "artifacts": [{**ARTIFACT, "url": "u" * 4097}]}, "url"),
    ("approve", {"approvedBy": "a" * 257}, "approvedBy"),
    ("approve", {"approvedBy": 5}, "approvedBy"),
    ("approve", {"comment": "c" * (63 * 1024 + 1)}, "comment"),
    ("approve", {"comment": []}, "comment"),
    ("reject", {"reason": "r" * (63 * 1024 + 1)}, "reason"),
    ("reject", {"reason": True}, "reason"),
    ("reject", {"reason": "r", "rejectedBy": "a" * 257}, "rejectedBy"),
    ("reject", {"reason": "r", "rejectedBy": 1}, "rejectedBy"),
]


@pytest.mark.parametrize("verb, body, field", ACTS, ids=row_ids(ACTS))
def test_a_bad_value_in_a_body_of_an_act_is_refused_and_named(client, verb, body, field):
    task_id = client.create()["id"]
    with changes_nothing(client):
        answer = client.act(task_id, verb, body)
        assert answer.status == 400 and answer.json["code"] in ("invalid_field", "missing_field"), answer
        assert field in answer.json["error"] or answer.json.get("field") == field, answer


AT_THE_EDGE = [
    ("notes", {"author": "é" * 128, "content": "c" * 64 * 1024, "type": "update"}),
    ("artifacts", {"artifacts": [{**ARTIFACT, "url": "u" * 4096, "label": "l" * 4096}] * 100}),
    ("review", {"summary": "s" * 64 * 1024, "reviewedBy": "r" * 256}),
    ("approve", {"comment": "c" * 63 * 1024, "approvedBy": "a" * 256}),
    ("reject", {"reason": "r" * 63 * 1024, "rejectedBy": "a" * 256}),
]


@pytest.mark.parametrize("verb, body", AT_THE_EDGE, ids=[row[0] for row in AT_THE_EDGE])
def test_a_value_at_its_limit_is_taken(client, verb, body):
    answer = client.act(client.create()["id"], verb, body)
    assert answer.status in (200, 201), answer


def test_bump_takes_nothing(client):
    task_id = client.create()["id"]
    assert client.act(task_id, "bump", {"by": 5}).json["score"] == 1
    with changes_nothing(client):
        answer = client.act(task_id, "bump", {"by": 5}, headers={"Prefer": "handling=strict"})
        refused(answer, 400, "unknown_field", "by")


def test_a_delay_and_an_instant_together_are_refused(client):
    with changes_nothing(client):
        answer = client.post("/board/tasks", {"title": "t", "createdBy": "c", "delaySeconds": 5,
                                              "notBefore": "2999-01-01T00:00:00Z"})
        refused(answer, 400, "invalid_field")

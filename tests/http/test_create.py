"""POST /board/tasks with one task: shapes, defaults, trims, legacy texts, limits at their edge."""

import re
from datetime import datetime, timedelta, timezone

import pytest
from harness import changes_nothing, eventually, refused

ULID = re.compile(r"^[0-9A-HJKMNP-TV-Z]{26}$")
INSTANT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
SPACES = " \t\n\r\f\v\u00a0\u1680\u2000\u2003\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"


def instant(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)


def written(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def post(client, fields, **options):
    return client.post("/board/tasks", fields, **options)


def test_a_task_of_title_and_creator_has_exactly_the_default_fields(client):
    answer = post(client, {"title": "Fix bug", "createdBy": "agent-1"})
    assert answer.status == 201
    task = answer.json
    assert ULID.match(task.pop("id"))
    assert INSTANT.match(task["createdAt"]) and task.pop("createdAt") == task.pop("updatedAt")
    assert task == {
        "title": "Fix bug", "status": "open", "createdBy": "agent-1", "tags": [], "dependencies": [], "notes": [],
        "artifacts": [], "score": 0, "version": 1, "priority": 0, "attempts": 0, "maxAttempts": 3, "ready": True,
        "blockedBy": [],
    }
    assert answer.etag == '"1"'


def test_a_task_keeps_every_field_that_it_was_created_with(client):
    parent = client.create("parent")
    asked = {
        "title": "Implement API", "description": "Build the REST API", "status": "in_progress", "assignee": "agent-2",
        "tags": ["backend", "urgent"], "dependencies": ["dep-1"], "createdBy": "agent-1", "priority": -7,
        "payload": {"deep": [1, {"a": None}], "": "kept"}, "maxAttempts": 0, "uniqueKey": "every-field",
        "parentId": parent["id"], "notBefore": "2020-01-01T00:00:00.000Z",
    }
    task = client.create(**asked)
    assert {name: task[name] for name in asked} == asked
    assert client.task(task["id"]) == task


def test_the_order_of_the_fields_does_not_matter(client):
    asked = [("title", "order"), ("createdBy", "a"), ("tags", ["x"]), ("priority", 4), ("payload", [1])]
    shapes = [client.create(**dict(fields)) for fields in (asked, asked[::-1])]
    for task in shapes:
        for name in ("id", "createdAt", "updatedAt"):
            del task[name]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("field", ["title", "createdBy", "description", "assignee"])
def test_texts_are_trimmed_of_every_space_that_javascript_knows(client, field):
    fields = {"title": "t", "createdBy": "c", field: f"{SPACES}in the  middle{SPACES}"}
    assert client.create(**fields)[field] == "in the  middle"


def test_tags_and_dependencies_are_kept_exactly_as_sent(client):
    task = client.create(tags=["  spaced ", "Ünïcode", "a,b", "twice", "twice"], dependencies=[" not-an-id "])
    assert task["tags"] == ["  spaced ", "Ünïcode", "a,b", "twice", "twice"]
    assert task["dependencies"] == [" not-an-id "]


@pytest.mark.parametrize("payload", [
    b'{"big":12345678901234567890,"precise":1.10,"e":1E+2,"minus":-0}', b'"text"', b"17", b"false",
    b'[[],{},"\\u00e9\\ud83d\\ude00\\n\\"\\\\/"]',
])
def test_a_payload_of_any_json_comes_back_as_it_was_sent(client, payload):
    import json
    exactly = {"parse_int": str, "parse_float": str}
    body = b'{"title":"t","createdBy":"c","payload":' + payload + b"}"
    answer = post(client, body)
    assert answer.status == 201, answer
    assert json.loads(answer.body, **exactly)["payload"] == json.loads(payload, **exactly)


@pytest.mark.parametrize("field, value", [
    ("assignee", ""), ("assignee", "  "), ("assignee", None), ("description", None), ("payload", None),
    ("uniqueKey", None), ("uniqueKey", ""), ("parentId", None), ("notBefore", None),
])
def test_what_says_nothing_is_absent(client, field, value):
    assert field not in client.create(**{field: value})


@pytest.mark.parametrize("field, value, default", [
    ("tags", None, []), ("dependencies", None, []), ("status", None, "open"), ("status", "", "open"),
    ("priority", None, 0), ("maxAttempts", None, 3),
])
def test_what_says_nothing_takes_its_default(client, field, value, default):
    answer = post(client, {"title": "t", "createdBy": "c", field: value})
    assert answer.status == 201 and answer.json[field] == default


@pytest.mark.parametrize("status", ["open", "in_progress", "in_review", "blocked", "done"])
def test_a_task_is_created_in_any_status(client, status):
    task = client.create(status=status)
    assert task["status"] == status
    assert task.get("outcome") == ("success" if status == "done" else None)
    assert task["ready"] == (status == "open")


LEGACY_TEXTS = [
    ({"createdBy": "a"}, "title is required"),
    ({"title": "", "createdBy": "a"}, "title is required"),
    ({"title": SPACES, "createdBy": "a"}, "title is required"),
    ({"title": 5, "createdBy": "a"}, "title is required"),
    ({"title": None, "createdBy": "a"}, "title is required"),
    ({"title": "t"}, "createdBy is required"),
    ({"title": "t", "createdBy": ""}, "createdBy is required"),
    ({"title": "t", "createdBy": " \u3000 "}, "createdBy is required"),
    ({"title": "t", "createdBy": ["a"]}, "createdBy is required"),
    ({}, "title is required"),
    ({"title": "t", "createdBy": "a", "status": "invalid"}, "invalid status: invalid"),
    ({"title": "t", "createdBy": "a", "status": "Open"}, "invalid status: Open"),
    ({"title": "t", "createdBy": "a", "status": "cancelled"}, "invalid status: cancelled"),
    ({"title": "t", "createdBy": "a", "status": 'a "quoted" one\n'}, 'invalid status: a "quoted" one\n'),
]


@pytest.mark.parametrize("fields, text", LEGACY_TEXTS)
def test_a_refusal_says_the_legacy_text(client, fields, text):
    with changes_nothing(client):
        answer = post(client, fields)
        assert answer.status == 400 and answer.json["error"] == text


def test_an_empty_body_counts_as_an_empty_object(client):
    for body in (None, b"", b" \n "):
        assert post(client, body).json["error"] == "title is required"


def test_any_content_type_and_none_is_taken_with_a_bearer_token(client):
    for kind in ("text/plain", "application/x-www-form-urlencoded", None):
        answer = post(client, {"title": "t", "createdBy": "c"}, headers={"Content-Type": kind})
        assert answer.status == 201, answer


AT_THE_EDGE = [
    ("title", "x" * 1024), ("title", "é" * 512), ("description", "d" * 256 * 1024), ("createdBy", "c" * 256),
    ("assignee", "a" * 256), ("uniqueKey", "k" * 256), ("tags", [f"tag-{n}" for n in range(64)]),
    ("tags", ["t" * 128]), ("tags", ["é" * 64]), ("dependencies", [f"dep-{n}" for n in range(256)]),
    ("priority", 100), ("priority", -100), ("maxAttempts", 0), ("maxAttempts", 1000),
    ("payload", "p" * (256 * 1024 - 2)),
]


@pytest.mark.parametrize("field, value", AT_THE_EDGE, ids=[f"{field}-{n}" for n, (field, _) in enumerate(AT_THE_EDGE)])
def test_a_value_at_its_limit_is_taken(client, field, value):
    task = client.create(**{"title": "t", "createdBy": "c", field: value})
    assert client.task(task["id"])[field] == value


def test_ids_rise_in_the_order_of_creation(client):
    ids = [client.create()["id"] for _ in range(50)]
    assert ids == sorted(ids) and len(set(ids)) == 50


def test_a_parent_must_exist(client):
    for parent in ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "nonsense"):
        with changes_nothing(client):
            refused(post(client, {"title": "t", "createdBy": "c", "parentId": parent}), 400, "unknown_parent")


@pytest.mark.parametrize("delay", [{"delaySeconds": 1}, {"notBefore": "soon"}])
def test_a_delayed_task_becomes_ready_by_itself(client, delay):
    if "notBefore" in delay:
        delay = {"notBefore": written(datetime.now(timezone.utc) + timedelta(seconds=1))}
    task = client.create(**delay)
    assert task["ready"] is False and task["blockedBy"] == []
    if "notBefore" in delay:
        assert task["notBefore"] == delay["notBefore"]
    else:
        assert instant(task["notBefore"]) - instant(task["createdAt"]) == timedelta(seconds=1)
    assert task["id"] not in client.ids("ready=true") and task["id"] in client.ids("ready=false")
    turned = eventually(lambda: (now := client.task(task["id"]))["ready"] and now, "the task to become ready")
    assert turned["version"] == 2 and turned["updatedAt"] == task["updatedAt"]
    assert task["id"] in client.ids("ready=true") and task["id"] not in client.ids("ready=false")
    last = client.get(f"/board/tasks/{task['id']}/history").json["events"][-1]
    assert last["type"] == "task.ready" and last["at"] >= task["notBefore"]


@pytest.mark.parametrize("sent, answered", [
    ("2999-01-01T00:00:00Z", "2999-01-01T00:00:00.000Z"),
    ("2999-01-01T02:30:00.5+02:30", "2999-01-01T00:00:00.500Z"),
    ("2998-12-31T19:00:00.1239-05:00", "2999-01-01T00:00:00.123Z"),
])
def test_an_instant_is_answered_in_utc_with_milliseconds(client, sent, answered):
    task = client.create(notBefore=sent)
    assert task["notBefore"] == answered and client.change(task["id"], notBefore=sent)["notBefore"] == answered


def test_a_delay_of_nothing_and_an_instant_in_the_past_delay_nothing(client):
    assert client.create(delaySeconds=0)["ready"] is True
    assert client.create(notBefore="2020-02-29T23:59:59Z")["ready"] is True


def test_the_longest_delay_is_a_year_and_does_not_end_yet(client):
    task = client.create(delaySeconds=31536000)
    assert task["ready"] is False
    assert instant(task["notBefore"]) - instant(task["createdAt"]) == timedelta(days=365)

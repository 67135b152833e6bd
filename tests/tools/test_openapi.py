"""docs/openapi.yaml agrees with itself and with the headers of the server; its checker catches drift."""

import copy
import pathlib
import re

import jsonschema
import pytest

from tools.openapi_check import Drift, OpenApi

ROOT = pathlib.Path(__file__).resolve().parents[2]
REQUEST_ID = {"X-Request-Id": "r-1"}


@pytest.fixture(scope="module")
def api():
    return OpenApi()


def json_headers(**more):
    return {"Content-Type": "application/json", **REQUEST_ID, **{k.replace("_", "-"): v for k, v in more.items()}}


def example_task(api):
    return copy.deepcopy(api.lookup("#/components/examples/Task/value"))


def task_answer(api, task):
    return api.problems("PATCH", "/board/tasks/X", 200, json_headers(ETag='"1"', Events_Seq="7"), task)


def walk(node, where=""):
    yield where, node
    if isinstance(node, dict):
        for key, value in node.items():
            yield from walk(value, f"{where}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from walk(value, f"{where}/{index}")


# --- the document by itself ---


def test_every_reference_leads_somewhere_and_every_component_is_used(api):
    references = {node["$ref"] for _, node in walk(api.document) if isinstance(node, dict) and "$ref" in node}
    for reference in references:
        api.lookup(reference)
    for kind, components in api.document["components"].items():
        if kind == "securitySchemes":
            continue
        for name in components:
            pointer = f"#/components/{kind}/{name}"
            named_by_a_list = any(
                name in node.values()
                for where, node in walk(api.document)
                if where.endswith("/x-items-by-query")
            )
            assert named_by_a_list or any(r == pointer or r.startswith(pointer + "/") for r in references), pointer


def test_every_schema_is_one(api):
    for name in api.document["components"]["schemas"]:
        schema = api.inline({"$ref": f"#/components/schemas/{name}"})
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_object_of_an_answer_is_closed(api):
    """Or a map, which says what its values are and how many there may be."""
    for name, schema in api.document["components"]["schemas"].items():
        for where, node in walk(schema):
            if isinstance(node, dict) and node.get("type") == "object":
                is_map = "maxProperties" in node and "type" in (node.get("additionalProperties") or {})
                assert is_map or node.get("additionalProperties") is False, name + where


def test_every_example_fits_its_schema(api):
    checked = 0
    for where, node in walk(api.document["paths"]):
        if not (isinstance(node, dict) and "schema" in node and ("example" in node or "examples" in node)):
            continue
        values = [node["example"]] if "example" in node else []
        values += [api.resolve(example)["value"] for example in node.get("examples", {}).values()]
        for value in values:
            jsonschema.validate(value, api.inline(node["schema"]), jsonschema.Draft202012Validator)
            checked += 1
    assert checked > 10


def test_every_operation_says_what_everyone_may_get(api):
    for template, item in api.document["paths"].items():
        for method, operation in item.items():
            if method == "parameters" or template in ("/health", "/ready"):
                continue
            expected = {"400", "401", "403", "429", "500", "503"}
            if "{id}" in template:
                expected.add("404")
            if method != "get":
                expected |= {"409", "413", "507"}
            if method == "post":
                expected.add("422")
            assert expected <= set(operation["responses"]), f"{method} {template}"
            success = {"101"} if template == "/events/ws" else {"200", "201", "303"}
            assert success & set(operation["responses"]), f"{method} {template}"
            assert operation["operationId"]


# --- the document and the server's headers ---


def header_text(name):
    return (ROOT / "include" / "taskboard" / name).read_text(encoding="utf-8")


def error_table():
    """{status: {codes}} of err.h, without the errors that never leave the server."""
    table = header_text("err.h").partition("/* internal */")[0].replace("\\\n", " ")
    rows = re.findall(r'X\(TB_E_\w+,\s*"(\w+)",\s*(\d+),', table)
    by_status = {}
    for code, status in rows:
        by_status.setdefault(status, set()).add(code)
    return by_status


def test_error_codes_are_those_of_err_h(api):
    table = error_table()
    codes = set().union(*table.values())
    assert set(api.lookup("#/components/schemas/ErrorCode/enum")) == codes
    documented = {}
    for name, response in api.document["components"]["responses"].items():
        schema = response.get("content", {}).get("application/json", {}).get("schema", {})
        for part in schema.get("allOf", []):
            enum = part.get("properties", {}).get("code", {}).get("enum")
            if enum:
                documented[name] = set(enum)
    statuses = {
        "BadRequest": "400", "Unauthorized": "401", "Forbidden": "403", "NotFound": "404", "MethodNotAllowed": "405",
        "Conflict": "409", "PreconditionFailed": "412", "TooLarge": "413", "KeyReused": "422", "UpgradeRequired": "426", "ClaimTokenRequired": "428",
        "TooManyRequests": "429", "ServerError": "500", "Unavailable": "503", "StorageFull": "507",
    }  # fmt: skip
    assert documented == {name: table[status] for name, status in statuses.items()}
    assert set(statuses.values()) == set(table)


def test_error_table_of_the_protocol_is_that_of_err_h():
    text = (ROOT / "docs" / "PROTOCOL.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \|", text, re.MULTILINE)
    by_status = {}
    for status, code in rows:
        by_status.setdefault(status, set()).add(code)
    assert by_status == error_table()


def test_event_types_are_those_of_task_h(api):
    types = re.findall(r'X\(TB_EVENT_\w+, "([\w.]+)", "\w+"\)', header_text("task.h"))
    assert api.lookup("#/components/schemas/EventType/enum") == types


def test_fields_are_those_of_task_h_in_their_order(api):
    body = re.search(r"enum tb_field \{(.*?)TB_FIELD_COUNT", header_text("task.h"), re.DOTALL).group(1)
    names = []
    for name in re.findall(r"TB_FIELD_(\w+),", body):
        first, *rest = name.lower().split("_")
        names.append(first + "".join(part.capitalize() for part in rest))
    assert api.lookup("#/components/schemas/FieldName/enum") == names
    assert list(api.lookup("#/components/schemas/Task/properties")) == names
    assert list(api.lookup("#/components/schemas/TaskPart/properties")) == names
    assert list(api.lookup("#/components/schemas/TaskSummary/properties")) == names[: names.index("ready") + 1]
    assert list(api.lookup("#/components/schemas/ClaimedTask/properties")) == [*names, "previousAttempt"]


def test_outcomes_of_attempts_are_those_of_task_h(api):
    body = re.search(r"enum tb_attempt_outcome \{(.*?)TB_ATTEMPT_OUTCOME_COUNT", header_text("task.h"), re.DOTALL).group(1)
    names = [name.lower() for name in re.findall(r"TB_ATTEMPT_(\w+),", body)]
    assert api.lookup("#/components/schemas/AttemptOutcome/enum") == names


def test_the_claim_of_a_claimed_task_is_a_claim_with_a_token(api):
    claim = api.lookup("#/components/schemas/Claim/properties")
    held = api.lookup("#/components/schemas/ClaimedTask/properties/claim/properties")
    assert list(held) == [name for name in claim if name != "cancelRequested"] + ["token"]


LIMITS = [
    ("TITLE_BYTES_MAX", "Task/properties/title/maxLength"),
    ("TITLE_BYTES_MAX", "TaskCreate/properties/title/maxLength"),
    ("TITLE_BYTES_MAX", "TaskPatch/properties/title/maxLength"),
    ("DESCRIPTION_BYTES_MAX", "Task/properties/description/maxLength"),
    ("DESCRIPTION_BYTES_MAX", "TaskCreate/properties/description/maxLength"),
    ("NAME_BYTES_MAX", "Name/maxLength"),
    ("NAME_BYTES_MAX", "TaskCreate/properties/createdBy/maxLength"),
    ("TAGS_MAX", "TaskCreate/properties/tags/maxItems"),
    ("TAG_BYTES_MAX", "TaskCreate/properties/tags/items/maxLength"),
    ("DEPENDENCIES_MAX", "TaskCreate/properties/dependencies/maxItems"),
    ("DEPENDENCY_BYTES_MAX", "TaskCreate/properties/dependencies/items/maxLength"),
    ("PRIORITY_MAX", "Task/properties/priority/maximum"),
    ("MAX_ATTEMPTS_MAX", "TaskCreate/properties/maxAttempts/maximum"),
    ("SCORE_MAX", "Task/properties/score/maximum"),
    ("DELAY_SECONDS_MAX", "TaskCreate/properties/delaySeconds/maximum"),
    ("REF_BYTES_MAX", "TaskCreate/properties/ref/maxLength"),
    ("NOTE_BYTES_MAX", "NoteRequest/properties/content/maxLength"),
    ("NOTES_MAX", "Task/properties/notes/maxItems"),
    ("ARTIFACT_BYTES_MAX", "Artifact/properties/url/maxLength"),
    ("ARTIFACTS_MAX", "Task/properties/artifacts/maxItems"),
    ("ARTIFACTS_REQUEST_MAX", "ArtifactsRequest/properties/artifacts/maxItems"),
    ("CREATE_TASKS_MAX", "TaskCreateArray/maxItems"),
    ("LIST_LIMIT_MAX", "TaskList/properties/tasks/maxItems"),
    ("EVENTS_LIMIT_MAX", "EventList/properties/events/maxItems"),
    ("CLAIM_TASKS_MAX", "ClaimRequest/properties/max/maximum"),
    ("CLAIM_TASKS_MAX", "ClaimedTasks/properties/tasks/maxItems"),
    ("LEASE_SECONDS_MIN", "ClaimRequest/properties/leaseSeconds/minimum"),
    ("LEASE_SECONDS_MAX", "ClaimRequest/properties/leaseSeconds/maximum"),
    ("LEASE_SECONDS_DEFAULT", "ClaimRequest/properties/leaseSeconds/default"),
    ("LEASE_SECONDS_MAX", "HeartbeatRequest/properties/leaseSeconds/maximum"),
    ("WAIT_SECONDS_MAX", "ClaimRequest/properties/wait/maximum"),
    ("PROGRESS_BYTES_MAX", "Progress/properties/message/maxLength"),
    ("ERROR_BYTES_MAX", "FailRequest/properties/error/maxLength"),
    ("REASON_BYTES_MAX", "ReleaseRequest/properties/reason/maxLength"),
    ("REASON_BYTES_MAX", "CancelRequest/properties/reason/maxLength"),
    ("DELAY_SECONDS_MAX", "FailRequest/properties/delaySeconds/maximum"),
    ("PAUSES_MAX", "Pauses/maxItems"),
    ("RETRY_TASKS_MAX", "RetryManyRequest/properties/max/maximum"),
    ("SUMMARY_NAMES_MAX", "Counts/maxProperties"),
    ("LIST_LIMIT_MAX", "ReadyList/properties/tasks/maxItems"),
    ("TOKENS_MAX", "TokenList/properties/tokens/maxItems"),
    ("NAME_BYTES_MAX", "TokenRequest/properties/name/maxLength"),
    ("TOKEN_SECONDS_MAX", "TokenRequest/properties/expiresInSeconds/maximum"),
]
PARAMETER_LIMITS = [
    ("LIST_LIMIT_MAX", "Limit/schema/maximum"),
    ("MAX_BYTES_MIN", "MaxBytes/schema/minimum"),
    ("MAX_BYTES_MAX", "MaxBytes/schema/maximum"),
    ("EVENTS_LIMIT_MAX", "EventsLimit/schema/maximum"),
    ("EVENTS_LIMIT_DEFAULT", "EventsLimit/schema/default"),
    ("WAIT_SECONDS_MAX", "Wait/schema/maximum"),
    ("READY_LIMIT_DEFAULT", "ReadyLimit/schema/default"),
    ("LIST_LIMIT_MAX", "ReadyLimit/schema/maximum"),
]


def limit(name):
    expression = re.search(rf"#define TB_{name}\s+([0-9*() ]+)", header_text("limits.h")).group(1)
    assert re.fullmatch(r"[0-9*() ]+", expression)
    return eval(expression)  # digits, stars and parentheses only


@pytest.mark.parametrize("name,pointer", LIMITS)
def test_limits_are_those_of_limits_h(api, name, pointer):
    assert api.lookup("#/components/schemas/" + pointer) == limit(name)


@pytest.mark.parametrize("name,pointer", PARAMETER_LIMITS)
def test_limits_of_parameters_are_those_of_limits_h(api, name, pointer):
    assert api.lookup("#/components/parameters/" + pointer) == limit(name)


# --- the checker: routes ---


def route_lines(api):
    return [method + " " + re.sub(r"{([a-z]+)}", r":\1", path) for method, path in sorted(api.routes())]


def test_the_same_routes_are_no_difference(api):
    assert api.compare_routes(route_lines(api)) == []


def test_head_next_to_get_is_no_difference(api):
    assert api.compare_routes(route_lines(api) + ["HEAD /health"]) == []


def test_a_route_that_is_not_documented_is_found(api):
    assert api.compare_routes(route_lines(api) + ["POST /board/dance"]) == [
        "served but not documented: POST /board/dance"
    ]


def test_a_route_that_is_not_served_is_found(api):
    lines = [line for line in route_lines(api) if not line.startswith("PATCH ")]
    assert api.compare_routes(lines) == [
        "documented but not served: PATCH /board/tasks/{id}",
        "documented but not served: PATCH /registry/vms/{id}",
    ]


def test_an_empty_route_table_is_found(api):
    assert api.compare_routes(["\n"]) == ["the route table is empty"]


# --- the checker: answers ---


def test_right_answers_pass(api):
    assert task_answer(api, example_task(api)) == []
    api.validate("GET", "/health", 200, json_headers(), {"status": "ok", "uptime": 3})
    api.validate("HEAD", "/health", 200, json_headers())
    not_ready = error("draining", ready=False, reasons=["draining"])
    api.validate("GET", "/ready", 503, json_headers(Retry_After="1"), not_ready)
    api.validate("GET", "/board/tasks/X", 304, {**REQUEST_ID, "ETag": '"4"'})
    api.validate("GET", "/board/tasks", 304, {**REQUEST_ID, "ETag": '"ab-9"', "Events-Seq": "9"})


def test_header_names_are_taken_in_any_case_and_as_pairs(api):
    api.validate(
        "GET", "/health", 200, [("content-type", "application/json; charset=utf-8"), ("x-request-id", "a")],
        {"status": "ok", "uptime": 0.5},
    )  # fmt: skip


NOW = "2026-11-22T13:30:00.000Z"
CLAIM = {"by": "a", "generation": 1, "attempt": 1, "claimedAt": NOW, "expiresAt": NOW}


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1},
        {"status": "working"},
        {"id": "1"},
        {"createdAt": "2026-11-22 13:30"},
        {"score": "0"},
        {"priority": 101},
        {"assignee": None},
        {"payload": None},
        {"outcome": "success"},
        {"status": "done"},
        {"status": "blocked"},
        {"blockedReason": {"kind": "manual"}},
        {"ready": True},
        {"claim": CLAIM},
        {"status": "in_progress", "claim": {"by": "a"}},
        {"status": "in_progress", "claim": {**CLAIM, "token": "1.AAAAAAAAAAAAAAAAAAAAAA"}},
        {"progress": {"percent": 4, "at": NOW}},
        {"notes": [{"id": "01KAP2XZ7M9QB3T5V8W2Y4A6CE"}]},
        {"artifacts": [{"type": "url", "url": "u", "label": "l", "addedAt": "now"}]},
    ],
)
def test_a_task_that_is_wrong_is_found(api, change):
    assert task_answer(api, {**example_task(api), **change})


def test_a_claimed_task_passes_and_its_token_only_where_it_was_claimed(api):
    task = {**example_task(api), "status": "in_progress", "claim": CLAIM, "progress": {"at": NOW}}
    assert task_answer(api, task) == []
    headers = json_headers(ETag='"1"', Events_Seq="7")
    claim = lambda answer: api.problems("POST", "/board/tasks/X/claim", 200, headers, answer)  # noqa: E731
    assert claim(task)
    assert claim({**task, "claim": {**CLAIM, "token": "1.AAAAAAAAAAAAAAAAAAAAAA"}}) == []


@pytest.mark.parametrize("field", ["id", "version", "notes", "ready", "tags"])
def test_a_task_that_lacks_a_field_is_found(api, field):
    task = example_task(api)
    del task[field]
    assert task_answer(api, task)


def test_headers_that_are_missing_wrong_or_unknown_are_found(api):
    task = example_task(api)
    check = lambda headers: api.problems("PATCH", "/board/tasks/X", 200, headers, task)  # noqa: E731
    good = json_headers(ETag='"1"', Events_Seq="7")
    assert check(good) == []
    assert check({k: v for k, v in good.items() if k != "X-Request-Id"})
    assert check({k: v for k, v in good.items() if k != "Events-Seq"})
    assert check({**good, "ETag": 'W/"1"'})
    assert check({**good, "Allow": "GET"})
    assert check({**good, "Taskboard-Surprise": "1"})
    assert check({**good, "Content-Type": "text/plain"})


def list_problems(api, query, tasks, **more):
    return api.problems(
        "GET", "/board/tasks" + query, 200, json_headers(Events_Seq="7"), {"tasks": tasks, "count": len(tasks), **more}
    )


def test_a_list_has_the_view_that_was_asked_for(api):
    full = example_task(api)
    summary = {k: v for k, v in full.items() if k in api.lookup("#/components/schemas/TaskSummary/properties")}
    part = {"id": full["id"]}
    for query, right in [("", full), ("?view=full", full), ("?view=summary", summary), ("?fields=id", part)]:
        for task in (full, summary, part):
            problems = list_problems(api, query, [task])
            # Any subset of the fields is a part.
            assert (problems == []) == (task is right or query == "?fields=id"), (query, problems)


def test_a_wrong_count_is_found(api):
    headers = json_headers(Events_Seq="0")
    assert api.problems("GET", "/board/tasks", 200, headers, {"tasks": [], "count": 1})


def test_the_ends_of_a_long_list_are_checked(api):
    tasks = [example_task(api) for _ in range(500)]
    assert list_problems(api, "", tasks) == []
    del tasks[499]["id"]
    assert list_problems(api, "", tasks)


def error(code, **more):
    return {"error": "a sentence", "code": code, "requestId": "r-1", **more}


def test_an_error_has_a_code_of_its_status(api):
    headers = json_headers()
    assert api.problems("POST", "/board/tasks", 400, headers, error("missing_field", field="title")) == []
    assert api.problems("POST", "/board/tasks", 400, headers, error("task_not_found"))
    assert api.problems("POST", "/board/tasks", 400, headers, error("surprise"))
    assert api.problems("POST", "/board/tasks", 400, headers, {"error": "a sentence"})
    assert api.problems("PATCH", "/board/tasks/X", 412, headers, error("version_mismatch"))
    assert api.problems("PATCH", "/board/tasks/X", 412, headers, error("version_mismatch", version=3)) == []


def test_a_status_that_is_not_documented_is_found(api):
    assert api.problems("GET", "/board/tasks", 418, json_headers(), error("bad_request"))
    with pytest.raises(Drift, match="GET /board/tasks -> 202"):
        api.validate("GET", "/board/tasks", 202, json_headers(), {})


def test_unknown_paths_and_methods_have_their_answers(api):
    headers = json_headers()
    assert api.problems("GET", "/nowhere", 404, headers, error("not_found")) == []
    assert api.problems("GET", "/nowhere", 401, headers, error("unauthorized")) == []
    assert api.problems("GET", "/nowhere", 200, headers, {})
    assert api.problems("PUT", "/board/tasks", 405, json_headers(Allow="GET, HEAD, POST"), error("method_not_allowed")) == []
    assert api.problems("PUT", "/board/tasks", 405, headers, error("method_not_allowed"))
    assert api.problems("PUT", "/board/tasks", 200, headers, {})


def test_a_request_that_was_taken_fits_its_schema(api):
    headers = json_headers(ETag='"1"', Events_Seq="7")
    answer = {**example_task(api)}
    send = lambda request: api.problems("POST", "/board/tasks", 201, headers, answer, request)  # noqa: E731
    assert send({"title": "t", "createdBy": "c"}) == []
    assert send([{"title": "t", "createdBy": "c", "ref": "a"}]) == []
    assert send({"title": "t", "createdBy": "c", "colour": "red"})
    ignored = {**headers, "Taskboard-Ignored-Fields": "colour"}
    assert api.problems("POST", "/board/tasks", 201, ignored, answer, {"title": "t", "createdBy": "c", "colour": 1}) == []

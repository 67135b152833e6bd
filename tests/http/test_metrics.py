"""GET /metrics: what it says is well-formed, and moves by exactly what was done."""

import json
import re
import time
from pathlib import Path

import pytest
import yaml
from harness import Certificate, TOKEN, Later, Raw, Sse, Ws, eventually, refused
from harness.auth import log_in, magic_link, make_token, revoke, session_of
from harness.later import claim as waiting_claim
from tools.prometheus_text import lint, parse

# Long enough that nothing else of these tests takes as long.
LEASE_SECONDS = 10


def scrape(board):
    answer = board.get("/metrics")
    assert answer.status == 200, answer
    return parse(answer.body.decode())


def value(board, name, suffix="", **labels):
    return scrape(board)[name].total(suffix, **labels)


def requests(families, method, route, status):
    return families["taskboard_http_requests_total"].total(method=method, route=route, status=str(status))


def timed(families, method, route):
    return families["taskboard_http_request_duration_seconds"].total("_count", method=method, route=route)


def test_it_is_prometheus_text(board):
    answer = board.get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    families = parse(answer.body.decode())
    assert lint(families) == []
    assert families["taskboard_build_info"].total() == 1


def test_it_is_well_formed_with_everything_in_it(own_server, board):
    busy(own_server, board)
    families = scrape(board)
    assert lint(families) == []
    assert len(families["taskboard_http_requests_total"].labels()["route"]) >= 10


def busy(server, board):
    """Something of everything: what can go wrong in a text has its chance."""
    task = board.create("a \"title\"\n\\", tags=["t{a=\"b\"}"], createdBy="ann\\")
    board.note(task["id"])
    board.create_many([{"title": str(n), "createdBy": "c"} for n in range(20)])
    board.completed(board.claim_one("bob"))
    board.finish(board.claim_one("b\"}"), "fail", error="e")
    for path in ("/nope", "/board/tasks/none", "/board/summary", "/events", "/board/tasks?order=%22"):
        board.get(path)
    board.post("/board/tasks", b"{")
    server.client(token="wrong").get("/board/tasks")
    board.request("PUT", "/board/tasks", {})
    with Sse(server, "/events/stream?since=0") as stream:
        stream.events(3)


def test_a_viewers_token_is_asked_for(own_server):
    refused(own_server.client(token=None).get("/metrics"), 401, "unauthorized")
    refused(own_server.client().post("/metrics", {}), 405, "method_not_allowed")


# --- requests ---


NO_TASK = "0000000000000000000000000"  # with one character more an id of 1970


def test_requests_are_counted_by_route_and_status(board):
    before = scrape(board)
    task = board.create()
    for _ in range(7):
        board.task(task["id"])
    for n in range(3):
        assert board.get(f"/board/tasks/{NO_TASK}{n}").status == 404
    assert board.request("HEAD", f"/board/tasks/{task['id']}").status == 200
    after = scrape(board)
    route = "GET", "/board/tasks/:id"
    assert requests(after, *route, 200) - requests_before(before, *route, 200) == 8
    assert requests(after, *route, 404) - requests_before(before, *route, 404) == 3
    assert requests(after, "POST", "/board/tasks", 201) == 1
    assert timed(after, *route) == 11
    assert requests(after, "GET", "/metrics", 200) == 1, "the first; that of the second comes with the third"


def requests_before(families, method, route, status):
    return requests(families, method, route, status) if families["taskboard_http_requests_total"].samples else 0


def test_what_no_route_takes_is_one_line(board):
    for path in ("/nope", "/board/a/b/c/d/e/f/g", "/board/tasks/a/b/c", "/%00"):
        assert board.get(path).status == 404
    board.request("DELETE", "/health")
    families = scrape(board)
    assert requests(families, "other", "other", 404) == 4 and requests(families, "other", "other", 405) == 1
    assert families["taskboard_http_requests_total"].labels()["route"] == {"other"}


def test_refused_logins_are_counted_at_their_route_without_their_delay(own_server, board):
    stranger = own_server.client(token="a-wrong-token")
    for _ in range(12):
        assert stranger.get("/board/summary").status == 401
    assert own_server.client(token=None).get("/board/summary").status == 401
    families = scrape(board)
    assert requests(families, "GET", "/board/summary", 401) == 13
    assert families["taskboard_failed_logins_total"].total() == 12
    durations = families["taskboard_http_request_duration_seconds"]
    assert 1 < timed(families, "GET", "/board/summary") < 13, "those that were not slowed down"
    assert durations.total("_sum", route="/board/summary") < 0.1, "and none of the others' time"


def test_a_broken_request_is_counted(own_server, board):
    raw = own_server.raw()
    raw.send(b"POST /board/tasks HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nnot a chunk\r\n")
    assert raw.answer("POST").status == 400
    raw.close()
    assert requests(scrape(board), "other", "other", 400) == 1


def test_durations_are_within_what_was_measured_outside(board):
    begun = time.monotonic()
    for _ in range(50):
        board.create()
    took = time.monotonic() - begun
    durations = scrape(board)["taskboard_http_request_duration_seconds"]
    labels = {"method": "POST", "route": "/board/tasks"}
    assert durations.value("_count", **labels) == 50
    assert 0 < durations.value("_sum", **labels) < took
    assert durations.value("_bucket", le="5", **labels) == 50


def test_a_read_that_is_held_is_counted_without_its_wait(own_server, board):
    etag = board.get("/board/summary").etag
    held = Later(own_server, "GET", "/board/summary?wait=20", headers={"If-None-Match": etag})
    eventually(lambda: value(board, "taskboard_held_reads") == 1, "the read to be held")
    board.create()
    assert held.answer().status == 200
    families = scrape(board)
    assert families["taskboard_held_reads"].total() == 0
    assert requests(families, "GET", "/board/summary", 200) == 2 and timed(families, "GET", "/board/summary") == 1


def test_connections_are_counted(own_server, board):
    before = value(board, "taskboard_connections")
    others = [own_server.client() for _ in range(5)]
    for other in others:
        other.get("/health")
    assert value(board, "taskboard_connections") == before + 5
    for other in others:
        other.close()
    eventually(lambda: value(board, "taskboard_connections") == before, "the connections to be closed")


def test_connections_that_are_too_many_are_counted(serve):
    server = serve("--max-connections", 2)
    board, other = server.client(), server.client()
    other.get("/health"), board.get("/health")
    raw = server.raw()
    assert raw.answer("GET").status == 503
    families = scrape(board)
    assert families["taskboard_connections_refused_total"].total() == 1
    assert families["taskboard_connections_max"].total() == 2


# --- the committer ---


def test_writes_batches_and_events_are_counted(board):
    before = scrape(board)
    tasks = board.create_many([{"title": "t", "createdBy": "c"}] * 10)
    board.done(tasks[0]["id"])
    assert board.patch("0" * 26, {"title": "x"}).status == 404
    after = scrape(board)

    def moved(name, suffix="", **labels):
        return after[name].total(suffix, **labels) - before[name].total(suffix, **labels)

    assert moved("taskboard_jobs_total", outcome="done") == 2 and moved("taskboard_jobs_total", outcome="refused") == 1
    assert moved("taskboard_events_total", type="task.created") == 10 and moved("taskboard_events_total") == 11
    assert moved("taskboard_commit_duration_seconds", "_count") == 2
    assert moved("taskboard_batch_jobs", "_count") == 2 and moved("taskboard_batch_jobs", "_sum") == 2
    assert moved("taskboard_commit_duration_seconds", "_sum") > 0
    assert after["taskboard_queue_jobs"].total() == 0 and after["taskboard_writable"].total() == 1
    assert after["taskboard_storage_fault"].total() == 0 and after["taskboard_readable"].total() == 1


def test_claims_are_counted_by_what_they_get(own_server, board):
    board.claim("ann")
    board.create()
    board.claim_one("ann")
    waiting = waiting_claim(own_server, "bob")
    eventually(lambda: value(board, "taskboard_claims_waiting") == 1, "the claim to wait")
    board.create()
    assert waiting.answer().json["count"] == 1
    assert waiting_claim(own_server, "bob", wait=1).answer().json["count"] == 0
    assert board.post("/board/claim", {"agent": "ann", "vmId": "none"}).status == 409
    claims = scrape(board)["taskboard_claims_total"]
    assert {outcome: claims.total(outcome=outcome) for outcome in claims.labels()["outcome"]} == {
        "granted": 1, "granted_after_wait": 1, "empty": 1, "empty_after_wait": 1, "refused": 1, "failed": 0}
    families = scrape(board)
    assert families["taskboard_claims_waiting"].total() == 0
    assert timed(families, "POST", "/board/claim") == 3, "those that did not wait"


def test_a_claim_whose_client_leaves_is_counted(own_server, board):
    waiting_claim(own_server, "bob").leave()
    eventually(lambda: value(board, "taskboard_claims_abandoned_total") == 1, "the claim to be given up")
    assert value(board, "taskboard_claims_waiting") == 0


def lease_story(server):
    board = server.client()
    board.create()
    board.create("to be lost")
    board.claim("ann", leaseSeconds=LEASE_SECONDS)
    board.claim("bob", leaseSeconds=3600)
    before = scrape(board)
    assert before["taskboard_leases_expired_total"].total() == 0
    assert before["taskboard_tasks"].value(state="claimed") == 2
    eventually(lambda: value(board, "taskboard_leases_expired_total"), "the lease to end", 4 * LEASE_SECONDS)
    after = scrape(board)
    assert after["taskboard_leases_expired_total"].total() == 1 and after["taskboard_leases_lost_total"].total() == 0
    assert after["taskboard_events_total"].value(type="task.expired") == 1
    assert after["taskboard_tasks"].value(state="claimed") == 1 and after["taskboard_tasks"].value(state="ready") == 1


@pytest.mark.parametrize("story", [lease_story])
def test_a_lease_that_ends_is_counted(end_of, story):
    end_of(story)


# --- tokens, and what is moved as a whole ---


def test_credentials_are_counted_by_kind(own_server, board):
    def counts():
        family = scrape(board)["taskboard_credentials"]
        return {kind: family.value(kind=kind) for kind in family.labels()["kind"]}

    assert counts() == {"token": 0, "link": 0, "session": 0}
    token = make_token(board, "viewer")
    link = magic_link(board)
    assert counts() == {"token": 1, "link": 1, "session": 0}
    session_of(own_server, link)
    assert counts() == {"token": 1, "link": 0, "session": 1}
    revoke(board, token)
    assert counts() == {"token": 0, "link": 0, "session": 1}


def test_wrong_links_count_as_failed_logins(own_server, board):
    link = magic_link(board)
    session_of(own_server, link)
    assert log_in(own_server.client(token=None), link).status == 401
    assert value(board, "taskboard_failed_logins_total") == 1


def test_transfers_are_counted_by_how_they_end(own_server, board):
    def ended(**labels):
        return value(board, "taskboard_transfers_total", **labels)

    assert ended() == 0 and value(board, "taskboard_last_backup_timestamp_seconds") == 0
    assert board.get("/admin/export", check=False).status == 200
    assert ended() == 1 and ended(kind="export", outcome="whole") == 1
    assert value(board, "taskboard_last_backup_timestamp_seconds") == 0
    assert board.get("/admin/backup", check=False).status == 200
    assert ended() == 2 and ended(kind="backup", outcome="whole") == 1
    assert abs(value(board, "taskboard_last_backup_timestamp_seconds") - time.time()) < 60
    for _ in range(20):
        board.create_many([{"title": "t", "createdBy": "c", "description": "x" * 100_000}] * 10, check=False)
    raw = Raw(own_server.port, receive_buffer=4096)
    raw.send(f"GET /admin/backup HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")
    assert raw.receive(15) == b"HTTP/1.1 200 OK"
    assert value(board, "taskboard_transfers") == 1
    raw.reset()
    eventually(lambda: ended(kind="backup", outcome="cut_off") == 1, "the backup to end")
    assert value(board, "taskboard_transfers") == 0 and ended() == 3


# --- streams ---


def test_streams_are_counted(own_server, board):
    board.create_many([{"title": "t", "createdBy": "c"}] * 10)
    with Sse(own_server, "/events/stream?since=0") as stream, Ws(own_server, "/events/ws?since=10"):
        stream.events(10)
        families = scrape(board)
        assert families["taskboard_streams"].total() == 2
        assert families["taskboard_stream_parcels_total"].total() >= 1
        assert families["taskboard_stream_sent_bytes_total"].total() >= 10 * 100
        assert families["taskboard_stream_log_reads_total"].total() >= 1
        assert requests(families, "GET", "/events/stream", 200) == 1 and requests(families, "GET", "/events/ws", 101) == 1
        assert families["taskboard_stream_resets_total"].total() == 0
        with Sse(own_server, "/events/stream?since=10000") as lost:
            assert lost.next().name == "reset"
        assert value(board, "taskboard_stream_resets_total") == 1
    eventually(lambda: value(board, "taskboard_streams") == 0, "the streams to be closed")


def test_the_lag_is_that_of_the_stream_that_does_not_read(own_server, board):
    big = "x" * 100_000
    with Sse(own_server, receive_buffer=4096):
        assert value(board, "taskboard_stream_lag_events") == 0
        for _ in range(30):
            board.create_many([{"title": "t", "createdBy": "c", "description": big}] * 10, check=False)
            board.create_many([{"title": "t", "createdBy": "c", "tags": ["t" * 100]}] * 500, check=False)
        eventually(lambda: value(board, "taskboard_stream_lag_events") > 1000, "the stream to be behind")
        assert value(board, "taskboard_stream_lag_events") <= board.head_seq()
    eventually(lambda: value(board, "taskboard_stream_lag_events") == 0, "nobody to be behind")


# --- the board and the store ---


def test_tasks_are_counted_by_state(board):
    board.create("ready")
    board.create("waiting", dependencies=["none"])
    board.create("scheduled", delaySeconds=60)
    board.create("done", status="done")
    board.create("in progress", status="in_progress", assignee="x")
    board.create("blocked", status="blocked")
    board.create("dead", maxAttempts=1, priority=50)
    board.finish(board.claim_one("bob"), "fail", error="e")
    board.create("held", priority=50)
    board.claim_one("bob")
    families = scrape(board)
    tasks = families["taskboard_tasks"]
    counts = {state: tasks.value(state=state) for state in tasks.labels()["state"]}
    assert counts == {"ready": 1, "waiting": 1, "scheduled": 1, "claimed": 1, "in_progress": 1, "in_review": 0,
                      "blocked": 1, "dead": 1, "done": 1}
    assert families["taskboard_log_head_seq"].total() == board.head_seq()
    assert families["taskboard_log_oldest_seq"].total() == 1


def test_the_oldest_ready_task_grows_old(board):
    assert value(board, "taskboard_oldest_ready_seconds") == 0
    task = board.create()
    eventually(lambda: value(board, "taskboard_oldest_ready_seconds") > 0.2, "the task to grow old")
    assert value(board, "taskboard_oldest_ready_seconds") < 60
    board.post("/board/pause")
    assert value(board, "taskboard_oldest_ready_seconds") == 0 and value(board, "taskboard_pauses") == 1
    board.post("/board/resume")
    assert value(board, "taskboard_oldest_ready_seconds") > 0.2
    board.done(task["id"])
    assert value(board, "taskboard_oldest_ready_seconds") == 0


def test_vms_are_counted(board):
    for number in range(3):
        board.post("/registry/vms", {"id": f"vm{number}", "name": "n", "role": "worker", "address": "a", "registeredBy": "r"})
    board.request("PATCH", "/registry/vms/vm1", {"status": "stopped"})
    vms = scrape(board)["taskboard_vms"]
    assert (vms.value(status="running"), vms.value(status="other")) == (2, 1)


def test_the_store_tells_its_size(own_server, board):
    before = scrape(board)
    board.create_many([{"title": "t", "createdBy": "c", "description": "x" * 10000}] * 100, check=False)
    after = scrape(board)
    assert after["taskboard_store_used_bytes"].total() > before["taskboard_store_used_bytes"].total() + 500_000
    size = (own_server.data / "data.mdb").stat().st_size
    assert after["taskboard_store_used_bytes"].total() + after["taskboard_store_free_bytes"].total() == size
    assert after["taskboard_store_limit_bytes"].total() == 1 << 40
    assert after["taskboard_store_oldest_snapshot_commits"].total() <= 1


def test_a_full_store_is_told(serve):
    board = serve("--map-size", 4 << 20).client(check=False)
    status = 0
    for _ in range(1000):
        status = board.post("/board/tasks", {"title": "t", "createdBy": "c", "description": "x" * 100_000}).status
        if status == 507:
            break
    assert status == 507
    families = scrape(board)
    limit = families["taskboard_store_limit_bytes"].total()
    assert families["taskboard_store_used_bytes"].total() > limit / 2 and limit == 4 << 20
    assert families["taskboard_jobs_total"].value(outcome="failed") >= 1


def test_the_process_is_told(own_server, board):
    families = scrape(board)
    assert 1 << 20 < families["process_resident_memory_bytes"].total()
    fds = families["process_open_fds"].total()
    others = [own_server.client() for _ in range(4)]
    for other in others:
        other.get("/health")
    assert value(board, "process_open_fds") == fds + 4
    assert families["process_max_fds"].total() >= fds
    assert abs(families["process_start_time_seconds"].total() - time.time()) < 600
    assert families["process_cpu_seconds_total"].total() > 0


# --- what is not in it, and what it costs ---


def test_nothing_that_a_client_sent_is_in_it(own_server, board):
    secret = "s3cret-of-a-client"
    task = board.create(secret, createdBy=secret, tags=[secret], uniqueKey=secret)
    claimed = board.claim_one(secret)
    board.get(f"/board/tasks/{secret}")
    board.get(f"/{secret}?token={secret}")
    own_server.client(token=secret).get("/metrics")
    board.post("/registry/vms", {"id": secret, "name": secret, "role": "worker", "address": secret, "registeredBy": secret})
    text = board.get("/metrics").body.decode()
    for word in (secret, TOKEN, task["id"], claimed["claim"]["token"]):
        assert word not in text


def test_a_large_board_costs_no_more(own_server, board):
    def best():
        taken = []
        for _ in range(20):
            begun = time.perf_counter()
            board.get("/metrics", check=False)
            taken.append(time.perf_counter() - begun)
        return min(taken)

    quick = own_server.client(check=False)
    quick.create_many([{"title": "t", "createdBy": "c"}] * 1000, check=False)
    small, small_bytes = best(), len(board.get("/metrics").body)
    for _ in range(99):
        quick.create_many([{"title": "t", "createdBy": "c"}] * 1000, check=False)
    assert value(board, "taskboard_tasks", state="ready") == 100_000
    assert len(board.get("/metrics").body) < small_bytes + 500
    assert best() < 3 * small + 0.002, "a walk over the tasks would take tens of milliseconds"


# --- what stands on it: the alert rules, the dashboard, the table for the operator ---

ROOT = Path(__file__).resolve().parents[2]
SELECTOR = re.compile(r"\b((?:taskboard|process)_[a-z_]+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'([a-z_]+)(=~|!=|!~|=)"([^"]*)"')
FROM_PROMETHEUS = {"instance", "job"}  # labels that it adds itself


def rules():
    document = yaml.safe_load((ROOT / "config/prometheus/alerts.yaml").read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def dashboard():
    return json.loads((ROOT / "config/grafana/taskboard.json").read_text())


def dashboard_queries():
    return [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", ())]


def missing(families, query):
    """What a query asks for and nothing in these families has."""
    by_sample = {sample: family for family in families.values() for sample in family.sample_names()}
    for name, matchers in SELECTOR.findall(query):
        family = by_sample.get(name)
        if family is None:
            yield name
            continue
        labels = family.labels()
        for label, operator, wanted in MATCHER.findall(matchers or ""):
            if label in FROM_PROMETHEUS:
                continue
            if label not in labels:
                yield f"{name}: no label {label}"
            elif label != "status" and not any(re.fullmatch(wanted, value) for value in labels[label]):
                yield f"{name}: {label} is never {wanted}"


def test_what_alerts_and_the_dashboard_ask_for_is_there(serve, tmp_path):
    server = serve(tls=Certificate(tmp_path))
    board = server.client()
    busy(server, board)
    families = scrape(board)
    queries = [rule["expr"] for rule in rules()] + dashboard_queries()
    assert len(queries) > 60
    assert [problem for query in queries for problem in missing(families, query)] == []
    assert list(missing(families, 'taskboard_nothing + taskboard_tasks{state="none"} + taskboard_tasks{nolabel="x"}')) == [
        "taskboard_nothing", "taskboard_tasks: state is never none", "taskboard_tasks: no label nolabel"]


def test_the_dashboard_can_be_imported():
    board = dashboard()
    assert board["uid"] == "taskboard" and "id" not in board and board["schemaVersion"] >= 36
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    taken = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert place["x"] + place["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells
        for target in panel.get("targets", ()):
            assert target["datasource"]["uid"] == "${datasource}" and target["expr"].count("(") == target["expr"].count(")")
    rows = [panel["title"] for panel in board["panels"] if panel["type"] == "row"]
    assert {"Traffic", "Latency", "Queue", "Claims", "Fleet", "Storage", "Streams"} <= set(rows)
    assert {variable["name"] for variable in board["templating"]["list"]} == {"datasource", "instance"}


def test_each_alert_says_what_to_do_in_the_words_of_the_handbook():
    handbook = (ROOT / "docs/OPERATIONS.md").read_text()
    for rule in rules():
        (row,) = [line for line in handbook.splitlines() if line.startswith(f"| `{rule['alert']}` |")]
        assert rule["annotations"]["runbook"] in row, rule["alert"]
        assert rule["labels"]["severity"] in ("page", "ticket") and rule["annotations"]["summary"]


def test_the_handbook_names_every_metric(board):
    handbook = (ROOT / "docs/OPERATIONS.md").read_text()
    for name in scrape(board):
        ends = [f"`…{name[at:]}`" for at, letter in enumerate(name) if letter == "_"]
        assert name.startswith("process_") or re.search(rf"`{name}[`{{]", handbook) or any(end in handbook for end in ends), name

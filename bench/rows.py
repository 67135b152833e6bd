"""What is measured: one Row each, and how its requests look at a board of a given size."""

import random
from dataclasses import dataclass
from typing import Callable, Optional
from urllib.parse import quote

from workload import AGENTS, ARRAY_TASKS, AUTHORS, TAGS, WORDS, BenchError

SAMPLE_IDS = 200
SAMPLE_WRITES = 40
NEWEST = 1000
PAGE_TASKS = 50

# Every tenth task or so has it: see WORD_WEIGHTS.
WORD = WORDS[11]
TWO_WORDS = f"{WORDS[1]} {WORDS[7]}"


@dataclass
class Shot:
    """What wrk sends, and what must come back."""

    script: str
    method: str
    path: str  # with {id} where an id goes
    status: int
    answer: object  # one Answer of typical size: the floor's
    wire_bytes: float  # of an answer, on average
    bodies: Optional[object] = None  # path of a file
    etag: Optional[str] = None
    page: Optional[int] = None  # tasks in the answer to a list
    newest: Optional[int] = None  # ids are chosen among so many of the newest; None: among all


@dataclass
class Row:
    key: str
    title: str
    prepare: Callable  # of a Stage (see run.py) → Shot
    floor: Optional[str] = None  # http, lmdb
    writes: bool = False
    connections: Optional[int] = None  # None: the run's default
    per_request: int = 1
    events_per_task: float = 0  # the log must have grown by at least that for what wrk saw acknowledged
    keys_from_path: bool = False
    # budgets: None where there is none
    floor_ratio_min: Optional[float] = None
    per_second_min: Optional[float] = None
    growth_max: Optional[float] = None  # cost at any size by cost at the smallest, in time and in CPU


def _expect(answer, status, what):
    if answer.status != status:
        raise BenchError(f"{what} was answered {answer.status}, not {status}: {answer.body[:300]!r}")


def _typical(answers):
    mean = sum(len(answer.body) for answer in answers) / len(answers)
    return min(answers, key=lambda answer: abs(len(answer.body) - mean))


def _mean_wire_bytes(answers):
    return sum(answer.wire_bytes for answer in answers) / len(answers)


def fixed(path, page=None, full=False):
    """GET of the path, which may be made from the stage; of a list with `page` tasks at most, or with exactly that many."""

    def prepare(stage):
        exact = path(stage) if callable(path) else path
        with stage.board.process.connect() as connection:
            answer = connection.request("GET", exact)
        _expect(answer, 200, f"GET {exact}")
        count = answer.json()["count"] if page else None
        if page and (count > page or full and count < min(page, stage.size)):
            raise BenchError(f"GET {exact} gave {count} tasks instead of {page}")
        return Shot("fixed.lua", "GET", exact, 200, answer, answer.wire_bytes, page=count)

    return prepare


def not_modified(path):
    def prepare(stage):
        with stage.board.process.connect() as connection:
            etag = connection.request("GET", path).header("ETag")
            if not etag:
                raise BenchError(f"GET {path} has no ETag")
            answer = connection.request("GET", path, headers=[("If-None-Match", etag)])
        _expect(answer, 304, f"GET {path} with its own ETag")
        return Shot("fixed.lua", "GET", path, 304, answer, answer.wire_bytes, etag=etag)

    return prepare


def get_one(stage):
    ids = random.Random(stage.size).choices(stage.ids, k=SAMPLE_IDS)
    with stage.board.process.connect() as connection:
        answers = [connection.request("GET", f"/board/tasks/{one}") for one in ids]
    for answer in answers:
        _expect(answer, 200, "GET of a task")
    return Shot("by_id.lua", "GET", "/board/tasks/{id}", 200, _typical(answers), _mean_wire_bytes(answers))


def write(method, path, kind, status, samples=SAMPLE_WRITES, newest=None):
    """Writes with the bodies of a pool. The samples are writes too, and stay."""

    def prepare(stage):
        bodies = stage.pools[kind].read_bytes().splitlines()[:samples]
        ids = random.Random(stage.size).choices(stage.ids[-newest:] if newest else stage.ids, k=samples)
        with stage.board.process.connect() as connection:
            answers = [connection.request(method, path.replace("{id}", one), body) for one, body in zip(ids, bodies)]
        for answer in answers:
            _expect(answer, status, f"{method} {path}")
        script = "by_id.lua" if "{id}" in path else "bodies.lua"
        return Shot(script, method, path, status, _typical(answers), _mean_wire_bytes(answers), stage.pools[kind],
                    newest=newest)

    return prepare


def _updated_since(stage):
    """The instant of the hundredth task from the end."""
    with stage.board.process.connect() as connection:
        answer = connection.request("GET", "/board/tasks?order=updated&limit=100&fields=id,updatedAt")
    _expect(answer, 200, "GET of the tasks changed last")
    return f"/board/tasks?limit={PAGE_TASKS}&updatedSince={answer.json()['tasks'][-1]['updatedAt']}"


def _page(key, query, growth_max=1.5):
    """The first page of a filter. `query` ends with & if it is not empty, or is made from the stage."""
    path = query if callable(query) else f"/board/tasks?{query}limit={PAGE_TASKS}"
    title = "page: " + key.replace("_", " ")
    full = growth_max is not None  # otherwise the costs could not be compared
    return Row(f"page_{key}", title, fixed(path, PAGE_TASKS, full), growth_max=growth_max)


def _hot_parent(stage):
    return f"/board/tasks?limit={PAGE_TASKS}&parentId={stage.ids[0]}"


LIST_100 = "/board/tasks?limit=100"
LIST_1000 = "/board/tasks?limit=1000"

ROWS = [
    Row("health", "health", fixed("/health"), "http"),
    Row("get", "GET one task, at random", get_one, "http", floor_ratio_min=0.8, growth_max=1.5),
    Row("list_100", "list of 100", fixed(LIST_100, 100, True), "http"),
    Row("list_1000", "list of 1,000", fixed(LIST_1000, 1000, True), "http"),
    Row("not_modified", "list poll answered 304", not_modified(LIST_100), "http", floor_ratio_min=0.8),
    Row("not_modified_tag", "list poll of a tag answered 304", not_modified(f"{LIST_100}&tag={TAGS[0]}"), "http"),
    Row("summary", "summary", fixed("/board/summary"), "http", floor_ratio_min=0.8),
    Row("summary_304", "summary poll answered 304", not_modified("/board/summary"), "http", floor_ratio_min=0.8),
    _page("newest", ""),
    _page("status", "status=open&"),
    _page("assignee", f"assignee={AGENTS[0]}&"),
    _page("tag", f"tag={TAGS[0]}&"),
    _page("createdBy", f"createdBy={AUTHORS[0]}&"),
    _page("parentId", _hot_parent),
    _page("ready", "ready=true&"),
    _page("q", f"q={quote(WORD)}&"),
    _page("q_two_words", f"q={quote(TWO_WORDS)}&"),
    _page("updatedSince", _updated_since),
    _page("by_updated", "order=updated&"),
    _page("by_rank", "order=rank&"),
    _page("status_and_tag", f"status=open&tag={TAGS[0]}&"),
    _page("tag_by_updated", f"tag={TAGS[0]}&order=updated&"),
    _page("assignee_by_rank", f"assignee={AGENTS[0]}&order=rank&"),
    # Found in one task of some hundreds: full only on a large board, so its growth has no budget.
    _page("sparse", f"status=blocked&tag={TAGS[0]}&", None),
    Row(
        "patch", "PATCH, at random", write("PATCH", "/board/tasks/{id}", "patch", 200), "lmdb",
        writes=True, keys_from_path=True, events_per_task=0.9, growth_max=1.5,
    ),
    Row(
        "newest_patch", f"PATCH, among the newest {NEWEST:,}",
        write("PATCH", "/board/tasks/{id}", "patch", 200, newest=NEWEST), "lmdb",
        writes=True, keys_from_path=True, events_per_task=0.9, growth_max=1.5,
    ),
    Row(
        "note", "note, at random", write("POST", "/board/tasks/{id}/notes", "note", 201), "lmdb",
        writes=True, events_per_task=1,
    ),
    Row(
        "create_1", "create, 1 connection", write("POST", "/board/tasks", "create", 201), "lmdb",
        writes=True, connections=1, events_per_task=1,
    ),
    Row(
        "create", "create", write("POST", "/board/tasks", "create", 201), "lmdb",
        writes=True, events_per_task=1, floor_ratio_min=0.6, growth_max=1.5,
    ),
    Row(
        "arrays", "create in arrays of 1,000 (tasks)", write("POST", "/board/tasks", "arrays", 201, 2), "lmdb",
        writes=True, connections=8, per_request=ARRAY_TASKS, events_per_task=1, per_second_min=100_000,
    ),
]

"""What the board is filled with and what is sent to it: tasks that look like those of a busy fleet.

Words follow Zipf's law, as they do in real text. Of the names, tags and parents the first is *hot*: every tenth task has
it, so that the first page of a filter for it is full at every size and its cost can be compared between sizes.
"""

import itertools
import json
import multiprocessing
import random
import re
import signal

from httpclient import Connection

VOCABULARY_WORDS = 5000
ARRAY_TASKS = 1000
PRELOAD_CONNECTIONS = 4
POOL_BODIES = 4096
POOL_ARRAYS = 8

HOT_SHARE = 0.1
STATUSES = ["open", "in_progress", "in_review", "blocked", "done"]
STATUS_WEIGHTS = [70, 8, 4, 3, 15]
TASK_ID = re.compile(rb'"id":"([0-9A-HJKMNP-TV-Z]{26})"')


class BenchError(Exception):
    """Something that makes a figure worthless. The row is marked and the run ends with an error."""


def _make_vocabulary():
    rng = random.Random(5000)
    starts = ["b", "br", "d", "f", "g", "gr", "k", "l", "m", "n", "p", "pr", "r", "s", "st", "t", "tr", "v", "z", ""]
    middles = ["a", "e", "i", "o", "u", "ai", "ea", "io", "é", "ü"]
    weights = [20, 20, 20, 20, 12, 3, 3, 3, 1, 1]
    words = {}
    while len(words) < VOCABULARY_WORDS:
        syllables = rng.choices([1, 2, 3, 4], [1, 6, 5, 2])[0]
        parts = (rng.choice(starts) + rng.choices(middles, weights)[0] for _ in range(syllables))
        word = "".join(parts) + rng.choice(["", "n", "r", "s", "t"])
        if len(word) > 1:
            words[word] = True
    return list(words)


WORDS = _make_vocabulary()
WORD_WEIGHTS = list(itertools.accumulate(1 / rank for rank in range(1, VOCABULARY_WORDS + 1)))
TAGS = [f"tag-{n:02}" for n in range(50)]
AGENTS = [f"agent-{n:03}" for n in range(100)]
AUTHORS = [f"author-{n:02}" for n in range(20)]


def _text(rng, words):
    return " ".join(rng.choices(WORDS, cum_weights=WORD_WEIGHTS, k=words))


def _pick(rng, names, hot_share=HOT_SHARE):
    return names[0] if rng.random() < hot_share else rng.choice(names)


def make_task(rng, hot_parent=None, parents=()):
    task = {"title": _text(rng, rng.randint(4, 8)), "createdBy": _pick(rng, AUTHORS)}
    status = rng.choices(STATUSES, STATUS_WEIGHTS)[0]
    if status != "open":
        task["status"] = status
    if rng.random() < 1 / 3:
        task["description"] = _text(rng, rng.randint(12, 28))
    if rng.random() < 1 / 3:
        task["assignee"] = _pick(rng, AGENTS, HOT_SHARE * 3)
    task["tags"] = list({_pick(rng, TAGS) for _ in range(rng.randint(1, 2))})
    if rng.random() < 0.2:
        task["priority"] = rng.randint(-10, 10)
    if hot_parent:
        chance = rng.random()
        if chance < HOT_SHARE:
            task["parentId"] = hot_parent
        elif chance < HOT_SHARE * 1.5 and parents:
            task["parentId"] = rng.choice(parents)
    return task


def encode(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def make_note(rng):
    kind = rng.choice(["finding", "blocker", "question", "update"])
    return {"author": rng.choice(AGENTS), "content": _text(rng, rng.randint(10, 30)), "type": kind}


def make_patch(rng):
    """Mostly what agents change as they go: status and assignee; now and then a title or a priority."""
    chance = rng.random()
    if chance < 0.8:
        return {"status": rng.choice(STATUSES), "assignee": rng.choice(AGENTS)}
    if chance < 0.9:
        return {"title": _text(rng, 6)}
    return {"priority": rng.randint(-100, 100)}


def write_pools(folder, seed, hot_parent):
    """Files of bodies for wrk, one a line. Returns their paths by kind."""
    rng = random.Random(seed)
    makers = {
        "create": (POOL_BODIES, lambda: make_task(rng, hot_parent)),
        "arrays": (POOL_ARRAYS, lambda: [make_task(rng, hot_parent) for _ in range(ARRAY_TASKS)]),
        "patch": (POOL_BODIES, lambda: make_patch(rng)),
        "note": (POOL_BODIES, lambda: make_note(rng)),
    }
    paths = {}
    for kind, (count, make) in makers.items():
        paths[kind] = folder / f"{kind}.bodies"
        paths[kind].write_bytes(b"".join(encode(make()) + b"\n" for _ in range(count)))
    return paths


def _create(connection, tasks):
    answer = connection.request("POST", "/board/tasks", encode(tasks))
    if answer.status != 201:
        raise BenchError(f"creating tasks was answered {answer.status}: {answer.body[:300]!r}")
    ids = TASK_ID.findall(answer.body)
    if len(ids) != len(tasks):
        raise BenchError(f"{len(tasks)} tasks were created, but the answer names {len(ids)} ids")
    return ids


def _preload_share(port, token, seed, arrays, hot_parent):
    """Creates the arrays with the numbers and sizes given; returns the ids made."""
    ids = []
    with Connection(port, token) as connection:
        for number, count in arrays:
            rng = random.Random(seed * 1_000_003 + number)
            parents = [one.decode() for one in ids[-200:]]
            ids += _create(connection, [make_task(rng, hot_parent, parents) for _ in range(count)])
    return ids


def preload(port, token, size, seed):
    """Fills the board up to `size` tasks. Returns the ids in order of creation; the first is the hot parent."""
    with Connection(port, token) as connection:
        first = _create(connection, [{"title": "The parent of many", "createdBy": AUTHORS[0]}])
    hot_parent = first[0].decode()
    rest = size - 1
    arrays = [(n, min(ARRAY_TASKS, rest - n * ARRAY_TASKS)) for n in range((rest + ARRAY_TASKS - 1) // ARRAY_TASKS)]
    shares = [arrays[n::PRELOAD_CONNECTIONS] for n in range(PRELOAD_CONNECTIONS)]
    restore_sigterm = (signal.SIGTERM, signal.SIG_DFL)
    context = multiprocessing.get_context("fork")
    with context.Pool(PRELOAD_CONNECTIONS, signal.signal, restore_sigterm) as pool:
        made = pool.starmap(_preload_share, [(port, token, seed, share, hot_parent) for share in shares])
    ids = first + [one for share in made for one in share]
    if len(set(ids)) != size:
        raise BenchError(f"{size} tasks were created, but there are {len(set(ids))} ids")
    return sorted(ids)

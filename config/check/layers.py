#!/usr/bin/env python3
"""Fails when a source includes what its layer may not know.

    main  >  program  >  config | http  >  service  >  board  >  storage  >  model  >  include/taskboard  >  base
    cli  >  base

A layer may include what stands to its right, never what stands to its left. A header of storage/ stays in storage/: the layers
above know only the contract include/taskboard/storage.h. The libraries that we build on have one home each.

    layers.py [ROOT]
"""

import pathlib
import re
import sys

# folder -> the other folders of ours that it may include from
LAYERS = {
    "server/base": [],
    "include/taskboard": ["server/base"],
    "server/model": ["include/taskboard", "server/base"],
    "storage": ["server/model", "include/taskboard", "server/base"],
    "server/board": ["server/model", "include/taskboard", "server/base"],
    "server/service": ["server/board", "server/model", "include/taskboard", "server/base"],
    "server/http": ["server/service", "server/board", "server/model", "include/taskboard", "server/base"],
    "server/config": ["include/taskboard", "server/base"],
    "cli": ["server/base"],
    "server/main.c": ["server/program", "server/http", "server/config", "include/taskboard", "server/base"],
    "server/program": [
        "server/http", "server/config", "server/service", "server/board", "server/model", "include/taskboard", "server/base",
        "server/archive.h", "server/check.h", "server/confine.h", "server/import.h", "server/restore.h",
    ],
    "server/check.h": ["server/board", "server/model", "include/taskboard", "server/base"],
    "server/check.c": ["server/check.h", "server/board", "server/model", "include/taskboard", "server/base"],
    "server/confine.h": ["include/taskboard", "server/base"],
    "server/confine.c": ["server/confine.h", "include/taskboard", "server/base"],
    "server/archive.h": ["server/base"],
    "server/archive.c": ["server/archive.h", "server/base"],
    "server/import.h": ["server/board", "server/model", "include/taskboard", "server/base"],
    "server/import.c": ["server/import.h", "server/board", "server/model", "include/taskboard", "server/base"],
    "server/restore.h": ["server/board", "server/model", "include/taskboard", "server/base"],
    "server/restore.c": ["server/restore.h", "server/check.h", "server/board", "server/model", "include/taskboard", "server/base"],
}

# Engines do not know each other; what stands in storage/ itself belongs to all of them.
ENGINES = ["storage/lmdb", "storage/memory", "storage/fault"]

# where a quoted include is looked for, besides the includer's own folder
SEARCH = ["include", "server", "storage"]

# system header -> the paths (folders or files) that may include it
HOMES = {
    r"h2o(\.h|/.*)": ["server/http/h2o_"],
    r"wslay/.*": ["server/http/websocket"],
    r"openssl/.*": ["server/http/websocket", "server/http/tls.c"],
    r"zlib\.h": ["server/http/gzip.c"],
    r"curl/.*": ["cli/http"],
    r"yajl/.*": ["server/base/json"],
    r"lmdb\.h": ["storage/lmdb/"],
    r"sodium\.h": ["server/http/", "server/board/attempt.c", "server/board/secret.c", "server/main.c", "server/program/",
                     "server/import.c", "server/restore.c", "storage/"],
    r"xxhash\.h": ["storage/"],
    r"utf8proc\.h": ["server/model/"],
    r"cmocka\.h": [],
    # The rules and the model have no threads, no sockets, no files and no clock.
    r"(pthread|threads|stdatomic|semaphore)\.h": ["server/base/", "server/service/", "server/http/", "storage/"],
    r"(sys/socket|netinet/.*|arpa/.*|netdb|sys/epoll)(\.h)?": ["server/http/", "cli/work_call.c", "cli/cmd_work.c"],
    r"(time|sys/time)\.h": ["server/base/", "server/service/", "server/http/", "server/config/", "server/program/", "storage/", "cli/"],
    r"(fcntl|sys/stat|dirent|sys/mman|sys/file)\.h": [
        "server/base/", "server/http/", "server/config/", "server/program/", "server/archive.c", "server/check.c", "server/confine.c", "server/import.c",
        "server/restore.c", "storage/", "cli/",
    ],
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')


def layer_of(path):
    for folder in LAYERS:
        if path == folder or path.startswith(folder + "/"):
            return folder
    return None


def engine_of(path):
    return next((engine for engine in ENGINES if path.startswith(engine + "/")), None)


def resolve(root, includer, name):
    """The included file's path below root, or None."""
    for folder in [includer.parent] + [root / folder for folder in SEARCH]:
        candidate = (folder / name).resolve()
        if candidate.is_file() and candidate.is_relative_to(root):
            return candidate.relative_to(root).as_posix()
    return None


def check_ours(root, source, path, name):
    target = resolve(root, source, name)
    if target is None:
        return f'"{name}" is no header of ours'
    layer, target_layer = layer_of(path), layer_of(target)
    if target_layer is None:
        return f'"{name}" belongs to no layer'
    if target_layer != layer and target_layer not in LAYERS[layer]:
        return f"{layer} may not include from {target_layer} ({name})"
    if engine_of(target) and engine_of(path) and engine_of(path) != engine_of(target):
        return f"{engine_of(path)} may not include from {engine_of(target)} ({name})"
    return None


def check_system(path, name):
    for pattern, homes in HOMES.items():
        if re.fullmatch(pattern, name) and not any(path.startswith(home) for home in homes):
            return f"<{name}> belongs only in {', '.join(homes) or 'tests'}"
    return None


def check(root):
    """Violations as `path:line: sentence`, and how many sources were read."""
    root = root.resolve()
    violations, count = [], 0
    sources = sorted(s for top in ("server", "storage", "include", "cli") for s in (root / top).rglob("*.[ch]"))
    for source in sources:
        path = source.relative_to(root).as_posix()
        count += 1
        if layer_of(path) is None:
            violations.append(f"{path}:1: this folder is no layer; config/check/layers.py lists them")
            continue
        for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if match is None:
                continue
            kind, name = match.groups()
            problem = check_ours(root, source, path, name) if kind == '"' else check_system(path, name)
            if problem:
                violations.append(f"{path}:{number}: {problem}")
    return violations, count


def main(arguments):
    root = pathlib.Path(arguments[0]) if arguments else pathlib.Path(__file__).resolve().parents[2]
    violations, count = check(root)
    for violation in violations:
        print(violation)
    print(f"{count} sources, {len(violations)} includes against the layers")
    return 1 if violations or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

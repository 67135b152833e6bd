"""config/check/layers.py passes on the tree and catches what is planted in a copy."""

import importlib.util
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def load():
    spec = importlib.util.spec_from_file_location("layers", ROOT / "config" / "check" / "layers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


layers = load()

TREE = {
    "include/taskboard/task.h": '#include "base/str.h"\n',
    "include/taskboard/storage.h": '#include "taskboard/task.h"\n',
    "server/base/str.h": "#include <string.h>\n",
    "server/base/json.c": "#include <yajl/yajl_parse.h>\n",
    "server/model/words.h": '#include "taskboard/task.h"\n',
    "server/model/words.c": '#include "words.h"\n#include <utf8proc.h>\n',
    "server/board/board.h": '#include "taskboard/storage.h"\n#include "model/words.h"\n',
    "server/service/service.h": '#include "board/board.h"\n#include <pthread.h>\n',
    "server/http/route.h": '#include "service/service.h"\n#include <sodium.h>\n',
    "server/http/h2o_loop.c": '#include "route.h"\n#include <h2o.h>\n#include <h2o/memory.h>\n',
    "cli/cli.h": '#include "base/str.h"\n',
    "cli/http.c": '#include "cli.h"\n#include <curl/curl.h>\n#include <time.h>\n',
    "server/config/settings.h": '#include "base/str.h"\n',
    "server/program/start.h": '#include "http/route.h"\n#include "config/settings.h"\n',
    "server/main.c": '#include "program/start.h"\n#include <sodium.h>\n',
    "storage/engine.h": '#include "taskboard/storage.h"\n',
    "storage/open.c": '#include "engine.h"\n#include "lmdb/env.h"\n#include "memory/memory.h"\n',
    "storage/lmdb/env.h": "#include <lmdb.h>\n",
    "storage/lmdb/txn.c": '#include "env.h"\n#include "engine.h"\n',
    "storage/memory/memory.h": '#include "engine.h"\n',
}


def plant(folder, extra):
    for path, text in {**TREE, **extra}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return layers.check(folder)[0]


def test_our_own_tree_passes():
    violations, count = layers.check(ROOT)
    assert violations == []
    assert count > 0


def test_a_right_tree_passes(tmp_path):
    assert plant(tmp_path, {}) == []


@pytest.mark.parametrize(
    "path,text",
    [
        ("server/base/str.c", '#include "taskboard/task.h"'),
        ("server/base/str.c", '#include "model/words.h"'),
        ("include/taskboard/err.h", '#include "model/words.h"'),
        ("include/taskboard/err.h", '#include "board/board.h"'),
        ("server/model/task.c", '#include "board/board.h"'),
        ("server/model/task.c", '#include "../board/board.h"'),
        ("server/board/claim.c", '#include "service/service.h"'),
        ("server/board/claim.c", '#include "engine.h"'),
        ("server/service/committer.c", '#include "lmdb/env.h"'),
        ("server/http/route.c", '#  include  "memory/memory.h"'),
        ("storage/lmdb/keys.c", '#include "board/board.h"'),
        ("storage/lmdb/keys.c", '#include "memory/memory.h"'),
        ("server/board/claim.c", "#include <h2o.h>"),
        ("server/http/route.c", "#include <h2o.h>"),
        ("server/http/route.c", '#include "config/settings.h"'),
        ("server/config/settings.c", '#include "http/route.h"'),
        ("server/http/route.c", '#include "program/start.h"'),
        ("server/config/settings.c", '#include "program/start.h"'),
        ("server/main.c", '#include "service/service.h"'),
        ("server/service/run.c", '#include "../main.c"'),
        ("server/service/loop.c", "#include <h2o/memory.h>"),
        ("server/board/parse.c", "#include <yajl/yajl_tree.h>"),
        ("server/base/text.c", "#include <yajl/yajl_parse.h>"),
        ("storage/memory/memory.c", "#include <lmdb.h>"),
        ("server/service/service.c", "#include <sodium.h>"),
        ("server/board/claim.c", "#include <pthread.h>"),
        ("server/board/claim.c", "#include <time.h>"),
        ("server/model/err.c", "#include <cmocka.h>"),
        ("server/board/claim.c", '#include "nowhere.h"'),
        ("server/other/new.c", "#include <stdio.h>"),
        ("cli/call.c", '#include "taskboard/task.h"'),
        ("cli/call.c", '#include "http/route.h"'),
        ("cli/call.c", "#include <curl/curl.h>"),
        ("server/http/route.c", '#include "../../cli/cli.h"'),
        ("server/http/route.c", "#include <curl/curl.h>"),
    ],
)
def test_a_planted_violation_is_caught(tmp_path, path, text):
    violations = plant(tmp_path, {path: "/* a comment */\n" + text + "\n"})
    assert len(violations) == 1
    assert violations[0].startswith(path + ":")


def test_an_empty_tree_is_no_success(tmp_path):
    assert layers.main([str(tmp_path)]) == 1

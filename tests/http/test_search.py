"""GET /board/tasks?q=: words of title and description, found through an index that follows every change."""

from urllib.parse import quote

import pytest
from harness import Server

TEXTS = {
    "login": ("Fix the login page", "OAuth2 redirect fails on Safari-17"),
    "deploy": ("Deploy the page-server", "roll out v2.1 to us-east\nthen verify"),
    "unicode": ("Größe ändern: ÉCOLE naïve", "Москва 東京 मराठी"),
    "escape": ('say "hello"\tworld', "back\\slash\u0001control"),
    "long": ("w" * 100, None),
    "empty": ("!!! ???", "—"),
    "case": ("SHOUTING MixedCase", None),
}


@pytest.fixture(scope="module")
def board():
    with Server() as server:
        board = server.client()
        for title, description in TEXTS.values():
            board.create(title, description=description)
        yield board
        assert server.is_up()


def found(board, *words, rest=""):
    names = {title: name for name, (title, _) in TEXTS.items()}
    query = "&".join(f"q={quote(word)}" for word in words)
    return [names[task["title"]] for task in board.list(query + rest)]


SEARCHES = [
    (["login"], ["login"]),
    (["page"], ["deploy", "login"]),
    (["the page"], ["deploy", "login"]),
    (["page the"], ["deploy", "login"]),
    (["the login"], ["login"]),
    (["login deploy"], []),
    (["login", "page"], ["login"]),
    (["log"], []),
    (["LOGIN"], ["login"]),
    (["oauth2 SAFARI"], ["login"]),
    (["17"], ["login"]),
    (["page-server"], ["deploy"]),
    (["v2.1"], ["deploy"]),
    (["then"], ["deploy"]),
    (["größe"], ["unicode"]),
    (["GRÖSSE"], []),
    (["école"], ["unicode"]),
    (["NAÏVE Ändern"], ["unicode"]),
    (["москва"], ["unicode"]),
    (["МОСКВА"], ["unicode"]),
    (["東京"], ["unicode"]),
    (["मराठी"], ["unicode"]),
    (["hello world"], ["escape"]),
    (["slash"], ["escape"]),
    (["control"], ["escape"]),
    (["w" * 100], ["long"]),
    (["w" * 64], ["long"]),
    (["w" * 63], []),
    (["shouting mixedcase"], ["case"]),
    ([""], list(TEXTS)[::-1]),
]


@pytest.mark.parametrize("words, names", SEARCHES)
def test_all_words_asked_for_must_be_in_title_or_description(board, words, names):
    assert found(board, *words) == names


def test_a_search_goes_together_with_other_filters_and_orders(board):
    assert found(board, "page", rest="&status=open&order=rank") == ["login", "deploy"]
    assert found(board, "page", rest="&status=done") == []
    assert found(board, "page", rest="&limit=1") == ["deploy"]


def test_a_search_follows_every_change_of_a_text(client):
    task_id = client.create("first words", description="second thoughts")["id"]
    search = lambda word: client.ids(f"q={word}") == [task_id]
    assert search("words") and search("thoughts")
    client.change(task_id, title="third chance")
    assert not search("words") and search("chance") and search("thoughts")
    client.change(task_id, description=None)
    assert not search("thoughts") and search("chance")
    client.change(task_id, description="chance and thoughts")
    client.change(task_id, title="nothing")
    assert search("chance") and search("thoughts")
    client.delete(task_id)
    assert not search("chance") and not search("nothing")


def test_notes_and_tags_are_not_searched(client):
    task_id = client.create("plain", tags=["tagword"])["id"]
    client.note(task_id, "noteword")
    assert client.ids("q=noteword") == client.ids("q=tagword") == []


def test_a_thousand_different_words_of_a_task_are_found(client):
    description = " ".join(f"word{n}" for n in range(1100))
    task_id = client.create("many", description=description)["id"]
    for n in (0, 1, 500, 998):
        assert client.ids(f"q=word{n}") == [task_id], n

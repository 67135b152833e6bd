"""Bodies that are not good JSON: refused with what and where, on every path that takes a body, changing nothing."""

import json

import pytest
from harness import changes_nothing, refused

GOOD = b'{"title":"t","createdBy":"c"}'


def with_title(raw):
    """A good create but for the raw bytes of its title."""
    return b'{"title":' + raw + b',"createdBy":"c"}'


def nested(depth):
    """A create whose body has that depth: the body itself is 1."""
    return b'{"title":"t","createdBy":"c","payload":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


# name: body, words of the sentence
BROKEN = {
    "cut off": (GOOD[:-1], []),
    "cut off in a string": (b'{"title":"t', []),
    "only a brace": (b"{", []),
    "no JSON": (b"title=t&createdBy=c", []),
    "something behind it": (GOOD + b"x", []),
    "two values": (GOOD + GOOD, []),
    "single quotes": (b"{'title':'t'}", []),
    "a comma too many": (b'{"title":"t","createdBy":"c",}', []),
    "no quotes around a name": (b'{title:"t","createdBy":"c"}', []),
    "a comment": (b'{"title":"t",/* */"createdBy":"c"}', []),
    "NaN": (b'{"title":"t","createdBy":"c","payload":NaN}', []),
    "a number with a leading zero": (b'{"title":"t","createdBy":"c","payload":01}', []),
    "a number with a plus": (b'{"title":"t","createdBy":"c","payload":+1}', []),
    "a number without an end": (b'{"title":"t","createdBy":"c","payload":1.}', []),
    "a bad escape": (with_title(b'"\\x"'), []),
    "a short unicode escape": (with_title(b'"\\u12"'), []),
    "a raw newline in a string": (with_title(b'"a\nb"'), []),
    "a raw control character in a string": (with_title(b'"a\x01b"'), []),
    "an escaped NUL": (with_title(b'"a\\u0000b"'), ["NUL"]),
    "a raw NUL": (with_title(b'"a\x00b"'), []),
    "a NUL behind it": (GOOD + b"\x00", []),
    "a NUL in a name": (b'{"title":"t","createdBy":"c","payload":{"a\\u0000":1}}', ["NUL"]),
    "a lone high surrogate": (with_title(b'"\\ud800"'), ["surrogate"]),
    "a lone low surrogate": (with_title(b'"\\udc00"'), ["surrogate"]),
    "surrogates in the wrong order": (with_title(b'"\\udc00\\ud800"'), ["surrogate"]),
    "a high surrogate before a letter": (with_title(b'"\\ud800a"'), ["surrogate"]),
    "a high surrogate before another escape": (with_title(b'"\\ud800\\u0041"'), ["surrogate"]),
    "an overlong slash": (with_title(b'"\xc0\xaf"'), ["UTF-8"]),
    "an overlong NUL": (with_title(b'"\xc0\x80"'), ["UTF-8"]),
    "an overlong euro sign": (with_title(b'"\xf0\x82\x82\xac"'), ["UTF-8"]),
    "a surrogate as UTF-8": (with_title(b'"\xed\xa0\x80"'), ["UTF-8"]),
    "beyond the last code point": (with_title(b'"\xf4\x90\x80\x80"'), ["UTF-8"]),
    "a cut off UTF-8 sequence": (with_title(b'"\xe2\x82"'), ["UTF-8"]),
    "a stray continuation byte": (with_title(b'"\x80"'), ["UTF-8"]),
    "Latin-1": (with_title("é".encode("latin-1").join([b'"', b'"'])), ["UTF-8"]),
    "UTF-16": ('{"title":"t","createdBy":"c"}'.encode("utf-16"), []),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD, ["byte order mark|BOM"]),
    "one name twice": (b'{"title":"t","createdBy":"c","title":"u"}', ["duplicate", "title"]),
    "one name twice, once escaped": (b'{"title":"t","createdBy":"c","t\\u0069tle":"u"}', ["duplicate", "title"]),
    "one name twice, deep inside": (b'{"title":"t","createdBy":"c","payload":{"a":[{"b":1,"b":2}]}}',
                                    ["duplicate", "b"]),
    "one unknown name twice": (b'{"title":"t","createdBy":"c","x":1,"x":1}', ["duplicate", "x"]),
    "arrays one too deep": (nested(17), ["deep"]),
    "objects one too deep": (b'{"a":' * 16 + b"{}" + b"}" * 16, ["deep"]),
    "arrays without end": (b"[" * 200_000, ["deep"]),
    "objects without end": (b'{"a":' * 100_000, ["deep"]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_body_that_is_not_good_json_is_refused_with_what_and_where(client, name):
    body, words = BROKEN[name]
    with changes_nothing(client):
        answer = client.post("/board/tasks", body)
        body = refused(answer, 400, "invalid_json")
    sentence = body["error"]
    assert 0 <= body["offset"] <= len(BROKEN[name][0])
    for word in words:
        assert any(form.lower() in sentence.lower() for form in word.split("|")), sentence
    assert "byte" in sentence or "depth" in sentence or "deep" in sentence, f"it does not say where: {sentence}"


@pytest.mark.parametrize("body", [b"5", b'"title"', b"null", b"true"])
def test_json_that_is_no_object_is_refused(client, body):
    task_id = client.create()["id"]
    with changes_nothing(client):
        for verb in ("notes", "artifacts", "review", "approve", "reject"):
            answer = client.act(task_id, verb, body)
            assert answer.status == 400 and answer.json["code"] in ("invalid_json", "invalid_field"), answer
            assert "object" in answer.json["error"]
        assert client.patch(task_id, body).status == 400
        assert client.post("/board/tasks", body).status == 400


EVERYWHERE = ["cut off", "an escaped NUL", "a lone high surrogate", "an overlong slash", "a byte order mark",
              "one unknown name twice", "objects one too deep", "something behind it"]


@pytest.mark.parametrize("name", EVERYWHERE)
@pytest.mark.parametrize("method, path", [
    ("PATCH", ""), ("POST", "/notes"), ("POST", "/artifacts"), ("POST", "/bump"), ("POST", "/review"),
    ("POST", "/approve"), ("POST", "/reject"),
])
def test_every_path_that_takes_a_body_refuses_bad_json(client, method, path, name):
    task_id = client.create()["id"]
    with changes_nothing(client):
        refused(client.request(method, f"/board/tasks/{task_id}{path}", BROKEN[name][0]), 400, "invalid_json")


@pytest.mark.parametrize("body", [
    nested(16),
    b'{"title":"t","createdBy":"c","payload":' + b'{"a":' * 14 + b"{}" + b"}" * 15,
    b' \t\r\n{ "title" :\n"t" , "createdBy":"c" } \n',
    with_title(b'"\\ud83d\\ude00 \\u00e9 \\n \\\\ \\/ \\" \\b\\f\\t"'),
    with_title("\"\U0001F600 é \u2028 \u007f \ufffe\"".encode()),
    with_title(b'"\\u0001\\u001f"'),
])
def test_good_json_of_every_kind_is_taken(client, body):
    answer = client.post("/board/tasks", body)
    assert answer.status == 201, answer
    sent = json.loads(body)
    assert answer.json["title"] == sent["title"].strip(" \f\t")
    assert answer.json.get("payload") == sent.get("payload")


def test_a_name_may_come_twice_in_different_objects(client):
    body = {"title": "t", "createdBy": "c", "payload": {"title": "x", "a": [{"b": 1}, {"b": 2}]}}
    assert client.post("/board/tasks", body).json["payload"] == body["payload"]

"""Where secrets go when a board is moved: nowhere. An export has no credentials at all; a backup has digests, and what it restores takes them."""

import base64

import pytest
from harness import refused
from harness.auth import magic_link, make_token, revoke, session_of
from test_backup import fetch, restore

SECRET_CHARS = 43


@pytest.fixture
def logins(own_server, board):
    """Something of everything that lets somebody in, and news that it was used."""
    worker = make_token(board, "worker", "the worker's", agent="ann")
    gone = make_token(board, "viewer", "revoked later")
    named = own_server.client(token=worker["token"])
    assert named.post("/feed/events", {"agent": "ann", "type": "finding", "summary": "a finding"}).status == 201
    named.create("a task", createdBy="ann")
    keyed = board.post("/auth/tokens", {"name": "with a key", "role": "viewer"}, headers={"Idempotency-Key": "k"})
    link = magic_link(named)
    session = session_of(own_server, magic_link(named))
    return {"worker": worker, "gone": gone, "keyed": keyed.json, "link": link, "session": session}


def shown(logins):
    """Every text that was shown once."""
    return [*(logins[name]["token"] for name in ("worker", "gone", "keyed")), logins["link"], logins["session"]["Cookie"].removeprefix("session=")]


def test_an_export_has_no_credentials(board, logins):
    export = board.get("/admin/export", check=False).body
    assert b"a finding" in export and b"a task" in export
    for text in shown(logins):
        kind, credential, secret = text.split("_", 2)
        assert len(credential) == 26 and len(secret) == SECRET_CHARS
        assert credential.encode() not in export and secret.encode() not in export
    for word in (b"auth.", b"digest", b'"token"', b"tb_", b"ts_", b"tl_", b"the worker's", b"revoked later"):
        assert word not in export, word


def test_a_backup_has_none_of_their_secrets(own_server, logins, tmp_path):
    backup = fetch(own_server, tmp_path / "backup").read_bytes()
    assert logins["worker"]["id"].encode() in backup and b"the worker's" in backup, "what is no secret is there"
    for text in shown(logins):
        secret = text.split("_", 2)[2]
        assert secret.encode() not in backup
        assert base64.urlsafe_b64decode(secret + "=") not in backup


def test_a_restored_board_lets_in_whom_the_backup_knew(own_server, board, logins, serve, tmp_path):
    backup = fetch(own_server, tmp_path / "backup")
    revoke(board, logins["gone"])
    refused(own_server.client(token=logins["gone"]["token"]).get("/board/summary"), 401, "unauthorized")
    restored = serve(start=False)
    assert restore(restored, backup).returncode == 0
    restored.start()
    for name in ("worker", "gone"):
        assert restored.client(token=logins[name]["token"]).get("/board/summary").status == 200
    assert restored.client(token=None).get("/board/summary", headers=logins["session"]).status == 200
    assert session_of(restored, logins["link"])
    assert {token["name"] for token in restored.client().get("/auth/tokens").json["tokens"]} == {"the worker's", "revoked later", "with a key"}

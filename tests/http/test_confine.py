"""What a server gives up before it serves: the superuser's rights, and those to the rest of the machine."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest
from harness import Certificate, Server, eventually

NOBODY = pwd.getpwnam("nobody")
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can become somebody else")


def status(server):
    """/proc/PID/status: {name: value}."""
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


def landlock_version():
    """0: this kernel has none."""
    told = subprocess.run(["python3", "-c", "import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1))"], capture_output=True, text=True, check=True)
    return max(0, int(told.stdout))


@pytest.fixture
def open_folder():
    """A folder that any user can pass through."""
    folder = Path(tempfile.mkdtemp(prefix="taskboard-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def serve_as_nobody(folder, *flags, **options):
    return Server("--user", "nobody", *flags, data=folder / "data", **options)


# --- the superuser ---

@AS_ROOT
def test_root_becomes_the_user_for_good(open_folder):
    with serve_as_nobody(open_folder) as server:
        ids = status(server)
        assert set(ids["Uid"]) == {str(NOBODY.pw_uid)} and set(ids["Gid"]) == {str(NOBODY.pw_gid)}
        assert ids["Groups"] in ([], [str(NOBODY.pw_gid)])
        assert ids["CapEff"] == ids["CapPrm"] == ["0" * 16]
        folder = (open_folder / "data").stat()
        assert (folder.st_uid, folder.st_gid, folder.st_mode & 0o777) == (NOBODY.pw_uid, NOBODY.pw_gid, 0o700)
        client = server.client()
        client.create("as nobody")
        assert b"\nprocess_open_fds " in client.get("/metrics").body


@AS_ROOT
def test_roots_groups_are_given_up(open_folder):
    class Grouped(Server):
        def command(self):
            return ["setpriv", "--groups", "4,5", *super().command()]

    with Grouped("--user", "nobody", data=open_folder / "data") as server:
        assert not {"4", "5"} & set(status(server)["Groups"])


@AS_ROOT
def test_what_only_root_may_read_is_read_first(open_folder):
    token = open_folder / "token"
    token.write_text("of-a-file-of-root\n")
    certificate = Certificate(open_folder)
    for path in (token, certificate.key):
        path.chmod(0o600)
    with serve_as_nobody(open_folder, "--token-file", token, env={"VERS_AUTH_TOKEN": None}, tls=certificate) as server:
        assert server.client(token="of-a-file-of-root").get("/board/tasks").status == 200
        # Anew it can only be read by who serves: a new pair must be his, too.
        server.send_signal(signal.SIGHUP)
        eventually(lambda: "Permission denied" in server.log(), "the log to say why")
        assert server.client(token="of-a-file-of-root").get("/board/tasks").status == 200
        certificate.key.chmod(0o640)
        os.chown(certificate.key, 0, NOBODY.pw_gid)
        server.send_signal(signal.SIGHUP)
        eventually(lambda: server.log().count("the TLS certificate is read") == 2, "the pair to be read")


@AS_ROOT
def test_a_token_that_is_made_belongs_to_the_user(open_folder):
    with serve_as_nobody(open_folder, env={"VERS_AUTH_TOKEN": None}) as server:
        token = open_folder / "data/admin-token"
        assert token.stat().st_uid == NOBODY.pw_uid
        assert server.client(token=token.read_text().strip()).get("/auth/tokens").status == 200


@AS_ROOT
def test_a_folder_of_somebody_else_is_refused(open_folder):
    (open_folder / "data").mkdir(mode=0o700)
    with closing(serve_as_nobody(open_folder)) as server:
        code, log = server.refusal()
    assert code == 1 and "Permission denied" in log, log


@AS_ROOT
def test_a_check_asks_whether_the_user_may_write_to_the_archive(open_folder):
    archive = open_folder / "archive"
    archive.mkdir(mode=0o755)
    server = serve_as_nobody(open_folder, "--archive", archive)
    checked = server.check()
    assert checked.returncode == 2 and f"{archive}: Permission denied" in checked.stderr, checked
    os.chown(archive, NOBODY.pw_uid, NOBODY.pw_gid)
    assert server.check().returncode == 0
    server.close()


@AS_ROOT
def test_what_is_restored_belongs_to_the_user(open_folder):
    server = serve_as_nobody(open_folder)
    file = open_folder / "tasks.ndjson"
    file.write_text("")
    told = subprocess.run([*server.command(), "--import", file], capture_output=True, text=True, env=server.env, check=False)
    assert told.returncode == 0, told.stderr
    assert {path.stat().st_uid for path in (open_folder / "data").iterdir()} == {NOBODY.pw_uid}
    server.close()


@AS_ROOT
@pytest.mark.parametrize("name, words", [("nobody-at-all", "there is none"), ("root", "superuser")])
def test_users_that_will_not_do_are_refused(serve, name, words):
    code, log = serve("--user", name, start=False).refusal()
    assert code == 1 and log.splitlines()[-1].startswith("taskboardd: cannot become the user") and words in log, log


@AS_ROOT
def test_who_is_not_root_can_only_stay_who_he_is(open_folder):
    as_nobody = ["setpriv", "--reuid", "nobody", "--regid", str(NOBODY.pw_gid), "--clear-groups"]

    class Plain(Server):
        def command(self):
            return [*as_nobody, *super().command()]

    (open_folder / "data").mkdir()
    os.chown(open_folder / "data", NOBODY.pw_uid, NOBODY.pw_gid)
    with Plain("--user", "nobody", data=open_folder / "data") as server:
        assert server.client().get("/board/tasks").status == 200
    with closing(Plain("--user", "daemon", data=open_folder / "data")) as server:
        code, log = server.refusal()
    assert code == 1 and "only the superuser could" in log, log


# --- the rest of the machine ---

def archive_that_leads_elsewhere(server, tmp_path, *flags):
    """Has finished tasks archived where today's file is a link to one elsewhere: that one."""
    archive, elsewhere = tmp_path / "archive", tmp_path / "elsewhere"
    archive.mkdir()
    elsewhere.touch()
    for day in (date.today(), date.today() + timedelta(days=1)):
        (archive / f"done-{day}.ndjson").symlink_to(elsewhere)
    client = server.client(check=False)
    for n in range(3):
        client.change(client.create(str(n))["id"], status="done")
    server.flags += ["--retain-done", "1", "--archive", str(archive), *flags]
    server.restart()
    return elsewhere


def is_confined(server):
    return "not confined" not in server.log()


@pytest.mark.skipif(landlock_version() == 0, reason="this kernel has no Landlock")
def test_it_writes_nowhere_but_in_its_folders(own_server, tmp_path):
    if not is_confined(own_server):
        pytest.skip("an instrument is linked into this server")
    elsewhere = archive_that_leads_elsewhere(own_server, tmp_path)
    eventually(lambda: "cannot be archived" in own_server.log(), "the refusal")
    line = next(line for line in own_server.log().splitlines() if "cannot be archived" in line)
    assert "Permission denied" in line
    assert elsewhere.read_bytes() == b""
    assert own_server.client().get("/board/tasks").status == 200


def test_it_does_where_it_is_not_confined(own_server, tmp_path):
    elsewhere = archive_that_leads_elsewhere(own_server, tmp_path, "--no-sandbox")
    assert not is_confined(own_server)
    eventually(lambda: elsewhere.read_bytes().count(b"\n") >= 2, "tasks to be archived")


def test_rights_that_were_given_up_do_not_come_back(own_server):
    if not is_confined(own_server):
        pytest.skip("this server is not confined")
    assert status(own_server)["NoNewPrivs"] == ["1"]
    for task in Path(f"/proc/{own_server.process.pid}/task").iterdir():
        assert "NoNewPrivs:\t1" in (task / "status").read_text()
    for path in ("/admin/export", "/admin/backup", "/metrics"):
        assert own_server.client(check=False).get(path).status == 200

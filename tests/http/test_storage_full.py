"""A full disk and a full map: writes get 507, reads go on, and with room again writes work again by themselves."""

import os
import subprocess
from contextlib import contextmanager

import pytest
from harness import at_the_same_time, changes_nothing, event_log, eventually, refused, replay

MEBIBYTE = 1024 * 1024
PAYLOAD = "x" * 200_000


def mount(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip(f"{command[0]} is not installed")
    if done.returncode != 0:
        pytest.skip(f"this machine does not let us mount: {' '.join(command[:4])}: {done.stderr.strip()}")


@contextmanager
def small_disk(kind, folder):
    """A file system of 64 MiB of which most is taken by a ballast. Yields (its folder, the ballast's path)."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    place = folder / "disk"
    place.mkdir()
    if kind == "ext4":
        image = folder / "image"
        with open(image, "wb") as file:
            file.truncate(64 * MEBIBYTE)
        mount("mkfs.ext4", "-q", "-m", "0", str(image))
        mount("mount", "-o", "loop", str(image), str(place))
    else:
        mount("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place))
    try:
        ballast = place / "ballast"
        with open(ballast, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, 40 * MEBIBYTE)
        yield place, ballast
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(client):
    """Creates until the storage is full; returns what was acknowledged and the refusal."""
    made = []
    while True:
        answer = client.post("/board/tasks", {"title": f"task {len(made)}", "createdBy": "c", "payload": PAYLOAD})
        if answer.status != 201:
            return made, answer
        made.append(answer.json)
        assert len(made) < 1000, "the storage never gets full"


def all_there(client, tasks):
    for task in tasks:
        assert client.task(task["id"]) == task


def is_not_ready(client):
    """Also not after a batch that writes nothing, for which there is always room."""
    refused(client.patch("0" * 26, {"title": "t"}), 404, "task_not_found")
    answer = client.get("/ready")
    assert answer.status == 503 and answer.json["reasons"] == ["storage_full"]


def refuses_writes_and_serves_reads(client, made):
    """Small writes may still find room, big ones do not; whatever is refused changes nothing."""
    with changes_nothing(client):
        big = {"title": "t", "createdBy": "c", "payload": PAYLOAD}
        refused(client.post("/board/tasks", big), 507, "storage_full", "full")
        refused(client.post("/board/tasks", [big] * 4), 507, "storage_full")
        refused(client.patch(made[0]["id"], {"description": "d" * 200_000}), 507, "storage_full")
        is_not_ready(client)
    all_there(client, made[::10])
    assert len(client.list("limit=10000&fields=id")) == len(made)
    assert client.events("limit=5")
    assert client.get("/health").status == 200


@pytest.mark.parametrize("kind", ["ext4", "tmpfs"])
def test_a_full_disk_refuses_writes_until_there_is_room_again(serve, tmp_path, kind):
    with small_disk(kind, tmp_path) as (place, ballast):
        server = serve(data=place / "data")
        client = server.client()
        made, refusal = fill(client)
        refused(refusal, 507, "storage_full", "full")
        assert len(made) > 20
        refuses_writes_and_serves_reads(client, made)

        ballast.unlink()
        eventually(lambda: client.get("/ready").status == 200, "/ready to see the room")
        made += [client.create("room again", payload=PAYLOAD) for _ in range(10)]
        all_there(client, made)
        server.kill()
        server.start()
        client = server.client()
        all_there(client, made)
        assert replay(event_log(client)) == {task["id"]: task for task in client.list("view=summary&limit=10000")}
        server.stop()


def test_many_writers_on_a_full_disk_each_get_an_answer_and_keep_what_was_acknowledged(serve, tmp_path):
    with small_disk("tmpfs", tmp_path) as (place, ballast):
        server = serve(data=place / "data")
        results = at_the_same_time(*[lambda: fill(server.client()) for _ in range(6)])
        made = [task for tasks, _ in results for task in tasks]
        for _, refusal in results:
            refused(refusal, 507, "storage_full")
        client = server.client()
        all_there(client, made)
        ballast.unlink()
        assert client.create("room again")
        assert len(client.list("fields=id")) == len(made) + 1
        server.stop()


def test_a_server_starts_and_reads_on_a_disk_that_is_full(serve, tmp_path):
    with small_disk("ext4", tmp_path) as (place, ballast):
        server = serve(data=place / "data")
        made, _ = fill(server.client())
        server.stop()
        with open(place / "rest", "wb") as rest:
            try:
                while rest.write(b"x" * 4096):
                    rest.flush()
            except OSError:
                pass
        server.start()
        client = server.client()
        all_there(client, made)
        (place / "rest").unlink()
        ballast.unlink()
        assert client.create("room again", payload=PAYLOAD)
        server.stop()


@pytest.mark.parametrize("size", ["8M", "32M"])
def test_a_full_map_refuses_writes_until_tasks_are_deleted(serve, size):
    server = serve("--map-size", size)
    client = server.client()
    made, refusal = fill(client)
    refused(refusal, 507, "storage_full", "full")
    assert len(made) > 10
    refuses_writes_and_serves_reads(client, made)
    for task in made[:5]:
        assert client.delete(task["id"]).status == 200, "a deletion must work when nothing else does"
    made = made[5:]
    eventually(lambda: client.get("/ready").status == 200, "/ready to see the room")
    made.append(client.create("room again", payload=PAYLOAD))
    made[0] = client.change(made[0]["id"], description="d" * 50_000)
    all_there(client, made)
    server.restart()
    client = server.client()
    all_there(client, made)
    assert replay(event_log(client)) == {task["id"]: task for task in client.list("view=summary&limit=10000")}


def test_a_map_that_was_full_of_small_tasks_is_emptied_without_a_restart(serve):
    client = serve("--map-size", "8M").client(check=False)
    batch = [{"title": f"small {n}", "createdBy": "c", "tags": ["x"]} for n in range(200)]
    ids, answer = [], client.post("/board/tasks", batch)
    while answer.status == 201:
        ids += [task["id"] for task in answer.json["tasks"]]
        answer = client.post("/board/tasks", batch)
    refused(answer, 507, "storage_full")
    while client.post("/board/tasks", batch[0]).status == 201:
        pass
    for n, task_id in enumerate(ids):
        answer = client.delete(task_id)
        assert answer.status == 200, f"deletion {n} of {len(ids)}: {answer}"
        if n % 100 == 99 and client.post("/board/tasks", batch).status == 201:
            break
    else:
        pytest.fail("there was never room for as many again")


def test_a_refused_array_leaves_nothing_on_a_full_map(serve):
    client = serve("--map-size", "8M").client()
    with changes_nothing(client):
        answer = client.post("/board/tasks", [{"title": "t", "createdBy": "c", "payload": PAYLOAD}] * 60)
        refused(answer, 507, "storage_full")
    made, _ = fill(client)
    assert len(made) > 10

"""What the board says of itself when the load is over: its whole log, and its lists as of one seq of it."""

import json
import random

ATTEMPTS_ASKED = 500


def read_log(client, file, since):
    """Appends the events behind `since` to the file, a line each as the server sent it; returns the last seq."""
    while True:
        answer = client.get(f"/events?since={since}&limit=1000")
        events, _, rest = answer.body.rpartition(b'],"count":')
        page = json.loads(b'{"count":' + rest)
        assert page["oldest"] == 1, "the log does not begin with its first event"
        if page["count"]:
            file.write(events.removeprefix(b'{"events":[').replace(b'},{"seq":', b'}\n{"seq":') + b"\n")
        since = max(since, page.get("next", 0), since + page["count"])
        if since >= page["head"]:
            return since


def read_pages(client, file):
    """Appends the pages of the list; returns the seqs that they are as of."""
    seqs, path = set(), "/board/tasks?limit=10000&maxBytes=16777216"
    while path:
        answer = client.get(path)
        file.write(answer.body + b"\n")
        seqs.add(answer.seq)
        following = json.loads(answer.body).get("nextCursor")
        path = following and f"/board/tasks?limit=10000&maxBytes=16777216&cursor={following}"
    return seqs


def read_rest(client, ids):
    """The other things, each with the seq that it is as of."""
    paths = ["/board/summary", "/registry/vms", *(f"/board/tasks/{task_id}/attempts" for task_id in ids)]
    answers = [(path, client.get(path)) for path in paths]
    return [{"path": path, "seq": answer.seq, "body": answer.json} for path, answer in answers]


def save_final_state(server, folder):
    """Writes `log`, `list` and `rest` into the folder. The list is read again when something happened between its pages."""
    client = server.client(check=False)
    for _ in range(20):
        with open(folder / "list", "wb") as file:
            seqs = read_pages(client, file)
        if len(seqs) == 1:
            break
    assert len(seqs) == 1, "the board does not come to rest"
    with open(folder / "list", "rb") as file:
        ids = [task["id"] for line in file for task in json.loads(line)["tasks"]]
    asked = random.Random(0).sample(ids, min(ATTEMPTS_ASKED, len(ids)))
    rest = {"list_seq": seqs.pop(), "answers": read_rest(client, asked)}
    with open(folder / "log", "wb") as file:
        read_log(client, file, 0)
    (folder / "rest").write_text(json.dumps(rest))

"""A client that lists the board, then follows its stream from Events-Seq, and is cut off again and again, ends with exactly the
board's state: nothing is missed, nothing comes twice, while others write."""

import random
import threading

import pytest
from harness import GZIP, Ended, Sse, Ws

WRITERS = 4
WRITES = 150  # of each
SUMMARY = "view=summary&limit=500"
LAST = "the last one"


def listed(client):
    """(all tasks in the summary view, the seq as of which they are so at least), page by page."""
    tasks, seq, path = {}, None, f"/board/tasks?{SUMMARY}"
    while path:
        answer = client.get(path, check=False)
        seq = answer.seq if seq is None else seq
        tasks.update({task["id"]: task for task in answer.json["tasks"]})
        cursor = answer.json.get("nextCursor")
        path = cursor and f"/board/tasks?{SUMMARY}&cursor={cursor}"
    return tasks, seq


class Follower:
    """Its copy of the board. A list may be newer than its Events-Seq says: then the events are older news, which the
    version tells."""

    def __init__(self, client):
        self.tasks, self.seq = listed(client)
        self.begun_at = self.seq
        self.is_over = False

    def take(self, event):
        assert event["seq"] == self.seq + 1, f"{event['seq']} came after {self.seq}"
        self.seq = event["seq"]
        task_id = event["taskId"]
        if event["type"] == "task.deleted":
            self.tasks.pop(task_id, None)
            return
        task, known = event["data"]["task"], self.tasks.get(task_id)
        self.is_over = task["title"] == LAST
        if known is None or task["version"] > known["version"]:
            self.tasks[task_id] = task


class OverSse:
    headers = None

    def __init__(self, server, seq, chance):
        # A browser says where it was in the header, others in the URL.
        if chance.random() < 0.5:
            self.stream = Sse(server, last_id=str(seq), headers=self.headers)
        else:
            self.stream = Sse(server, f"/events/stream?since={seq}", self.headers)

    def next(self):
        return self.stream.next().json


class OverGzip(OverSse):
    headers = GZIP


class OverWs:
    def __init__(self, server, seq, chance):
        if chance.random() < 0.5:
            self.stream = Ws(server, f"/events/ws?since={seq}")
        else:
            self.stream = Ws(server, "/events/ws?topic=none")
            self.stream.send({"since": seq})

    def next(self):
        return self.stream.next()


def follow(server, follower, over, chance):
    """Follows the stream through many connections, to the last event."""
    connections = 0
    while not follower.is_over:
        connection = over(server, follower.seq, chance)
        connections += 1
        try:
            for _ in range(chance.randrange(1, 60)):
                follower.take(connection.next())
                if follower.is_over:
                    break
        except Ended:
            raise AssertionError("the server ended the stream") from None
        if chance.random() < 0.5:
            connection.stream.raw.reset()
        else:
            connection.stream.leave()
    return connections


def write(server, chance, done):
    client = server.client(check=False)
    own = [task["id"] for task in client.create_many([{"title": "t", "createdBy": "w"}] * 5)]
    for _ in range(WRITES):
        what, task_id = chance.random(), chance.choice(own)
        if what < 0.3:
            own.append(client.create(title="n", tags=["a"])["id"])
        elif what < 0.6:
            client.change(task_id, priority=chance.randrange(-100, 101))
        elif what < 0.7:
            client.note(task_id)
        elif what < 0.8:
            client.create(dependencies=[task_id])
        elif what < 0.9:
            client.change(task_id, status=chance.choice(["done", "open", "in_progress"]))
        elif len(own) > 3:
            assert client.delete(task_id).status == 200
            own.remove(task_id)
    done.release()


@pytest.mark.parametrize("over", [OverSse, OverGzip, OverWs])
@pytest.mark.parametrize("seed", [1, 2])
def test_it_ends_with_exactly_the_board(own_server, over, seed):
    board = own_server.client(check=False)
    board.create_many([{"title": "old", "createdBy": "w"}] * 1000)
    done, failures = threading.Semaphore(0), []
    writers = [threading.Thread(target=write, args=[own_server, random.Random(f"{seed}/{n}"), done]) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    followers = [Follower(board) for _ in range(4)]

    def run(number):
        try:
            connections = follow(own_server, followers[number], over, random.Random(f"{seed}/f{number}"))
            assert connections > 3
        except BaseException as error:
            failures.append(error)

    watching = [threading.Thread(target=run, args=[number]) for number in range(len(followers))]
    for thread in watching:
        thread.start()
    for writer in writers:
        writer.join()
        assert done.acquire(timeout=1), "a writer failed"
    board.create(title=LAST)
    for thread in watching:
        thread.join()
    if failures:
        raise failures[0]
    tasks, seq = listed(board)
    for follower in followers:
        assert follower.seq == seq and seq > follower.begun_at
        assert follower.tasks == tasks

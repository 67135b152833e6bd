"""kill -9 while subscribers follow: who resumes sees no gap, no repeat, and no event of a change that is not in the store.

TASKBOARD_STREAM_KILLS  how often (20)
TASKBOARD_CRASH_SEED    as in test_crash.py
"""

import os
import random
import threading

import pytest
from harness import Ended, Server, Sse, Ws, event_log
from workload import Worker, write_until_killed

KILLS = int(os.environ.get("TASKBOARD_STREAM_KILLS", "20"))
SEED = os.environ.get("TASKBOARD_CRASH_SEED") or str(random.SystemRandom().randrange(10**9))
WORKERS = 4
SUBSCRIBERS = 4  # of each kind


class Subscriber:
    """Follows the server through one life after another; `events` is all that it ever saw."""

    def __init__(self, kind):
        self.kind = kind
        self.events = []
        self.failure = None
        self.thread = None

    def connect(self, server):
        since = str(self.events[-1]["seq"] if self.events else 0)
        if self.kind is Sse:
            return Sse(server, "/events/stream", last_id=since)
        return Ws(server, f"/events/ws?since={since}")

    def follow(self, server):
        """Until the server is gone."""
        self.thread = threading.Thread(target=self.run, args=[server])
        self.thread.start()

    def run(self, server):
        try:
            stream = self.connect(server)
            while True:
                event = stream.next()
                self.take(event if self.kind is Ws else event.json)
        except (Ended, ConnectionError):
            pass
        except BaseException as error:
            self.failure = error

    def take(self, event):
        expected = self.events[-1]["seq"] + 1 if self.events else 1
        assert event.get("seq") == expected, f"{event} came where {expected} was expected"
        self.events.append(event)

    def end(self):
        self.thread.join()
        if self.failure:
            raise self.failure


@pytest.mark.parametrize("kind", [Sse, Ws])
def test_a_subscriber_that_resumes_after_kill_9_has_the_log(kind):
    print(f"TASKBOARD_CRASH_SEED={SEED} TASKBOARD_STREAM_KILLS={KILLS}", flush=True)
    chance = random.Random(f"{SEED}/{kind.__name__}")
    subscribers = [Subscriber(kind) for _ in range(SUBSCRIBERS)]
    with Server() as server:
        for life in range(KILLS):
            workers = [Worker(life * WORKERS + n, f"{SEED}/{kind.__name__}") for n in range(WORKERS)]
            for subscriber in subscribers:
                subscriber.follow(server)
            write_until_killed(server, workers, [], chance.randrange(1, 200), chance.uniform(0, 0.004))
            for subscriber in subscribers:
                subscriber.end()
            server.start()
            log = event_log(server.client(check=False))
            for subscriber in subscribers:
                # What was seen is what is stored: nothing is told before it is durable.
                assert subscriber.events == log[:len(subscriber.events)]
        for subscriber in subscribers:
            stream = subscriber.connect(server)
            for _ in range(len(log) - len(subscriber.events)):
                event = stream.next()
                subscriber.take(event if kind is Ws else event.json)
            assert subscriber.events == log
            stream.leave()

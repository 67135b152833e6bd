"""kill -9 at a random moment, again and again: what was acknowledged is there, and nothing is half there.

TASKBOARD_CRASH_KILLS   how often (100)
TASKBOARD_CRASH_SEED    of all random choices; printed, so that a run can be had again (as far as threads allow)
"""

import os
import random
import time

from harness import Server
from promises import Log, check
from workload import Worker, write_until_killed

KILLS = int(os.environ.get("TASKBOARD_CRASH_KILLS", "100"))
SEED = os.environ.get("TASKBOARD_CRASH_SEED") or str(random.SystemRandom().randrange(10**9))
WORKERS = 6
KILLS_OF_A_BOARD = 20
SHARED_TASKS = 3


class Story:
    """One board from its first start to its last: workers, what they know, and the log as it grows."""

    def __init__(self, chance, number):
        self.chance = chance
        self.server = Server()
        self.workers = [Worker(n, f"{SEED}/{number}") for n in range(WORKERS)]
        self.log = Log()
        self.shared = []

    def begin(self):
        self.server.start()
        client = self.server.client(check=False)
        self.shared = [client.create(f"shared {n}")["id"] for n in range(SHARED_TASKS)]

    def kill_and_check(self):
        answers, pause = self.chance.randrange(1, 250), self.chance.uniform(0, 0.004)
        write_until_killed(self.server, self.workers, self.shared, answers, pause)
        if self.chance.random() < 0.2:
            self.kill_while_starting()
        self.server.expect_sound()
        self.server.start()
        self.send_again()
        check(self.server.client(check=False), self.log, self.workers, self.shared)

    def send_again(self):
        for worker in self.workers:
            worker.send_again(self.server.client(check=False))

    def kill_while_starting(self):
        self.server.launch()
        time.sleep(self.chance.uniform(0, 0.03))  # the moment of death, not a way to wait for something
        self.server.kill()

    def end(self):
        """Reads the whole log once more from its beginning, after an orderly end and a last start."""
        self.server.restart()
        self.send_again()
        check(self.server.client(check=False), Log(), self.workers, self.shared)


def test_every_acknowledged_write_survives_kill_9_and_nothing_is_half_applied():
    print(f"TASKBOARD_CRASH_SEED={SEED} TASKBOARD_CRASH_KILLS={KILLS}", flush=True)
    chance, kills, begun = random.Random(SEED), 0, time.monotonic()
    events = 0
    while kills < KILLS:
        story = Story(chance, kills)
        try:
            story.begin()
            for _ in range(min(KILLS_OF_A_BOARD, KILLS - kills)):
                story.kill_and_check()
                kills += 1
            story.end()
            events += story.log.head
        except BaseException:
            print(f"after {kills} kills; the server's last words:\n{story.server.log()[-3000:]}")
            raise
        finally:
            story.server.close()
    print(f"{kills} kills, {events} events, {time.monotonic() - begun:.0f} s")

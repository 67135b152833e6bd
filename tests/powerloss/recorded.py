"""One recorded run of a real server under the workload."""

import random
import struct
import threading

from harness import Refusal, Server, eventually
from workload import MAP_BYTES, RETAINED_EVENTS, History, Subscriber, Worker, check_acks

WORKERS = 6
RECORDING_BYTES = 2 << 30   # sparse
HEADER = struct.Struct("<QQQQQ")  # struct recording of recording.h
STILLBORN = 4
FOLDER_MADE = 2             # and not synced
FIRST_RECORDS = 40          # a first start has a few more
MAGIC = 0x31676e6964726f63

# What POWERLOSS_FAULT makes of the server, and the replayer must find:
CONTROLS = {
    "nosync": "LMDB is opened with MDB_NOSYNC",
    "early": "answers leave before the writes and syncs of their transaction",
    "metafirst": "the page that makes a transaction known is written before its data are synced",
    "nodirsync": "folders are never synced",
}


class Story:
    """One board from its first start to its end."""

    def __init__(self, folder, programs, seed, fault):
        path = folder / "recording"
        with open(path, "wb") as file:
            file.write(HEADER.pack(MAGIC, RECORDING_BYTES, HEADER.size, 0, 1))
            file.truncate(RECORDING_BYTES)
        self.folder = folder
        self.server = Server("--map-size", MAP_BYTES, "--retain-events", RETAINED_EVENTS, "--threads", 2)
        self.server.env.pop("VERS_AUTH_TOKEN")  # so that it makes a token of its own
        self.server.env.update(LD_PRELOAD=str(programs / "powerloss_recorder.so"), POWERLOSS_RECORDING=str(path),
                               POWERLOSS_DATA=str(self.server.data), POWERLOSS_FAULT=fault or "")
        self.history = History()
        self.subscriber = Subscriber()
        self.workers = [Worker(n, seed, self.history) for n in range(WORKERS)]
        self.failures = []
        self.token = None

    def work(self, go_on):
        """Starts all workers; returns their threads."""
        def run(worker):
            try:
                worker.run(self.server.port, self.token, lambda: go_on() and not self.failures)
            except BaseException as error:  # told in the caller's thread
                self.failures.append(error)

        threads = [threading.Thread(target=run, args=[worker]) for worker in self.workers]
        for thread in threads:
            thread.start()
        return threads

    def die_young(self, records):
        """A first start that is killed behind so many records, or when it listens."""
        self.server.env["POWERLOSS_DIE_AFTER"] = str(records)
        try:
            self.server.start()
            self.server.kill()
        except Refusal as refusal:
            assert refusal.code == -9, refusal
        self.server.env["POWERLOSS_DIE_AFTER"] = "0"

    def live(self, answers, ends_by_kill):
        """One life of the server: it ends when so many answers have come in all."""
        self.server.start()
        self.token = (self.server.data / "admin-token").read_text().strip()
        self.subscriber.follow(self.server, self.token)
        threads = self.work(lambda: ends_by_kill or self.history.answers < answers)
        if ends_by_kill:
            eventually(lambda: self.history.answers >= answers or self.failures, "enough answers", 600)
            self.server.kill()
        for thread in threads:
            thread.join()
        if not ends_by_kill:
            self.end()
        self.subscriber.end()
        if self.failures:
            raise self.failures[0]

    def end(self):
        if not self.failures:
            head = self.server.client(token=self.token, check=False).head_seq()
            eventually(lambda: len(self.subscriber.lines) >= head or self.subscriber.failure, "the subscriber to come to the end")
        self.server.leave()
        self.server.stop()

    def write(self):
        with open(self.folder / "recording", "rb+") as file:
            magic, _, tail, overflow, _ = HEADER.unpack(file.read(HEADER.size))
            assert magic == MAGIC and not overflow, "the recording was not long enough"
            file.truncate(tail)
        lines = [f"token {self.token}", *self.history.lines]
        (self.folder / "events").write_text("".join(f"{line}\n" for line in self.subscriber.lines))
        (self.folder / "history").write_text("".join(f"{line}\n" for line in lines))


def record(folder, programs, seed, answers, lives, fault=None):
    """Leaves recording, events and history in the folder. All lives of the server but the last end with kill -9, and where
    there is more than one, some have ended so before, while the data folder was made."""
    story = Story(folder, programs, seed, fault)
    chance = random.Random(seed)
    try:
        for records in [FOLDER_MADE, *sorted(chance.choices(range(FIRST_RECORDS), k=STILLBORN))] if lives > 1 else []:
            story.die_young(records + 1)
        for life in range(1, lives + 1):
            story.live(answers * life // lives, ends_by_kill=life < lives)
        check_acks(story.history.acks, story.subscriber.lines)
        story.write()
    except BaseException:
        print(f"the server's last words:\n{story.server.log()[-3000:]}")
        raise
    finally:
        story.server.close()

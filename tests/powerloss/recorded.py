"""One recorded run of a real server under the workload."""

import random
import struct
import threading

from harness import Refusal, Server, eventually
from workload import MAP_BYTES, RETAINED_EVENTS, History, Subscriber, Worker, check_acks

WORKERS = 6
RECORDING_BYTES = 2 << 30   # sparse
HEADER = struct.Struct("<QQQQQQ")  # struct recording of recording.h
DIE_IN_COMMIT = struct.Struct("<Q")
DIE_IN_COMMIT_AT = HEADER.size - DIE_IN_COMMIT.size
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
            file.write(HEADER.pack(MAGIC, RECORDING_BYTES, HEADER.size, 0, 1, 0))
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

    def die_in_commit(self):
        """Readers of the file's cache know the next transaction, and no disk has it yet: then the server is killed."""
        with open(self.folder / "recording", "rb+") as file:
            file.seek(DIE_IN_COMMIT_AT)
            file.write(DIE_IN_COMMIT.pack(1))
            file.flush()
            eventually(lambda: not self.server.is_up(), "a commit to die in")
            file.seek(DIE_IN_COMMIT_AT)
            file.write(DIE_IN_COMMIT.pack(0))
        self.server.kill()

    def live(self, answers, death=None):
        """One life of the server: it ends when so many answers have come in all, by `death` or in good order."""
        self.server.start()
        self.token = (self.server.data / "admin-token").read_text().strip()
        # A list tells of the log's end before anything new is written.
        self.server.client(token=self.token, check=False).get("/board/tasks?limit=1")
        self.subscriber.follow(self.server, self.token)
        threads = self.work(lambda: death or self.history.answers < answers)
        if death:
            eventually(lambda: self.history.answers >= answers or self.failures, "enough answers", 600)
            death()
        for thread in threads:
            thread.join()
        if not death:
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
            magic, _, tail, overflow, *_ = HEADER.unpack(file.read(HEADER.size))
            assert magic == MAGIC and not overflow, "the recording was not long enough"
            file.truncate(tail)
        lines = [f"token {self.token}", *self.history.lines]
        (self.folder / "events").write_text("".join(f"{line}\n" for line in self.subscriber.lines))
        (self.folder / "history").write_text("".join(f"{line}\n" for line in lines))


def record(folder, programs, seed, answers, fault=None, dies=True):
    """Leaves recording, events and history in the folder. `dies`: the server has ended by kill -9 a few times, while the data
    folder was made, in a commit, and anywhere."""
    story = Story(folder, programs, seed, fault)
    chance = random.Random(seed)
    try:
        if dies:
            for records in [FOLDER_MADE, *sorted(chance.choices(range(FIRST_RECORDS), k=STILLBORN))]:
                story.die_young(records + 1)
            story.live(answers // 3, story.die_in_commit)
            story.live(2 * answers // 3, story.server.kill)
        story.live(answers)
        check_acks(story.history.acks, story.subscriber.lines)
        story.write()
    except BaseException:
        print(f"the server's last words:\n{story.server.log()[-3000:]}")
        raise
    finally:
        story.server.close()

"""One position of the sweep: a server in which one call fails, the script, and what is left of its store."""

import http.client
import re
import shutil
import signal
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from control import SWALLOW, SYNC, Control
from harness import Server, at_the_same_time, eventually
from ledger import Base, Broken, Ledger, require
from script import Burst, prepare, says, steps

GONE = (ConnectionError, OSError, http.client.HTTPException)
# The log is cut while the script runs, but never behind where the script begins.
FLAGS = ("--threads", "1", "--retain-events", "50", "--drain-seconds", "0")
END_SECONDS = 5


class Tools:
    """What was built, and the prepared store that each story begins with a copy of."""

    def __init__(self, folder, bin_folder):
        self.folder = folder
        self.library = bin_folder / "faults_inject.so"
        self.data = folder / "data"
        with Server(*FLAGS[:2], data=self.data, env={"VERS_AUTH_TOKEN": None}) as server:
            client = server.client(check=False, token=self.token(self.data))
            self.known = prepare(client)
            self.base = Base(client)
        self.events = self.count_events()

    @staticmethod
    def token(data):
        return (data / "admin-token").read_text().strip()

    def count_events(self):
        """How many events each step leaves when nothing fails."""
        data = self.folder / "counted"
        shutil.copytree(self.data, data)
        with Server(*FLAGS, data=data, env={"VERS_AUTH_TOKEN": None}) as server:
            client, events = server.client(check=False, token=self.token(data)), {}
            for step in steps(self.known):
                step = step.parts[0] if isinstance(step, Burst) else step
                before = client.head_seq()
                answer = step.send(client)
                assert answer.status == step.status, f"{step.name}: {answer}"
                events[step.name] = client.head_seq() - before
        return events


def ask(step, client):
    """(the answer, or None; how there came none)"""
    try:
        return step.send(client), None
    except GONE as gone:
        return None, gone


class Story:
    """A fault at its nth call (0: only counts). `armed_before`: not from the beginning of the script, but from that step."""

    def __init__(self, tools, fault, nth, armed_before=None):
        self.tools, self.fault, self.nth, self.armed_before = tools, fault, nth, armed_before
        self.folder = Path(tempfile.mkdtemp(prefix="taskboard-faults-"))
        self.data = self.folder / "data"
        self.control = Control(self.folder / "control")
        self.ledger = Ledger(tools.base, tools.events)
        self.is_empty = fault.when == "empty"
        if not self.is_empty:
            shutil.copytree(tools.data, self.data)
        preload = {"LD_PRELOAD": str(tools.library), "FAULTS_CONTROL": str(self.control.path), "FAULTS_FOLDER": str(self.data)}
        self.server = Server(*FLAGS, data=self.data, env={"VERS_AUTH_TOKEN": None, **preload})

    def close(self):
        if self.server.is_up():
            self.server.kill()
        self.server.damaged = True  # or it was checked
        self.server.close()
        self.control.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- what happens ---

    def run(self):
        """Raises Broken when a promise is broken. Returns how many calls of the kind there were."""
        serving = self.fault.when == "serving"
        self.control.set(self.fault, self.nth, armed=not serving)
        if self.starts():
            if not serving:
                self.control.disarm()
            if not self.is_empty:
                self.play()
            self.stop()
        self.control.disarm()
        self.look_afterwards()
        return self.control.count

    def starts(self):
        """True once the server serves; False when it refused to, in an orderly way."""
        self.server.launch()
        eventually(lambda: self.server.listening() or self.server.process.poll() is not None, "the server to listen or to end")
        self.server.port = self.server.listening()
        if self.server.port is not None and self.server.is_up():
            return True
        self.judge_end("while it started")
        return False

    def judge_end(self, when):
        """It has ended by itself. That is a clean stop with a sentence, or for want of memory an abort with one."""
        code, log = self.server.process.wait(), self.server.log()
        require(self.control.struck, f"the server ended with {code} {when}, and nothing had failed: {log[-300:]!r}")
        if code == -signal.SIGABRT:
            require(re.search("out of memory|no memory", log), f"the server aborted {when} without a word: {log[-300:]!r}")
            require(self.fault.name.endswith("memory-enomem"), f"the server aborted {when}: {log[-300:]!r}")
        else:
            said = re.search(r"^taskboardd: \S.*\S$", log, re.MULTILINE)
            require(code == 1 and said, f"the server ended with {code} {when}: {log[-300:]!r}")

    def client(self):
        return self.server.client(check=False, token=self.tools.token(self.data))

    def play(self):
        client, script = self.client(), steps(self.tools.known)
        if self.armed_before is None and self.fault.when == "serving":
            self.control.arm()
        for step in script:
            if step.name == self.armed_before:
                self.control.arm()
            failed = self.sync_has_failed()
            parts = step.parts if isinstance(step, Burst) else [step]
            clients = [client] + [self.client() for _ in parts[1:]]
            answers = at_the_same_time(*[partial(ask, *pair) for pair in zip(parts, clients)]) if parts[1:] else [ask(step, client)]
            if any([self.judge(part, *answer, failed) for part, answer in zip(parts, answers)]):
                self.judge_silence(step)
                return
        if not self.sync_has_failed():
            self.control.disarm()
        self.look_at_health(client)

    def judge(self, step, answer, gone, failed):
        """True when no answer came because the server has gone, it seems."""
        if isinstance(gone, http.client.IncompleteRead):
            require(not step.writes, f"the answer to {step.name} was cut off: {gone!r}")
            return False  # of a long list, which goes out in pieces: the client notices
        self.ledger.note(step, answer)
        if failed and answer:
            self.judge_after_failed_sync(step, answer)
        return answer is None

    def judge_silence(self, step):
        try:
            self.server.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            raise Broken(f"the server neither answers {step.name} nor ends: {self.server.log()[-300:]!r}") from None
        self.judge_end(f"at {step.name}")

    def sync_has_failed(self):
        is_such = self.fault.calls == SYNC and self.fault.mode != SWALLOW and self.fault.when == "serving"
        return is_such and self.control.struck

    def judge_after_failed_sync(self, step, answer):
        if step.writes:
            require(says(answer) == "storage_failed", f"{step.name} is answered with {answer} although a sync had failed")
        else:
            require(answer.status == 200, f"{step.name} is answered with {answer}: reads are to go on")

    def look_at_health(self, client):
        """The script is over and the server is up."""
        log = self.server.log
        if not self.sync_has_failed() and "storage_failed" not in log():
            eventually(lambda: client.get("/ready").status == 200, "/ready to say that writes work")
            return
        eventually(lambda: client.get("/ready").status == 503, "/ready to say that the store has failed")
        require(client.get("/ready").json["reasons"] == ["storage_failed"], f"{client.get('/ready')}")
        if self.sync_has_failed():
            require(self.control.count == self.nth, "a sync was tried after one had failed")
        lines = log().count("a batch could not be written")
        require(lines == 1, f"{lines} lines of the log say that a batch could not be written")

    def stop(self):
        if self.server.is_up():
            self.server.leave()
            self.control.disarm()
            self.server.stop()

    # --- what is left ---

    def look_afterwards(self):
        """Without faults: the store is sound, it has what was acknowledged and nothing by halves, and it works."""
        for name in ("LD_PRELOAD", "FAULTS_CONTROL", "FAULTS_FOLDER"):
            self.server.env.pop(name, None)
        if self.data.exists() and (self.data / "data.mdb").exists():
            self.check_offline()
        self.server.start()
        client = self.client()
        if not self.is_empty:
            self.ledger.check(client)
            self.ledger.send_again(client)
        answer = client.post("/board/tasks", {"title": "afterwards", "createdBy": "ann"})
        require(answer.status == 201, f"afterwards: {answer}")
        self.server.leave()
        self.server.stop()
        self.check_offline()

    def check_offline(self):
        done = self.server.check()
        require(done.returncode == 0, f"--check: {done.stdout}{done.stderr}")

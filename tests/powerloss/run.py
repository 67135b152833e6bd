#!/usr/bin/env python3
"""Cuts the power, many times, and looks whether what was acknowledged is there.

A real taskboardd runs under a workload while a preloaded recorder (recorder.c) notes, in one order, every write, sync and
truncation of the files in its data folder, every change of their names, and every answer and event that it hands to a client.
It is killed twice and started again, once in the middle of a commit. Then a replayer (replay.c) takes moments of that recording
and builds what a disk may hold when the power goes just then: all that was synced, and of the rest any part, with writes torn
at 4 KiB or 512 bytes. Each such image is opened, verified, and compared with what clients knew at that moment.

    run.py --bin BUILD/bin                        the whole: 10,000 images, and the negative controls
    run.py --bin BUILD/bin --images 300 --quick   as CI runs it
    run.py --bin BUILD/bin --recording DIR --seed S --image I --keep DIR    one image of a recording that was kept, again
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "http"))

from harness import Refusal, Server  # noqa: E402
from recorded import CONTROLS, record  # noqa: E402
from workload import MAP_BYTES  # noqa: E402

EARLY_STEP = 10        # PLAN_EARLY_STEP of plan.h: each so many images one is of the first start
CONTROL_IMAGES = 100   # within which each planted fault must be found
CONTROL_ANSWERS = 150
FIGURES = ("images", "faults", "compared", "fresh", "written", "checked")


class Replay:
    """The replayer at work in one process a core, each with its own part of the recording."""

    def __init__(self, options, recording, images, seed, first=0, keep=None, seconds=0, check=True):
        self.figures = dict.fromkeys(FIGURES, 0)
        self.faults = []
        self.errors = []
        self.constant = {}
        self.done = {}
        self.ended = set()
        self.lock = threading.Lock()
        common = [options.bin / "powerloss", "--recording", recording, "--first", first, "--images", images, "--seed", seed, "--map-size", MAP_BYTES,
                  "--seconds", seconds, *(["--keep", keep] if keep else []),
                  *(["--check", options.bin / "taskboardd"] if check else [])]
        with tempfile.TemporaryDirectory(prefix="powerloss-", dir=options.scratch) as work:
            threads = [threading.Thread(target=self.run, args=[common, Path(work) / str(n), n, options]) for n in range(options.workers)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def run(self, common, work, number, options):
        work.mkdir()
        command = [str(part) for part in (*common, "--work", work, "--slice", f"{number}/{options.workers}")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                with self.lock:
                    self.take(number, line.split(" ", 1)[0], line.rstrip("\n").partition(" ")[2])
            complaint = process.stderr.read()
        if process.returncode not in (0, 1) or number not in self.ended:
            self.errors.append(f"the replayer ended with {process.returncode}: {complaint.strip()}")

    def take(self, number, kind, rest):
        if kind == "fault":
            image, place, sentence = rest.split(" ", 2)
            self.faults.append((int(image), int(place), sentence))
        elif kind == "progress":
            self.done[number] = int(rest)
            if sys.stdout.isatty():
                print(f"\r  {sum(self.done.values())} images", end="", flush=True)
        else:
            self.ended.add(number)
            for name, value in (pair.split("=") for pair in rest.split()):
                if name in self.figures:
                    self.figures[name] += int(value)
                else:
                    self.constant[name] = int(value)


def start_for_real(options, recording, image, seed):
    """A real server on an image of the first start: it must come up, let its token in, and end well. Returns what was wrong."""
    with tempfile.TemporaryDirectory(prefix="powerloss-start-", dir=options.scratch) as folder:
        data = Path(folder) / "data"
        subprocess.run([options.bin / "powerloss", "--recording", recording, "--seed", str(seed), "--build", str(image), "--into", data],
                       check=True)
        server = Server("--map-size", MAP_BYTES, data=data, env={"VERS_AUTH_TOKEN": None})
        try:
            server.start()
            client = server.client(token=(data / "admin-token").read_text().strip(), check=False)
            answer = client.get("/board/summary")
            if answer.status != 200:
                return f"the server answers {answer}"
            answer = client.post("/board/tasks", {"title": "after the power cut", "createdBy": "powerloss"})
            return None if answer.status == 201 else f"the server answers {answer}"
        except (Refusal, AssertionError, OSError) as error:
            return str(error)
        finally:
            server.close()


def try_starts(options, recording, seed):
    faults = []
    for number in range(options.starts):
        image = number * EARLY_STEP
        wrong = start_for_real(options, recording, image, seed)
        if wrong:
            faults.append((image, 0, f"started for real: {wrong}"))
    return faults


def try_control(options, fault, seed):
    """A recording with a planted fault: it must be found. Returns a complaint, or None."""
    with tempfile.TemporaryDirectory(prefix="powerloss-control-", dir=options.scratch) as folder:
        record(Path(folder), options.bin, seed, CONTROL_ANSWERS, fault=fault, dies=False)
        replay = Replay(options, folder, CONTROL_IMAGES, seed, check=False)
    if replay.errors:
        return "; ".join(replay.errors)
    if not replay.faults:
        return f"{CONTROL_IMAGES} images, and none was found faulty"
    faults = sorted(replay.faults)
    print(f"  control {fault}: {len(faults)} of {replay.figures['images']} images are faulty, the first one is {faults[0][0]}: "
          f"{faults[0][2]}", flush=True)
    return None


def report_faults(options, recording, faults, seed):
    """Says how to see them again, and keeps the recording for it."""
    kept = options.keep / "recording"
    if Path(recording) != kept:
        shutil.copytree(recording, kept, dirs_exist_ok=True)
    for image, place, sentence in sorted(faults)[:10]:
        print(f"FAULT in image {image}, cut at {place}: {sentence}\n"
              f"  again: tests/powerloss/run.py --bin {options.bin} --recording {kept} --seed {seed} --image {image} --keep {options.keep}")


def try_recording(options, recording):
    """All images of a recording. Returns (replay, faults)."""
    keep = options.keep or Path(tempfile.mkdtemp(prefix="powerloss-kept-"))
    keep.mkdir(parents=True, exist_ok=True)
    replay = Replay(options, recording, options.images, options.seed, keep=keep, seconds=options.seconds)
    faults = replay.faults + try_starts(options, recording, options.seed)
    unlike = replay.figures["images"] - replay.figures["compared"] - replay.figures["fresh"]
    if unlike > len(replay.faults):
        replay.errors.append(f"{unlike} images hold a transaction of which nobody knows the content")
    if faults or replay.errors:
        options.keep = keep
    elif not options.keep:
        shutil.rmtree(keep)
    return replay, faults


def look_again(options):
    """One image: built into --keep, and judged."""
    options.keep.mkdir(parents=True, exist_ok=True)
    into = options.keep / f"image-{options.image}"
    replay = Replay(options, options.recording, 1, options.seed, first=options.image)
    subprocess.run([options.bin / "powerloss", "--recording", options.recording, "--seed", str(options.seed), "--build", str(options.image),
                    "--into", into], check=True)
    found = [sentence for _, _, sentence in replay.faults] + replay.errors
    started = start_for_real(options, options.recording, options.image, options.seed)
    print(f"image {options.image} is in {into}: {found[0] if found else 'judged sound'}; a real server: {started or 'comes up'}")
    return 1 if found or started else 0


def run(options):
    begun, faults, errors, control_errors = time.monotonic(), [], [], []
    folder = tempfile.mkdtemp(prefix="powerloss-recording-", dir=options.scratch)
    try:
        print(f"recording a workload of {options.answers} answers (seed {options.seed})", flush=True)
        record(Path(folder), options.bin, options.seed, options.answers)
        print(f"  {time.monotonic() - begun:.0f} s; replaying: {options.images} images, {options.workers} processes", flush=True)
        replay, faults = try_recording(options, folder)
        errors = replay.errors
        if faults or errors:
            report_faults(options, folder, faults, options.seed)
        for fault in CONTROLS if options.controls else []:
            complaint = try_control(options, fault, options.seed)
            if complaint:
                control_errors.append(f"control {fault} was not caught: {complaint}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for error in errors + control_errors:
        print(f"ERROR: {error}")
    figures, constant = replay.figures, replay.constant
    print(f"powerloss: {figures['images']} images of {constant.get('commits', 0)} transactions, {constant.get('answers', 0)} answers and "
          f"{constant.get('events', 0)} events; written to {figures['written']}, --check on {figures['checked']}, started {options.starts}; "
          f"{len(faults)} failed, {len(CONTROLS) - len(control_errors) if options.controls else 0} controls caught, "
          f"{time.monotonic() - begun:.0f} s")
    return 1 if faults or errors or control_errors or figures["images"] == 0 else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=Path, required=True, help="folder with taskboardd, powerloss and powerloss_recorder.so")
    parser.add_argument("--images", type=int, default=10000)
    parser.add_argument("--answers", type=int, default=6000, help="how long the recorded workload is")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=0, help="take no further images after that; 0: all of them")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--starts", type=int, default=60, help="images of the first start on which a real server is started")
    parser.add_argument("--no-controls", dest="controls", action="store_false", help="leave the negative controls out")
    parser.add_argument("--quick", action="store_true", help="a short recording and few starts")
    parser.add_argument("--keep", type=Path, help="where faulty images and their recording are kept")
    parser.add_argument("--recording", type=Path, help="look at a recording that was kept")
    parser.add_argument("--image", type=int, help="and of that at this image")
    parser.add_argument("--scratch", help="for images and recordings [/dev/shm, or else the folder for temporary files]",
                        default="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    options = parser.parse_args()
    options.bin = options.bin.resolve()
    os.environ["TASKBOARDD"] = str(options.bin / "taskboardd")
    if options.quick:
        options.answers, options.starts = 800, 12
    if options.recording:
        if options.image is None or options.keep is None:
            parser.error("--recording needs --image and --keep")
        return look_again(options)
    return run(options)


if __name__ == "__main__":
    sys.exit(main())

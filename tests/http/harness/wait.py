"""Waiting with a deadline, and doing things at the same time."""

import select
import threading
import time

PATIENCE_SECONDS = 30


def eventually(probe, what="it to happen", seconds=PATIENCE_SECONDS):
    """Asks `probe` until its answer is true, and returns that answer."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        pause.wait(0.005)


def is_readable(sock, seconds=0):
    """Has something come, or does it within that time? (Unlike select(), poll() takes any descriptor.)"""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def next_instant():
    """Waits until the clock shows another millisecond, so that what follows is later than what was."""
    begun = time.time_ns() // 1_000_000
    eventually(lambda: time.time_ns() // 1_000_000 > begun, "a millisecond to pass")


def at_the_same_time(*actions):
    """Runs each action in a thread of its own, all let go at once; returns what they returned, in order."""
    gate = threading.Barrier(len(actions))
    results = [None] * len(actions)

    def run(index, action):
        try:
            gate.wait()
            results[index] = action()
        except BaseException as error:  # handed to the test's own thread below
            results[index] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results

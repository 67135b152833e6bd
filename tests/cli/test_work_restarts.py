"""The server is killed twice under 8 workers that drain 2,000 tasks: every task is done exactly once, or is a dead letter
that says why."""

import os
from collections import Counter

from harness import eventually
from harness.server import is_sanitized

TASKS = 400 if is_sanitized() else 2000
WORKERS = 8
RESTARTS = 2
SECONDS_MAX = 400
# One line is one write(2), so that lines of many do not mix. Each fiftieth task can never be done.
HANDLER = """
echo "$TASK_ID $TASK_GENERATION" >>effects
case $TASK_PAYLOAD in *true*) echo "cannot be done" >&2; exit 65;; esac
echo "{\\"generation\\":$TASK_GENERATION}"
"""


def effects(cli):
    path = cli.folder / "effects"
    return [tuple(line.split()) for line in path.read_text().splitlines()] if path.exists() else []


def test_every_task_is_done_exactly_once(server, cli, board):
    tasks = []
    for first in range(0, TASKS, 500):
        numbers = range(first, min(first + 500, TASKS))
        tasks += board.create_many([{"title": f"task {n}", "createdBy": "t", "payload": {"bad": n % 50 == 7}} for n in numbers], check=False)
    bad = {task["id"] for task in tasks if task["payload"]["bad"]}
    workers = [cli.work("--until-empty", "--wait", "2", "--retry", "5m", "--lease", "60", "--quiet", "--concurrency", 1 + n % 2,
                        "--agent", f"worker-{n}", handler=HANDLER) for n in range(WORKERS)]
    server.asked_port = server.port
    for restart in range(RESTARTS):
        share = TASKS * (restart + 1) // (RESTARTS + 1)
        eventually(lambda share=share: len(effects(cli)) >= share, f"{share} tasks to be run", seconds=SECONDS_MAX)
        server.leave()
        server.kill()
        server.start()
    for worker in workers:
        worker.ended(seconds=SECONDS_MAX)
    assert any("does not answer" in worker.err for worker in workers), "nobody noticed the restarts"

    ran = effects(cli)
    repeated = [task for task, count in Counter(task for task, _ in ran).items() if count > 1]
    assert not repeated, f"{len(repeated)} tasks were run more than once"
    generation = dict(ran)
    assert len(generation) == TASKS == len({g for _, g in ran})
    for task in board.list(f"limit={TASKS}"):
        if task["id"] in bad:
            assert task["blockedReason"]["kind"] == "dead_letter", task
            (attempt,) = board.attempts(task["id"])
            assert attempt["error"] == "exit code 65: cannot be done"
        else:
            assert task["outcome"] == "success" and task["attempts"] == 1, task
            assert task["result"] == {"generation": int(generation[task["id"]])}
    summary = board.summary()
    assert summary["byStatus"]["done"] == TASKS - len(bad) and summary["deadLetters"] == len(bad) and summary["claimed"] == 0
    assert os.path.getsize(cli.folder / "effects") > 0

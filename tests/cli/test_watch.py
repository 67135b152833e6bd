"""`taskboard watch`: what happens, as it happens, without gaps."""

from harness import eventually


def test_events_from_the_beginning(cli, board):
    tasks = [cli.add(f"task {n}") for n in range(3)]
    events = cli.run("watch", "--since", "0", "--count", "3", "--json").lines
    assert [event["taskId"] for event in events] == tasks and [event["seq"] for event in events] == [1, 2, 3]
    assert [event["seq"] for event in cli.run("watch", "--since", "1", "--count", "2", "--json").lines] == [2, 3]
    shown = cli.run("watch", "--since", "0", "--count", "1").out
    assert "task.created" in shown and tasks[0] in shown and "task 0 (me)" in shown


def test_filters(cli):
    a, _ = cli.add("a", "--tag", "x"), cli.add("b")
    cli.run("done", a)
    def seen(*words):
        return [(event["type"], event["taskId"]) for event in cli.run("watch", "--since", "0", "--json", *words).lines]
    assert seen("--count", "1", "--type", "task.completed") == [("task.completed", a)]
    assert seen("--count", "2", "--tag", "x") == seen("--count", "2", "--task", a) == [("task.created", a), ("task.completed", a)]
    assert len(seen("--count", "1", "--topic", "board", "--by", "me")) == 1


def test_it_goes_on_where_it_was_after_restarts(server, cli, board):
    cli.add("first")
    watcher = cli.start("watch", "--since", "0", "--count", "60", "--json")
    server.asked_port = server.port
    for run in range(3):
        for n in range(19):
            board.create(f"task {run} {n}")
        if run == 1:
            eventually(lambda: watcher.out.count("\n") >= 20, "some events")
        server.leave()
        server.kill()
        server.start()
    board.create("a"), board.create("b")
    seqs = [event["seq"] for event in watcher.ended().lines]
    assert seqs == list(range(1, 61))


def test_from_now_on_it_misses_nothing_while_the_server_is_away(server, cli, board):
    """It has seen no event when the connection ends, and knows all the same where to go on."""
    watcher = cli.start("watch", "--count", "2", "--json", "--type", "task.completed")
    server.asked_port = server.port
    eventually(lambda: streams(server) >= 1, "the stream to be open")
    board.head_seq()  # the stream was asked for before this was
    server.leave()
    server.kill()
    server.start()
    done = [board.create(f"late {n}")["id"] for n in range(2)]
    for task in done:
        board.done(task)
    events = watcher.ended().lines
    assert [event["taskId"] for event in events] == done


def streams(server):
    """Connections of others to the server: those that are open without a request of the harness."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    port = f"{server.port:04X}"
    established = [row for row in rows if row[1].endswith(":" + port) and row[3] == "01"]
    return len(established) - sum(1 for client in server.clients if client.connection and client.connection.sock)


def test_a_reset_is_told(serve_short, make_cli):
    server = serve_short
    cli, board = make_cli(server), server.client()
    for n in range(60):
        board.create(f"task {n}")
    oldest = board.wait_for_trim(beyond=1)
    ran = cli.run("watch", "--since", "0", "--count", "1", "--json")
    assert ran.lines[0]["type"] == "reset" and ran.lines[0]["oldest"] >= oldest and ran.lines[1]["seq"] >= oldest
    assert "not kept any more" in cli.run("watch", "--since", "0", "--count", "1").err


def test_what_is_refused_ends_it(cli):
    cli.run("watch", env={"TASKBOARD_TOKEN": "wrong"}, code=6)
    cli.run("watch", "--url", f"http://127.0.0.1:{cli.port}/elsewhere", code=1)
    cli.run("watch", "--url", "http://127.0.0.1:1", code=4)


def test_it_ends_with_its_reader(cli, board):
    import subprocess
    from conftest import program
    with subprocess.Popen([program(), "watch", "--json"], stdout=subprocess.PIPE, env=cli.env) as watcher:
        watcher.stdout.close()
        eventually(lambda: board.create() and watcher.poll() is not None, "it to end")
        assert watcher.returncode == 0

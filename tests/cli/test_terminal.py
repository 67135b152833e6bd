"""Tables and colours on a terminal: a pseudo terminal of a known width."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
import unicodedata

from conftest import program

COLOUR = re.compile(r"\x1b\[\d*m")


def on_terminal(cli, *words, columns=80, env=None):
    """What it prints on a terminal of that width, as lines."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([program(), *map(str, words)], stdin=theirs, stdout=theirs, stderr=theirs, env=cli.with_env(env),
                               cwd=cli.folder, start_new_session=True)
    os.close(theirs)
    output, deadline = b"", time.monotonic() + 60
    while time.monotonic() < deadline:
        if not select.select([ours], [], [], 1)[0]:
            continue
        try:
            more = os.read(ours, 65536)
        except OSError:  # nobody has the other end any more
            break
        output += more
    os.close(ours)
    assert process.wait(60) == 0, output
    return output.decode().replace("\r\n", "\n").splitlines()


def width(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in COLOUR.sub("", line))


def tag_column(line):
    """Where the tag `t` stands: behind it is an age, which may be another in each line."""
    text = COLOUR.sub("", line)
    return width(text[:re.search(r"  t  ", text).start()])


def test_colours_only_on_a_terminal_and_as_asked(cli):
    cli.add("apples")
    assert any(COLOUR.search(line) for line in on_terminal(cli, "ls", env={"NO_COLOR": None, "TERM": "xterm"}))
    assert not any(COLOUR.search(line) for line in on_terminal(cli, "ls", env={"NO_COLOR": None, "TERM": "dumb"}))
    assert not any(COLOUR.search(line) for line in on_terminal(cli, "ls", env={"NO_COLOR": "1"}))
    assert not any(COLOUR.search(line) for line in on_terminal(cli, "ls", "--color", "never", env={"NO_COLOR": None}))
    assert any(COLOUR.search(line) for line in on_terminal(cli, "ls", "--color", "always", env={"NO_COLOR": "1"}))
    assert not COLOUR.search(cli.run("ls", env={"NO_COLOR": None}).out)
    assert COLOUR.search(cli.run("ls", "--color=always").out)
    assert not COLOUR.search(cli.run("ls", "--json", "--color=always").out)


def test_titles_are_cut_to_the_width(cli):
    titles = ["a" * 200, "日本語" * 40, "e\u0301" * 150, "short"]
    for title in titles:
        cli.add(title, "--tag", "t")
    for columns in (100, 120, 300):
        lines = on_terminal(cli, "ls", columns=columns)
        assert len(lines) == 5 and all(width(line) <= columns for line in lines), lines
        assert len({tag_column(line) for line in lines[1:]}) == 1, lines
        assert ("\u2026" in lines[-1]) == (columns < 300)
    assert any("a" * 200 in line for line in cli.run("ls").out.splitlines())  # a pipe gets all of it
    assert "日本語" in on_terminal(cli, "ls", columns=100, env={"LC_ALL": "C"})[3]


def test_a_narrow_terminal_keeps_a_least_of_the_title(cli):
    cli.add("a" * 100)
    assert "aaaaaaaaa\u2026" in on_terminal(cli, "ls", columns=20)[1]


def test_a_title_cannot_play_with_the_terminal(cli):
    evil = "\x1b[2J\x1b]0;owned\x07 \u202egnp.exe \x9b31m \x7f"
    task = cli.add(evil)
    cli.run("note", task, evil)
    for words in (("ls",), ("show", task), ("show", task, "--history"), ("watch", "--since", "0", "--count", "2"), ("why", task)):
        for text in (cli.run(*words).out, "\n".join(on_terminal(cli, *words, env={"NO_COLOR": "1"}))):
            assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text), (words, text)
    assert cli.json("show", task)["title"] == evil.strip()


def test_watch_cuts_too(cli):
    cli.add("a" * 300)
    (line,) = on_terminal(cli, "watch", "--since", "0", "--count", "1", columns=90)
    assert width(line) == 90 and line.endswith("\u2026")

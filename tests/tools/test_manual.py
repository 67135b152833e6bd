"""taskboardd(8) and taskboard.conf(5) name every setting, with its default, and nothing else."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "server/taskboardd.8", ROOT / "server/taskboard.conf.5", ROOT / "cli/taskboard.1"]
FLAGS_ONLY = {"config", "check", "restore", "import", "format", "version", "help"}
SECONDS_MAX = 60


def told():
    """{setting: (what its value is called, default)} as --help tells it."""
    usage = subprocess.run([os.environ["TASKBOARDD"], "--help"], capture_output=True, text=True, check=True, timeout=SECONDS_MAX).stdout
    found = re.findall(r"^\s+--([a-z-]+)(?: ([A-Z]+))?\s.*?(?:\[(.+)\])?$", usage, re.MULTILINE)
    return {name: (argument.lower() or "switch", default) for name, argument, default in found}


def test_each_setting_is_in_the_page_of_the_file():
    text = (ROOT / "server/taskboard.conf.5").read_text(encoding="utf-8")
    shown = {name: (argument, default) for name, argument, default in
             re.findall(r"^\.It Cm ([a-z-]+) Ar ([a-z]+)(?: Pq default (.+))?$", text, re.MULTILINE)}
    assert shown == {name: value for name, value in told().items() if name not in FLAGS_ONLY}


def test_what_is_a_flag_only_is_in_the_page_of_the_program():
    text = (ROOT / "server/taskboardd.8").read_text(encoding="utf-8")
    items = " ".join(re.findall(r"^\.It (Fl .*)$", text, re.MULTILINE))
    assert set(re.findall(r"Fl -([a-z-]+)", items)) == FLAGS_ONLY <= set(told())


def test_the_example_has_every_setting_with_its_default():
    text = (ROOT / "config/taskboard.conf.example").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^# ([a-z-]+) = (.+)$", text, re.MULTILINE))
    expected = {name: default for name, (_, default) in told().items() if name not in FLAGS_ONLY}
    assert set(shown) == set(expected)
    for name, default in expected.items():
        assert default in ("", shown[name]) or " " in default, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_pages_are_well_formed(page):
    told = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    assert told.returncode == 0 and told.stdout == "", told.stdout

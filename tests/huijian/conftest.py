"""Fixtures that run the command line in a folder of its own, as a script does."""

import json
import os
from dataclasses import dataclass

import pytest
import structlog

from huijian.__main__ import run


@dataclass
class Answer:
    """Output and exit code of one command."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("HUIJIAN_")]:
        monkeypatch.delenv(name)
    yield tmp_path
    structlog.reset_defaults()  # a command made it write to this test's own standard error


@pytest.fixture
def huijian(capsys):
    """Return a function that runs one command line; `stdin` is not a terminal."""

    def command(*args):
        code = run(args)
        printed = capsys.readouterr()
        return Answer(code, printed.out, printed.err)

    return command


@pytest.fixture
def sites(huijian):
    """Add a prison and a bureau with a room each."""
    for site, kind in (("first-prison", "prison"), ("panlong", "bureau")):
        add = ("admin", "sites", "add", site, "--kind", kind, "--name", site, "--policy", "yunnan")
        assert huijian(*add).code == 0
        assert huijian("admin", "rooms", "add", f"{site}-1", "--site", site, "--name", "一室").code == 0

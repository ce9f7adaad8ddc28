"""Every command either works at a server or refuses one, and says what leads to the same from elsewhere."""

import pytest
import typer
from typer.core import TyperGroup

from huijian.main import app
from huijian.options import HERE_ALWAYS
from huijian.remote.here_alone import INSTEAD, refusal


def commands(group, names=()):
    """Yield the names and the parameters of every command below a group."""
    context = typer.Context(group)
    for name in group.list_commands(context):
        _, command, _ = group.resolve_command(context, [name])
        if not isinstance(command, TyperGroup):
            yield " ".join((*names, name)), {parameter.name for parameter in command.params}
            continue
        if command.invoke_without_command:
            yield " ".join((*names, name)), {parameter.name for parameter in command.params}
        yield from commands(command, (*names, name))


ALL = dict(commands(typer.main.get_command(app)))
NEVER_REMOTE = ("serve", "demo", "wall", "kiosk")
"""Commands that make this machine a server or a terminal, and read no store of a server."""
WITHOUT_STORE = ("admin slots example", "export verifier")
"""Commands that read nothing of any installation."""


def test_the_walk_reaches_every_depth():
    assert {"verify", "kiosk enrol", "admin sites add", "admin journal remove issue"} <= set(ALL)


@pytest.mark.parametrize("command", sorted(name for name in ALL if name.split()[0] not in NEVER_REMOTE))
def test_a_command_works_at_a_server_or_says_what_to_do_instead(command):
    here = command.split()[0] in HERE_ALWAYS or command in WITHOUT_STORE
    assert "server" in ALL[command] or here or command in INSTEAD
    assert not ("server" in ALL[command] and command in INSTEAD), "a refusal that is never seen"


@pytest.mark.parametrize("command", sorted(INSTEAD))
def test_a_refusal_is_of_a_command_that_exists_and_in_two_languages(command):
    assert command in ALL
    error = refusal(command)
    assert INSTEAD[command][0] in error.detail_en and INSTEAD[command][1] in error.detail_zh


@pytest.mark.parametrize(
    "command", [("witness", "now"), ("purge", "clock", "--as", "x"), ("admin", "users", "add", "x")]
)
def test_it_is_given_in_both_languages_and_nothing_is_done_here(huijian, place, monkeypatch, command):
    monkeypatch.setattr("huijian.retention.purge.password_for", lambda *_: "x")
    more = ("--name", "x", "--role", "admin", "--generate") if "users" in command else ()
    answer = huijian("--server", "https://huijian.example", *command, *more)
    en, zh = INSTEAD[" ".join(word for word in command if word not in ("--as", "x"))]
    assert answer.code == 1 and answer.err.count("\n") == 1 and en in answer.err and zh in answer.err
    assert not (place / "data").exists()

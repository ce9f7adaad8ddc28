"""One JSON object a line, with a limit on its length."""

import json
import os

import pytest

from broker.ipc import framing
from broker.ipc.framing import Greeting, News, Refusal, Reply, Request, WireError


def test_a_frame_comes_back_as_it_was() -> None:
    command = {"text": "第一行\n第二行", "half": "\ud800", "n": [1.5, None]}
    line = framing.encode(Request(number=1, command=command))
    assert line.count(b"\n") == 1
    assert framing.decode(line, Request) == Request(number=1, command=command)


@pytest.mark.parametrize("line", [b"", b"\n", b"{", b"[]", b"1", b"null", b"\xff", b'{"a":' * 50_000])
def test_anything_but_an_object_is_refused_by_its_type(line: bytes) -> None:
    with pytest.raises(WireError):
        framing.decode(line, Request)


@pytest.mark.parametrize(
    "frame",
    [
        {},
        {"frame": "request"},
        {"frame": "request", "number": [], "command": {}},
        {"frame": "request", "number": 1},
        {"frame": "request", "number": 1, "command": {}, "more": 1},
        {"frame": "reply", "number": 1, "command": {}},
    ],
)
def test_a_frame_of_another_shape_is_refused(frame: dict[str, object]) -> None:
    with pytest.raises(WireError):
        framing.decode(json.dumps(frame).encode(), Request)


@pytest.mark.parametrize(
    "frame", [Reply(number=1, reply={"a": 1}), Refusal(number=1, problem={"code": "x"}), News(fact={"a": 1})]
)
def test_what_a_server_sends_is_told_apart_by_its_name(frame: framing.FromServer) -> None:
    assert framing.decode_from_server(framing.encode(frame)) == frame


def test_the_longest_line_is_just_allowed() -> None:
    room = framing.MAX_LINE - len(framing.encode(News(fact="")))
    assert len(framing.encode(News(fact="y" * room))) == framing.MAX_LINE
    with pytest.raises(WireError):
        framing.encode(News(fact="y" * (room + 1)))


def test_a_greeting_names_role_protocol_version_and_process() -> None:
    greeting = framing.greeting("relay")
    assert (greeting.role, greeting.protocol, greeting.pid) == ("relay", framing.PROTOCOL, os.getpid())
    assert greeting.version
    framing.check_greeting(greeting, "relay")
    for other in (framing.greeting("recorder"), Greeting(role="relay", protocol=2, version="0", pid=1)):
        with pytest.raises(WireError):
            framing.check_greeting(other, "relay")

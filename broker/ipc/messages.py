"""What all messages between the processes of one machine have in common. A command goes down and has one type of
reply; a fact comes up unasked. `relay_messages` and `recorder_messages` list them. Decoding checks all of a message:
its name, missing and superfluous members, their types, and that numbers are finite."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from math import isfinite
from typing import Annotated, Any, Generic, TypeVar, cast, get_args

from msgspec import Meta, Struct, ValidationError, convert

from broker.ipc.framing import WireError
from broker.kernel.errors import BadRequest
from broker.kernel.ids import ResourceId, SessionId

Text = Annotated[str, Meta(min_length=1)]
Session = Annotated[SessionId, Meta(min_length=1)]
Resource = Annotated[ResourceId, Meta(min_length=1)]
TapNumber = Annotated[int, Meta(ge=0, lt=1 << 32)]
Count = Annotated[int, Meta(ge=0)]


def wire_name(name: str) -> str:
    """Return the name of a message on the wire, which its `type` member holds: `ShutGate` is `shut_gate`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Message(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of everything that is sent between processes. Raises ValueError for NaN and infinity, which JSON does not
    have."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if type(value) is float and not isfinite(value):
                raise ValueError(f"{name} must be finite")


R = TypeVar("R", bound=Message)
C = TypeVar("C", bound="Command[Any]")
F = TypeVar("F", bound="Fact")
AnyFact = TypeVar("AnyFact")
Handler = Callable[[Any], Awaitable[Message]]


class Command(Message, Generic[R], frozen=True, tag=wire_name):
    """An order or a question of the control process, answered by an `R`."""

    @classmethod
    def handled_by(cls: type[C], handler: Callable[[C], Awaitable[R]]) -> tuple[type[C], Handler]:
        """Return an entry of a server's table: this command and the coroutine function that answers it."""
        return cls, handler


class Fact(Message, frozen=True, tag=wire_name):
    """What happened in a relay worker or in the recorder."""

    @classmethod
    def handled_by(cls: type[F], handler: Callable[[F], None]) -> tuple[type[F], Callable[[Any], None]]:
        """Return an entry of the control process's table: this fact and the function that takes it."""
        return cls, handler


class Done(Message, frozen=True):
    """The reply to a command that has nothing to report."""


@dataclass(frozen=True, slots=True)
class Role(Generic[AnyFact]):
    """The name of a serving process in the greeting, and the unions of its commands and facts."""

    name: str
    commands: Any
    facts: Any

    def command(self, value: object) -> Command[Any]:
        """Decode a command and check it. Raises BadRequest for a malformed one, or one that this role does not have."""
        try:
            return cast(Command[Any], convert(value, self.commands))
        except (ValidationError, RecursionError) as error:
            raise BadRequest(f"not a command of the {self.name}: {error}") from error

    def fact(self, value: object) -> AnyFact:
        """Decode a fact and check it. Raises WireError, which ends the connection: dropping a fact would not fail
        closed."""
        try:
            return cast(AnyFact, convert(value, self.facts))
        except (ValidationError, RecursionError) as error:
            raise WireError(f"not a fact of the {self.name}: {error}") from error


def reply(command: Command[R], value: object) -> R:
    """Decode the reply to `command`. Raises WireError."""
    try:
        return cast(R, convert(value, reply_type(type(command))))
    except (ValidationError, RecursionError) as error:
        raise WireError(f"not a reply to {type(command).__name__}: {error}") from error


@cache
def reply_type(command: type[Command[Any]]) -> type[Message]:
    """Return the `R` of a class that was declared as `Command[R]`."""
    (declared,) = command.__orig_bases__  # type: ignore[attr-defined]
    (found,) = get_args(declared)
    return cast(type[Message], found)

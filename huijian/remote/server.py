"""Which server a command is for, and the one way in which a command works here or there. A command is written once: its
work on the store of this machine, and what it asks of the API instead; both give the same answer. A command that asks
nothing of the API refuses a server: it must never act on this machine's own data when another one was meant."""

import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, fields, replace
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import quote, urlencode

import typer

from huijian.admin.context import AdminContext, run_admin
from huijian.options import Options
from huijian.remote import requests
from huijian.retention.officer import word

T = TypeVar("T")
Server = Annotated[
    str | None,
    typer.Option(
        "--server",
        help="Work on this server, with the account of `huijian login`; HUIJIAN_SERVER names one for all. 远程服务器",
    ),
]


@dataclass(frozen=True, slots=True)
class Api:
    """The API of a server, for the account that has signed in there. Its methods raise VisitError."""

    server: str

    def get(self, *path: str, **query: Any) -> dict[str, Any]:
        """Return the answer to a GET."""
        return requests.get(self.server, address(*path, **query))

    def post(self, *path: str, body: Any = None) -> dict[str, Any]:
        """Return the answer to a POST."""
        return requests.post(self.server, address(*path), body)

    def delete(self, *path: str) -> None:
        """Delete the resource at a path."""
        requests.delete(self.server, address(*path))

    def download(self, *path: str, to: Path, body: Any = None, **query: Any) -> dict[str, str]:
        """Write the answer to a GET, or to a POST of `body`, into a new file that is closed to others; return the
        headers."""
        return requests.download(self.server, address(*path, **query), to, body)


def address(*path: str, **query: Any) -> str:
    """Return the path of a resource below /api/v1, with the members of `query` that are not None."""
    asked = urlencode({name.rstrip("_"): value for name, value in query.items() if value is not None})
    return "/api/v1/" + "/".join(quote(part, safe="") for part in path) + (f"?{asked}" if asked else "")


def works_remotely(command: Callable[..., T]) -> Callable[..., T]:
    """Give a command the option --server, which says for which server it is."""
    signature = inspect.signature(command, eval_str=True)
    named = inspect.Parameter("server", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Server)
    parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in signature.parameters.values()]

    @wraps(command)
    def anywhere(ctx: typer.Context, server: str | None = None, **arguments: Any) -> T:
        if server is not None:
            ctx.obj = replace(ctx.obj or Options(), server=server)
        return command(ctx=ctx, **arguments)

    anywhere.__dict__["__signature__"] = signature.replace(parameters=[*parameters, named])
    anywhere.__annotations__ = {each.name: each.annotation for each in (*parameters, named)}
    return anywhere


def server_of(ctx: typer.Context) -> str | None:
    """Return the server that a command is for, None for this machine's own data."""
    options: Options = ctx.obj or Options()
    return options.server or None


def perform(
    ctx: typer.Context,
    work: Callable[[AdminContext], Coroutine[Any, Any, T]],
    ask: Callable[[Api], T],
) -> T:
    """Do the work on this machine's store, or ask the server that was named for the same. Raises VisitError."""
    server = server_of(ctx)
    return run_admin(ctx, work) if server is None else ask(Api(server))


def own_password(ctx: typer.Context, from_stdin: bool) -> str:
    """Return the password of the officer who has signed in at the server, where the server asks for it once more; ""
    for this machine's own store."""
    return "" if server_of(ctx) is None else word(from_stdin)


def needed(ctx: typer.Context, option: str, value: str) -> str:
    """Return the value of an option that a server demands. Raises BadParameter where it is missing."""
    if server_of(ctx) is not None and not value.strip():
        raise typer.BadParameter("a server asks for it; give it with the command. 远程办理须写明", param_hint=option)
    return value


def as_record(kind: type, view: dict[str, Any]) -> dict[str, Any]:
    """Return the members of a server's answer that the record of this machine's store has, in their order."""
    return {field.name: view.get(field.name) for field in fields(kind)}

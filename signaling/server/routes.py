"""One table declares every address: method, path, who may ask, models, refusals. `serve` turns a row into an aiohttp
handler and `openapi.py` turns the same rows into the document, so that document and server cannot differ. Whatever a
row does not allow is refused."""

import inspect
import re
from asyncio import timeout
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

from aiohttp import web
from pydantic import BaseModel, ValidationError

from broker.kernel.errors import (
    BadRequest,
    Forbidden,
    NotFound,
    NotSignedIn,
    StorageUnavailable,
    TooLarge,
    TooMany,
    VisitError,
)
from signaling.api.fields import ID_PATTERN
from signaling.auth.scope import Role, User, Who, role_of
from signaling.server.errors import Handler, Incident, UnsupportedType, invalid

if TYPE_CHECKING:
    from signaling.server.context import Context

_ID = re.compile(ID_PATTERN)
BODY_SECONDS = 10
"""A body that is not there by then will not come: slow senders must not pile up."""

Refusals = tuple[type[VisitError], ...]
Verb = Callable[..., Awaitable[BaseModel | web.StreamResponse | None]]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: who asks, what of, and the house that answers."""

    house: "Context"
    request: web.Request
    who: Who | None

    @property
    def caller(self) -> Who:
        """Who asks. Raises NotSignedIn where the row lets anybody in and nobody said who they are."""
        if self.who is None:
            raise NotSignedIn()
        return self.who

    @property
    def user(self) -> User:
        """The person who asks. Raises Forbidden for terminals and booking systems."""
        if not isinstance(self.who, User):
            raise Forbidden()
        return self.who

    def id(self, name: str) -> str:
        """A part of the path. Raises NotFound for what cannot be an id."""
        value = self.request.match_info[name]
        if not _ID.fullmatch(value):
            raise NotFound()
        return value


@dataclass(frozen=True, slots=True)
class Route:
    """One row. `body` and `query` are models or, for SDP, the media type of the body."""

    method: str
    path: str
    verb: Verb
    who: frozenset[Role]
    zh: str
    en: str
    status: int
    problems: Refusals
    body: type[BaseModel] | str | None
    query: type[BaseModel] | None
    answer: type[BaseModel] | str | None
    headers: tuple[str, ...] = ()
    noted: str = ""
    or_status: int = 0
    also: tuple[int, ...] = ()
    """The status of a second kind of success, which has no body."""

    @property
    def open(self) -> bool:
        """Whether anybody may ask without signing in."""
        return not self.who

    @property
    def head(self) -> bool:
        """Whether HEAD is answered like GET, without the body: players ask so for the size of a file."""
        return self.method == "GET" and "Accept-Ranges" in self.headers

    @property
    def refusals(self) -> tuple[type[VisitError], ...]:
        """Everything this row may answer instead."""
        always: list[type[VisitError]] = [TooMany, Incident, BadRequest, StorageUnavailable]
        if not self.open:
            always += [NotSignedIn, Forbidden]
        if self.body is not None:
            always += [TooLarge, UnsupportedType]
        if "{" in self.path:
            always += [NotFound]
        return tuple(dict.fromkeys((*self.problems, *always)))


@dataclass(slots=True)
class Table:
    """The rows of one subject, in order."""

    rows: list[Route] = field(default_factory=list)

    def add(
        self,
        method: str,
        path: str,
        *,
        who: Iterable[Role],
        zh: str,
        en: str,
        status: int = 200,
        problems: Refusals = (),
        takes: str | None = None,
        gives: str | None = None,
        headers: tuple[str, ...] = (),
        noted: str = "",
        or_status: int = 0,
        also: tuple[int, ...] = (),
    ) -> Callable[[Verb], Verb]:
        """Declare the decorated coroutine. Models are read from its own annotations (`body`, `query`, return);
        `takes` and `gives` are media types where the body or the answer is not JSON. Empty `who`: anybody.
        Refusals of a row with `noted` are journaled under that name. `also`: statuses with the same answer."""

        def declare(verb: Verb) -> Verb:
            signature = inspect.signature(verb)
            body = signature.parameters.get("body")
            query = signature.parameters.get("query")
            self.rows.append(
                Route(
                    method=method,
                    path=path,
                    verb=verb,
                    who=frozenset(who),
                    zh=zh,
                    en=en,
                    status=status,
                    problems=problems,
                    body=takes or (body.annotation if body else None),
                    query=query.annotation if query else None,
                    answer=gives or _model(signature.return_annotation),
                    headers=headers,
                    noted=noted,
                    also=also,
                    or_status=or_status,
                )
            )
            return verb

        return declare


def _model(annotation: Any) -> type[BaseModel] | None:
    kinds = [annotation, *get_args(annotation)]
    return next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), None)


def serve(route: Route, house: "Context") -> Handler:
    """The aiohttp handler of a row: sign-in, role, body and query, verb, answer; in this order."""

    async def handler(request: web.Request) -> web.StreamResponse:
        who: Who | None = None
        try:
            who = None if route.open else await house.door.who(request)
            if who is not None and role_of(who) not in route.who:
                raise Forbidden()
            given = await _given(route, request)
            return _answer(route, await route.verb(Ask(house, request, who), **given))
        except VisitError as error:
            if route.noted:
                house.note_refusal(route.noted, request, who, error)
            raise

    return handler


async def _given(route: Route, request: web.Request) -> dict[str, Any]:
    """The body and the query that the row declares, checked. Raises BadRequest and what reading raises."""
    given: dict[str, Any] = {}
    if len(set(request.query)) != len(request.query):
        raise BadRequest("A query parameter is given twice.", "查询参数重复。")
    try:
        if isinstance(route.body, type):
            given["body"] = route.body.model_validate_json(await _json(request))
        elif route.body is not None:
            given["body"] = await text(request, route.body)
        if route.query is not None:
            given["query"] = route.query.model_validate_strings(dict(request.query))
    except ValidationError as error:
        raise invalid(error) from None
    return given


async def _json(request: web.Request) -> bytes:
    raw = await _read(request)
    if not raw:
        return b"{}"  # a body whose members all have defaults may be left out
    if request.content_type != "application/json":
        raise UnsupportedType(expected="application/json")
    return raw


async def text(request: web.Request, media_type: str) -> str:
    """A UTF-8 body of exactly this media type. Raises UnsupportedType, TooLarge, BadRequest."""
    if request.content_type != media_type:
        raise UnsupportedType(expected=media_type)
    try:
        return (await _read(request)).decode()
    except UnicodeDecodeError:
        raise BadRequest("The body is not UTF-8.", "请求内容不是 UTF-8 编码。") from None


async def _read(request: web.Request) -> bytes:
    try:
        async with timeout(BODY_SECONDS):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise TooLarge() from None
    except TimeoutError:
        raise BadRequest("The body did not arrive in time.", "请求内容未及时到达。") from None


def _answer(route: Route, answer: BaseModel | web.StreamResponse | None) -> web.StreamResponse:
    if isinstance(answer, web.StreamResponse):
        return answer
    if answer is None:
        return web.Response(status=route.status)
    body = answer.model_dump_json(exclude_none=False).encode()
    return web.Response(status=route.status, body=body, content_type="application/json", charset="utf-8")

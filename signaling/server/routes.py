"""The table of HTTP routes: method, path, roles, models and refusals of each address. `serve` turns a row into an
aiohttp handler and `openapi.py` turns the same rows into the document, so that document and server cannot differ.
Whatever a row does not allow is refused."""

import inspect
import re
from asyncio import timeout
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, get_args

from aiohttp import ClientError, hdrs, http_exceptions, web
from pydantic import BaseModel, ValidationError

from broker.control.session_runner import SessionRunner
from broker.kernel.errors import (
    BadRequest,
    Forbidden,
    InspectionNeeded,
    NotFound,
    NotSignedIn,
    SecondFactorMissing,
    StorageUnavailable,
    TextNotAllowed,
    TooLarge,
    TooMany,
    VisitError,
)
from broker.kernel.ids import SessionId
from signaling.api.messages.fields import ID_PATTERN
from signaling.auth.scope import Caller, Role, User, role_of
from signaling.budgets.allowance import ORDER, READ
from signaling.server.context import Context
from signaling.server.errors import Handler, Incident, UnsupportedType, invalid

_ID = re.compile(ID_PATTERN)
BROKEN_BODY = (web.RequestPayloadError, http_exceptions.HttpProcessingError, ClientError, ConnectionError, EOFError)
"""What reading a body raises that breaks off, or whose parts are not what their lengths say."""
IDEMPOTENCY_KEY = "Idempotency-Key"
BODY_SECONDS = 10
"""A body that has not arrived by then is refused: slow senders must not pile up."""

Refusals = tuple[type[VisitError], ...]
Verb = Callable[..., Awaitable[BaseModel | web.StreamResponse | None]]


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the interface: the HTTP request, the signed-in sender (None where the row is open), and the context
    in which it is answered."""

    context: Context
    request: web.Request
    sender: Caller | None

    @property
    def caller(self) -> Caller:
        """The sender, who has signed in. Raises NotSignedIn where the row is open and no credential was sent."""
        if self.sender is None:
            raise NotSignedIn()
        return self.sender

    @property
    def user(self) -> User:
        """The sender, who is an officer. Raises Forbidden for terminals and programs."""
        if not isinstance(self.sender, User):
            raise Forbidden()
        return self.sender

    def session(self) -> SessionRunner:
        """The session in the path, which exists for the sender. Raises NotFound."""
        return self.context.seen(SessionId(self.id("session")), self.caller)

    def key(self) -> str | None:
        """The id of the order that the request carries, None where it has none (`Idempotency-Key`, plain or in quotes,
        draft-ietf-httpapi-idempotency-key-header). Raises BadRequest for what cannot be an id."""
        value = self.request.headers.get(IDEMPOTENCY_KEY)
        if value is None:
            return None
        if not _ID.fullmatch(value.strip('"')):
            raise BadRequest(f"{IDEMPOTENCY_KEY} must be an id.", "Idempotency-Key 应为指令编号。")
        return value.strip('"')

    def id(self, name: str) -> str:
        """A part of the path. Raises NotFound for what cannot be an id."""
        value = self.request.match_info[name]
        if not _ID.fullmatch(value):
            raise NotFound()
        return value


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table. `body` and `query` are models or, for SDP, the media type of the body; `operation` names
    the row in the document, for code that is generated from it."""

    method: str
    path: str
    verb: Verb
    operation: str
    roles: frozenset[Role]
    zh: str
    en: str
    status: int = 200
    problems: Refusals = ()
    body: type[BaseModel] | str | None = None
    query: type[BaseModel] | None = None
    answer: type[BaseModel] | str | tuple[str, ...] | None = None
    headers: tuple[str, ...] = ()
    refused: str = ""
    """Journal kind of a refusal; "" where refusals are not journaled."""
    or_status: int = 0
    """Status of a second kind of success, which has no body."""
    also: tuple[int, ...] = ()
    """Further statuses with the same answer."""
    cost: float = 0.0
    """What it is charged to the author's allowance; 0: what its method usually costs."""
    enrolling: bool = False
    """Whether an officer may ask here who has yet to set up the second factor that the role needs."""
    urgent: bool = False
    """Whether it may use the reserve of the allowance: what stops a visit waits for nothing."""
    counts_once: bool = False
    """Whether the request may carry an `Idempotency-Key`, under which it counts once however often it arrives."""

    @property
    def charge(self) -> float:
        """What one request is charged to its author's allowance."""
        return self.cost or (READ if self.method in ("GET", "OPTIONS") else ORDER)

    def check_caller(self, caller: Caller, session: str | None) -> None:
        """Check that a caller's role may ask here; a drill's synthetic officer only for its own `session`. Raises
        Forbidden, NotFound or SecondFactorMissing."""
        if role_of(caller) not in self.roles:
            raise Forbidden()
        check_enrolled(caller, self.enrolling)
        if isinstance(caller, User) and caller.drill not in (None, session):
            raise Forbidden() if session is None else NotFound()

    @property
    def open(self) -> bool:
        """Whether the address is served without signing in."""
        return not self.roles

    @property
    def head(self) -> bool:
        """Whether HEAD is answered like GET, without the body: players ask so for the size of a file."""
        return self.method == "GET" and "Accept-Ranges" in self.headers

    @property
    def refusals(self) -> tuple[type[VisitError], ...]:
        """Every refusal with which this row may answer."""
        always: list[type[VisitError]] = [TooMany, Incident, BadRequest, StorageUnavailable]
        if not self.open:
            always += [NotSignedIn, Forbidden, SecondFactorMissing]
        if Role.PROCURATOR in self.roles:
            always += [InspectionNeeded]
        if self.body is not None:
            always += [TooLarge, UnsupportedType, TextNotAllowed]
        if "{" in self.path:
            always += [NotFound]
        return tuple(dict.fromkeys((*self.problems, *always)))


@dataclass(slots=True)
class Table:
    """The rows of one subject, in order. Its name begins the rows' operation ids in the document, which programs have
    generated code from: it stays when modules are renamed."""

    name: str
    rows: list[Route] = field(default_factory=list)

    def add(
        self,
        method: str,
        path: str,
        *,
        roles: Iterable[Role],
        zh: str,
        en: str,
        status: int = 200,
        problems: Refusals = (),
        takes: str | None = None,
        gives: str | tuple[str, ...] | None = None,
        headers: tuple[str, ...] = (),
        refused: str = "",
        or_status: int = 0,
        also: tuple[int, ...] = (),
        operation: str = "",
        cost: float = 0.0,
        enrolling: bool = False,
    ) -> Callable[[Verb], Verb]:
        """Declare the decorated coroutine as a row. Models are read from its own annotations (`body`, `query`, return);
        `takes` and `gives` are media types where the body or the answer is not JSON, or is one of several. Empty
        `roles`: an open row."""

        def declare(verb: Verb) -> Verb:
            signature = inspect.signature(verb)
            body = signature.parameters.get("body")
            query = signature.parameters.get("query")
            self.rows.append(
                Route(
                    method=method,
                    path=path,
                    verb=verb,
                    operation=operation or f"{self.name}_{verb.__name__}",
                    roles=frozenset(roles),
                    zh=zh,
                    en=en,
                    status=status,
                    problems=problems,
                    body=takes or (body.annotation if body else None),
                    query=query.annotation if query else None,
                    answer=gives or _model(signature.return_annotation),
                    headers=headers,
                    refused=refused,
                    or_status=or_status,
                    also=also,
                    cost=cost,
                    enrolling=enrolling,
                )
            )
            return verb

        return declare


def check_enrolled(caller: Caller, enrolling: bool = False) -> None:
    """Check that a caller is no officer who has yet to set up a second factor, unless it is for that (`enrolling`).
    Raises SecondFactorMissing."""
    if isinstance(caller, User) and caller.must_enrol and not enrolling:
        raise SecondFactorMissing(
            "Set up an authenticator app or a security key on the page /account first.",
            "请先在“我的账号”页面（/account）设置身份验证器或安全密钥。",
        )


def _model(annotation: Any) -> type[BaseModel] | None:
    kinds = [annotation, *get_args(annotation)]
    return next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), None)


def serve(route: Route, context: Context) -> Handler:
    """The aiohttp handler of a row: sign-in, role, body and query, verb, answer; in this order."""

    async def handler(request: web.Request) -> web.StreamResponse:
        caller: Caller | None = None
        try:
            if not route.open:
                caller = await context.identify(request)
                if caller is None:
                    raise NotSignedIn()
            if caller is not None:
                route.check_caller(caller, request.match_info.get("session"))
            models = await _models(route, request)
            return _answer(route, await route.verb(Call(context, request, caller), **models))
        except VisitError as error:
            if route.refused:
                context.note_refusal(route.refused, request, caller, error)
            raise

    return handler


async def _models(route: Route, request: web.Request) -> dict[str, Any]:
    """The body and the query that the row declares, checked. Raises BadRequest and what reading raises."""
    models: dict[str, Any] = {}
    if len(set(request.query)) != len(request.query):
        raise BadRequest("A query parameter is given twice.", "查询参数重复。")
    try:
        if isinstance(route.body, type):
            models["body"] = route.body.model_validate_json(await _json(request))
        elif route.body is not None:
            models["body"] = await text(request, route.body)
        if route.query is not None:
            models["query"] = route.query.model_validate_strings(dict(request.query))
    except ValidationError as error:
        raise invalid(error) from None
    return models


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
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        raise UnsupportedType("A body is sent as it is, not compressed.", "请求内容不得压缩。", expected="identity")
    try:
        async with timeout(BODY_SECONDS):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise TooLarge() from None
    except TimeoutError:
        raise BadRequest("The body did not arrive in time.", "请求内容未及时到达。") from None
    except BROKEN_BODY:
        raise BadRequest("The body did not arrive whole.", "请求内容不完整。") from None


def _answer(route: Route, answer: BaseModel | web.StreamResponse | None) -> web.StreamResponse:
    if isinstance(answer, web.StreamResponse):
        return answer
    if answer is None:
        return web.Response(status=route.status)
    body = answer.model_dump_json(exclude_none=False).encode()
    return web.Response(status=route.status, body=body, content_type="application/json", charset="utf-8")

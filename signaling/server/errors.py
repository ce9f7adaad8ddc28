"""The only translator of refusals: VisitError to a problem document (RFC 9457) or a close code. An unforeseen error
becomes a 500 that carries an incident number and nothing else; the log has the number, the type and the lines of code,
never the message, because messages quote data."""

import json
import secrets
import traceback
from collections.abc import Awaitable, Callable, Mapping
from pathlib import PurePath

import structlog
from aiohttp import web
from pydantic import ValidationError

from broker.kernel.errors import BadRequest, NotFound, TooLarge, VisitError

log = structlog.get_logger("signaling")
PROBLEM_TYPE = "application/problem+json"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class MethodNotAllowed(VisitError):
    """The address exists, the method does not; `allow` lists those that do."""

    code, http_status, close_code = "method_not_allowed", 405, 4000
    title_zh, title_en = "不支持该请求方法", "The method is not allowed here"


class UnsupportedType(VisitError):
    """The body's Content-Type is not the one this address takes; `expected` names it."""

    code, http_status, close_code = "unsupported_type", 415, 1003
    title_zh, title_en = "不支持的内容类型", "The content type is not supported"


class PreconditionFailed(VisitError):
    """If-Match names another ICE session (RFC 9725, 4.3.1), or another file (RFC 9110, 13.1.1)."""

    code, http_status, close_code = "precondition_failed", 412, 4000
    title_zh, title_en = "前提条件不成立", "The precondition failed"


class PreconditionRequired(VisitError):
    """If-Match is missing (RFC 9725, 4.3.1; RFC 6585)."""

    code, http_status, close_code = "precondition_required", 428, 4000
    title_zh, title_en = "缺少前提条件", "A precondition is required"


class TooSlow(VisitError):
    """The client does not read what the server sends."""

    code, http_status, close_code = "too_slow", 408, 4008
    title_zh, title_en = "客户端接收过慢", "The client reads too slowly"


class Replaced(VisitError):
    """The same terminal connected again, and its newer socket replaces this one."""

    code, http_status, close_code = "replaced", 409, 4009
    title_zh, title_en = "已由新的连接取代", "A newer connection took over"


class Incident(VisitError):
    """An error that the program did not foresee. `incident` finds it in the log."""

    code, http_status, close_code = "internal", 500, 1011
    title_zh, title_en = "服务器内部错误", "Internal error"


def translate(exc: Exception) -> VisitError:
    """Return any exception as a VisitError; an unknown one is logged under a new incident number."""
    if isinstance(exc, VisitError):
        return exc
    if isinstance(exc, web.HTTPException):
        return _of_http(exc)
    return _incident(exc)


def invalid(exc: ValidationError) -> BadRequest:
    """Return what is wrong with a body, member by member, and nothing of what it contained."""
    errors = exc.errors(include_url=False, include_context=False, include_input=False)[:10]
    wrong = [{"where": ".".join(str(part)[:64] for part in e["loc"][:8]), "what": e["type"]} for e in errors]
    return BadRequest("The body does not have the described form.", "请求内容不符合格式要求。", errors=wrong)


def _of_http(exc: web.HTTPException) -> VisitError:
    if isinstance(exc, web.HTTPMethodNotAllowed):
        return MethodNotAllowed(allow=sorted(exc.allowed_methods))
    if exc.status == 404:
        return NotFound()
    if exc.status == 413:
        return TooLarge()
    if exc.status == 415:
        return UnsupportedType()
    return BadRequest() if exc.status < 500 else _incident(exc)


def _incident(exc: Exception) -> Incident:
    number = secrets.token_hex(6)
    lines = [f"{PurePath(f.filename).name}:{f.lineno}" for f in traceback.extract_tb(exc.__traceback__)[-8:]]
    log.error("incident", incident=number, error=type(exc).__name__, lines=lines)
    return Incident(f"Incident {number}.", f"事件编号 {number}。", incident=number)


def response(error: VisitError) -> web.Response:
    """Return the HTTP answer for a refusal, with the headers that its status calls for."""
    return web.Response(
        status=error.http_status,
        body=json.dumps(error.problem(), ensure_ascii=False, default=str).encode(),
        content_type=PROBLEM_TYPE,
        headers=_headers(error),
    )


def _headers(error: VisitError) -> Mapping[str, str]:
    if error.http_status == 401:
        return {"WWW-Authenticate": 'Bearer realm="huijian"'}
    if isinstance(error, MethodNotAllowed):
        return {"Allow": ", ".join(error.extra.get("allow", ()))}
    if error.http_status == 416:
        return {"Content-Range": f"bytes */{error.extra.get('size', 0)}"}
    if error.http_status in (429, 503):
        return {"Retry-After": str(error.extra.get("retry_after", 5))}
    return {}


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every exception of a handler into a problem document. It is the outermost middleware."""
    try:
        return await handler(request)
    except web.HTTPException as exc:
        if exc.status < 400:
            raise
        return response(translate(exc))
    except Exception as exc:
        return response(translate(exc))

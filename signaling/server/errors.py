"""The only translator of refusals: VisitError to a problem document (RFC 9457) or a close code. An unforeseen error
becomes a 500 that carries an incident number and nothing else; the log has the number, the type and the lines of code,
never the message, because messages quote data."""

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping

import structlog
from aiohttp import ClientConnectionResetError, web
from pydantic import ValidationError

from broker.kernel.errors import BadRequest, NotFound, TextNotAllowed, TooLarge, VisitError
from config.lines.records import of_error

log = structlog.get_logger("signaling")
PROBLEM_TYPE = "application/problem+json"
HEADERS: Mapping[int, str] = {
    401: "WWW-Authenticate",
    405: "Allow",
    416: "Content-Range",
    429: "Retry-After",
    503: "Retry-After",
}
"""The header that each refusal with such a status has."""
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


def invalid(exc: ValidationError) -> BadRequest | TextNotAllowed:
    """Return what is wrong with a body, member by member, and nothing of what it contained."""
    errors = exc.errors(include_url=False, include_context=False, include_input=False)[:10]
    wrong = [{"where": ".".join(str(part)[:64] for part in e["loc"][:8]), "what": e["type"]} for e in errors]
    if any(error["what"].startswith("text_") for error in wrong):
        return TextNotAllowed(
            "A text has characters that cannot be seen or read: controls, zero-width signs, signs that turn the text "
            "around, or code points that stand for nothing. Type it anew.",
            "文字含控制字符、不可见字符、改变文字方向的字符或未定义的字符，请重新输入。",
            errors=wrong,
        )
    return BadRequest("The body does not have the described form.", "请求内容不符合格式要求。", errors=wrong)


def _of_http(exc: web.HTTPException) -> VisitError:
    if isinstance(exc, web.HTTPMethodNotAllowed):
        return MethodNotAllowed(allow=sorted(exc.allowed_methods))
    return from_status(exc.status) if exc.status < 500 else _incident(exc)


def from_status(status: int) -> VisitError:
    """Return the refusal that a status below 500 means, where nothing else is known."""
    return {404: NotFound, 413: TooLarge, 415: UnsupportedType}.get(status, BadRequest)()


def _incident(exc: Exception) -> Incident:
    number = secrets.token_hex(6)
    log.error("incident", incident=number, **of_error(exc))
    return Incident(f"Incident {number}.", f"事件编号 {number}。", incident=number)


def response(error: VisitError) -> web.Response:
    """Return the HTTP answer for a refusal, with the headers that its status calls for."""
    return web.Response(
        status=error.http_status,
        body=json.dumps(error.problem(), ensure_ascii=False, default=str).encode("utf-8", "replace"),
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
    except ClientConnectionResetError:  # the sender has gone while it was answered: no incident, and nothing is read
        return web.Response(status=BadRequest.http_status)
    except Exception as exc:
        if is_gone(request, exc):
            raise
        return response(translate(exc))


def is_gone(request: web.BaseRequest, exc: BaseException | None) -> bool:
    """Whether an error is only that the sender has gone before it was answered, which is no incident."""
    transport = request.transport
    return isinstance(exc, ConnectionError) and (transport is None or transport.is_closing())

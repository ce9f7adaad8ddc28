"""One HTTP connection under an application: what cannot be read as HTTP is answered by a problem document and closes
the connection, and nothing of it is logged.

aiohttp itself prints such a request with its whole line, token and all, and a traceback for each; its answers are
plain text, and every answer names its version and that of Python."""

from typing import Any

import structlog
from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

from broker.kernel.errors import VisitError
from signaling.server.errors import PROBLEM_TYPE, Incident, from_status, is_gone, response, translate
from signaling.server.pages import HEADERS

log = structlog.get_logger("signaling")


class Answer(web.Response):
    """An answer to what never became a request, so that no signal of the application sees it."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self.headers.popall(hdrs.SERVER, None)


class Connection(RequestHandler):
    """The protocol of one connection. It says what is wrong in the form of all other refusals, and logs no message."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the answer to a request that cannot be read, or that no handler could answer."""
        if request.writer.output_size > 0 or is_gone(request, exc):
            raise ConnectionError("an answer has begun already, or there is no one to read it")
        error: VisitError
        if status < 500 or exc is None:
            error = from_status(status) if status < 500 else Incident()
        else:
            error = translate(exc if isinstance(exc, Exception) else RuntimeError())
        return last_answer(error)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer to a client. A refusal that aiohttp has worded becomes a problem document, too."""
        status = getattr(resp, "status", 500)
        if status >= 400 and isinstance(resp, web.Response) and resp.content_type in ("text/plain", "text/html"):
            resp = last_answer(translate(resp) if isinstance(resp, web.HTTPException) else from_status(status))
        return await super().finish_response(request, resp, start_time)

    def log_exception(self, *_args: Any, **members: Any) -> None:
        """Log that a connection was ended by an error: its type and places. A body that breaks off, or that is not what
        its headers say, is the sender's own affair."""
        error = members.get("exc_info")
        if not isinstance(error, web.RequestPayloadError | HttpProcessingError | ConnectionError):
            log.error("a connection ended by an error", exc_info=error)


def last_answer(error: VisitError) -> web.Response:
    """Return the problem document after which the connection is closed, with the headers of every answer."""
    problem = response(error)
    answer = Answer(status=problem.status, body=problem.body, content_type=PROBLEM_TYPE)
    answer.headers.update({name: value for name, value in problem.headers.items() if name != hdrs.CONTENT_LENGTH})
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    answer.force_close()
    answer.headers[hdrs.CONNECTION] = "close"  # aiohttp says so to HTTP/1.1 alone, and takes this for 1.0
    return answer

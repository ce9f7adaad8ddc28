"""Requests of admin commands to a running server. Its refusals (RFC 9457) are raised as the errors they describe."""

import json
import os
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from broker.kernel.errors import BadRequest, NotSignedIn, VisitError, from_problem

TIMEOUT = 10.0  # seconds; the server answers in milliseconds or does not run


def post(server: str, path: str, body: Any) -> dict[str, Any]:
    """Send JSON with POST and return the JSON answer. Raises VisitError."""
    answer: dict[str, Any] = json.loads(_call(server, path, "POST", json.dumps(body).encode()))
    return answer


def get(server: str, path: str) -> dict[str, Any]:
    """Return the JSON answer to a GET with the token in HUIJIAN_TOKEN, or else with the key. Raises VisitError."""
    answer: dict[str, Any] = json.loads(_call(server, path, "GET", None, os.environ.get("HUIJIAN_TOKEN", "")))
    return answer


def delete(server: str, path: str) -> None:
    """Delete the resource at `path`. Raises VisitError."""
    _call(server, path, "DELETE", None)


def _call(server: str, path: str, method: str, body: bytes | None, token: str = "") -> bytes:
    if not server.startswith(("http://", "https://")):
        raise BadRequest(f"{server} is no http address.")
    key = token or os.environ.get("HUIJIAN_KEY", "")
    if not key:
        raise NotSignedIn("Put the key of `huijian admin keys add` into HUIJIAN_KEY.")
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = Request(server.rstrip("/") + path, body, headers, method=method)
    try:
        with urlopen(request, timeout=TIMEOUT) as answer:
            data: bytes = answer.read()
            return data
    except HTTPError as error:
        raise _refusal(error) from error
    except (URLError, OSError) as error:
        raise VisitError(f"{server} does not answer ({getattr(error, 'reason', error)}).") from error


def _refusal(error: HTTPError) -> VisitError:
    try:
        return from_problem(json.loads(error.read()))
    except ValueError:
        return VisitError(f"The server answered {error.code}.")

"""Requests of admin commands to a running server. Its refusals (RFC 9457) are raised as the errors they describe."""

import json
import os
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from broker.kernel.errors import BadRequest, NotSignedIn, SecondFactorNeeded, VisitError, from_problem
from config.network import NoServer, server_url
from huijian.streams import took_effect

ANYBODY = "-"  # in place of a credential, where none is needed
TIMEOUT = 10.0  # seconds; the server answers in milliseconds or does not run


class _NoRedirect(HTTPRedirectHandler):
    """Follows no answer to another address: urllib would take the key there."""

    def redirect_request(self, *_: Any) -> None:
        """Leave the redirect as the answer that it is."""


_DIRECT = build_opener(ProxyHandler({}), _NoRedirect)
"""Asks the server itself, without the proxies of the environment."""


def post(server: str, path: str, body: Any, token: str = "") -> dict[str, Any]:
    """Send JSON (None: nothing) with POST and return the JSON answer, {} where there is none. The key in HUIJIAN_KEY
    says who is asking, or else `token`. Raises VisitError."""
    data = None if body is None else json.dumps(body).encode()
    answered = _call(server, path, "POST", data, token)
    took_effect()
    answer: dict[str, Any] = json.loads(answered or b"{}")
    return answer


def search(server: str, path: str, body: Any) -> dict[str, Any]:
    """Return the JSON answer to a search whose words are sent in a body, with the token in HUIJIAN_TOKEN or the key.
    Raises VisitError."""
    answer: dict[str, Any] = json.loads(_call(server, path, "POST", json.dumps(body).encode(), officer_token()))
    return answer


def get(server: str, path: str, token: str = "") -> dict[str, Any]:
    """Return the JSON answer to a GET with `token`, the one in HUIJIAN_TOKEN, or the key. Raises VisitError."""
    token = token or officer_token()
    answer: dict[str, Any] = json.loads(_call(server, path, "GET", None, token))
    return answer


def officer_token() -> str:
    """Return the token of an officer in HUIJIAN_TOKEN, "" where there is none."""
    return os.environ.get("HUIJIAN_TOKEN", "")


def sign_in(server: str, user: str, password: str, code: Callable[[], str]) -> str:
    """Sign in as an officer and return the token. `code` is asked for a second factor where the account has one: six
    digits of the authenticator app, or a recovery code. Raises VisitError."""
    try:
        return str(post(server, "/api/v1/sign-in", {"user": user, "password": password}, ANYBODY)["token"])
    except SecondFactorNeeded as needed:
        shown = code().strip()
        proof = {"code" if shown.isdigit() and len(shown) == 6 else "recovery": shown}
        body = {"ticket": needed.extra["ticket"], "proof": proof}
        return str(post(server, "/api/v1/sign-in/factor", body, ANYBODY)["token"])


def delete(server: str, path: str) -> None:
    """Delete the resource at `path`. Raises VisitError."""
    _call(server, path, "DELETE", None)
    took_effect()


def _call(server: str, path: str, method: str, body: bytes | None, token: str = "") -> bytes:
    try:
        server = server_url(server)
    except NoServer as error:
        raise BadRequest(str(error)) from error
    key = token or os.environ.get("HUIJIAN_KEY", "")
    if not key:
        raise NotSignedIn("Put the key of `huijian admin keys add` into HUIJIAN_KEY.")
    headers = {} if key == ANYBODY else {"Authorization": f"Bearer {key}"}
    headers["Content-Type"] = "application/json"
    request = Request(server + path, body, headers, method=method)
    try:
        with _DIRECT.open(request, timeout=TIMEOUT) as answer:
            data: bytes = answer.read()
    except HTTPError as error:
        raise _refusal(error) from error
    except (URLError, OSError) as error:
        raise VisitError(f"{server} does not answer ({getattr(error, 'reason', error)}).") from error
    return data


def _refusal(error: HTTPError) -> VisitError:
    try:
        return from_problem(json.loads(error.read()))
    except ValueError:
        return VisitError(f"The server answered {error.code}.")

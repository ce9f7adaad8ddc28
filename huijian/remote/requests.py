"""Requests of admin commands to a running server. Its refusals (RFC 9457) are raised as the errors they describe."""

import json
import os
import shutil
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request

from broker.kernel.errors import BadRequest, NotSignedIn, SecondFactorNeeded, VisitError, from_problem
from config import private_files
from config.network import NoServer, server_url
from huijian.remote import stored, trust
from huijian.streams import took_effect

ANYBODY = "-"  # in place of a credential, where none is needed
TIMEOUT = 10.0  # seconds; the server answers in milliseconds or does not run
DOWNLOAD_TIMEOUT = 1800.0  # seconds without a byte: some files are made before the first one


def post(server: str, path: str, body: Any, token: str = "", ca_file: Path | None = None) -> dict[str, Any]:
    """Send JSON (None: nothing) with POST and return the JSON answer, {} where there is none. The key in HUIJIAN_KEY
    says who is asking, or else `token`. Raises VisitError."""
    data = None if body is None else json.dumps(body).encode()
    answered = _call(server, path, "POST", data, token, ca_file)
    took_effect()
    answer: dict[str, Any] = json.loads(answered or b"{}")
    return answer


def search(server: str, path: str, body: Any) -> dict[str, Any]:
    """Return the JSON answer to a search whose words are sent in a body, with the token in HUIJIAN_TOKEN or the key.
    Raises VisitError."""
    answer: dict[str, Any] = json.loads(_call(server, path, "POST", json.dumps(body).encode(), officer_token()))
    return answer


def get(server: str, path: str, token: str = "") -> dict[str, Any]:
    """Return the JSON answer to a GET with `token`, the one in HUIJIAN_TOKEN, the key, or the sign-in that is kept.
    Raises VisitError."""
    token = token or officer_token()
    answer: dict[str, Any] = json.loads(_call(server, path, "GET", None, token))
    return answer


def officer_token() -> str:
    """Return the token of an officer in HUIJIAN_TOKEN, "" where there is none."""
    return os.environ.get("HUIJIAN_TOKEN", "")


def sign_in(server: str, user: str, password: str, code: Callable[[], str], ca_file: Path | None = None) -> str:
    """Sign in as an officer and return the token. `code` is asked for a second factor where the account has one: six
    digits of the authenticator app, or a recovery code. Raises VisitError."""
    try:
        own = {"user": user, "password": password}
        return str(post(server, "/api/v1/sign-in", own, ANYBODY, ca_file)["token"])
    except SecondFactorNeeded as needed:
        shown = code().strip()
        proof = {"code" if shown.isdigit() and len(shown) == 6 else "recovery": shown}
        body = {"ticket": needed.extra["ticket"], "proof": proof}
        return str(post(server, "/api/v1/sign-in/factor", body, ANYBODY, ca_file)["token"])


def delete(server: str, path: str) -> None:
    """Delete the resource at `path`. Raises VisitError."""
    _call(server, path, "DELETE", None)
    took_effect()


def _call(
    server: str, path: str, method: str, body: bytes | None, token: str = "", ca_file: Path | None = None
) -> bytes:
    server = _base(server)
    with _opened(server, _request(server, path, method, body, token), TIMEOUT, ca_file) as answer:
        data: bytes = answer.read()
    return data


def download(server: str, path: str, to: Path, body: Any = None) -> dict[str, str]:
    """Write the answer to a GET, or to a POST of `body`, into a new file closed to other users, and return its headers.
    Raises VisitError, OSError; then there is no file."""
    base = _base(server)
    data, method = (None, "GET") if body is None else (json.dumps(body).encode(), "POST")
    with _opened(base, _request(base, path, method, data, officer_token()), DOWNLOAD_TIMEOUT) as answer:
        private_files.create(to, b"")
        try:
            with to.open("wb") as file:
                shutil.copyfileobj(answer, file, 1 << 20)
            _check_whole(base, answer.headers.get("Content-Length"), to.stat().st_size)
        except (VisitError, OSError):
            to.unlink(missing_ok=True)
            raise
        return dict(answer.headers)


def _check_whole(server: str, announced: str | None, size: int) -> None:
    """Check that an answer has come whole: `http.client` takes one that ends before its length for the end. Raises
    VisitError."""
    if announced is not None and int(announced) != size:
        raise VisitError(
            f"{server} broke off after {size} of {announced} bytes; try again.", f"{server} 传输中断，请重试。"
        )


def _base(server: str) -> str:
    try:
        return server_url(server)
    except NoServer as error:
        raise BadRequest(str(error), "服务器地址有误。") from error


def _request(server: str, path: str, method: str, body: bytes | None, token: str) -> Request:
    """Return a request with the credential: the token that was given, else the key or the token of the environment, or
    that of `huijian login`. Raises NotSignedIn where there is none."""
    key = token or os.environ.get("HUIJIAN_KEY", "") or officer_token() or stored.token_at(server)
    if not key:
        raise NotSignedIn(
            f"Sign in: `huijian login --server {server}`; or put a key (`huijian admin keys add`) into HUIJIAN_KEY.",
            f"请先执行 huijian login --server {server} 登录，或将接口密钥放入环境变量 HUIJIAN_KEY。",
        )
    headers = {} if key == ANYBODY else {"Authorization": f"Bearer {key}"}
    headers["Content-Type"] = "application/json"
    return Request(server + path, body, headers, method=method)


@contextmanager
def _opened(server: str, request: Request, timeout: float, ca_file: Path | None = None) -> Iterator[Any]:
    """Open the answer to a request. Raises VisitError: the server's own refusal, or that it does not answer."""
    direct = trust.opener(server, ca_file)
    try:
        with direct.open(request, timeout=timeout) as answer:
            yield answer
    except HTTPError as error:
        raise _refusal(error) from error
    except (URLError, TimeoutError, ConnectionError) as error:
        why = getattr(error, "reason", error)
        if isinstance(why, ssl.SSLCertVerificationError):
            raise trust.not_trusted(server, why) from error
        raise VisitError(f"{server} does not answer ({why}).", f"{server} 没有应答（{why}）。") from error


def _refusal(error: HTTPError) -> VisitError:
    try:
        return from_problem(json.loads(error.read()))
    except ValueError:
        return VisitError(f"The server answered {error.code}.", f"服务器答复 {error.code}。")

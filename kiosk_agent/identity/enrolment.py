"""What a terminal asks of the server once: that its new key is taken for a one-time code, or for the token of a former
version."""

import base64
import json
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import aiohttp
from pydantic import BaseModel, ValidationError

from broker.kernel.errors import VisitError, from_problem
from config.lines.records import word_of
from kiosk_agent.identity import tpm
from kiosk_agent.identity.keys import FileKey, TerminalKey
from signaling.api.messages.identity import (
    EnrolledTerminal,
    Enrolment,
    KeyKind,
    Migration,
    enrolment_text,
    migration_text,
)

Answer = TypeVar("Answer", bound=BaseModel)
ANSWER_WITHIN = aiohttp.ClientTimeout(total=10.0, sock_connect=1.5)


class NoAnswer(Exception):
    """The server did not answer, or not as the protocol says; the same may work later."""

    for_operators = True


def new_key() -> TerminalKey:
    """Make a key pair: in the TPM where there is one, else for a file. Raises KeyUnusable where the TPM refuses."""
    return tpm.TpmKey.new() if tpm.present() else FileKey.new()


def origin_of(server: str) -> str:
    """Return scheme, host and port of a base URL, as they are signed."""
    parts = urlsplit(server)
    return f"{parts.scheme}://{parts.netloc}"


async def enrol(http: aiohttp.ClientSession, server: str, code: str, key: TerminalKey) -> EnrolledTerminal:
    """Have the server take this key for a one-time code. Raises VisitError (refused) or NoAnswer."""
    public, origin = encoded(key.public), origin_of(server)
    signature = encoded(key.sign(enrolment_text(origin, code, public)))
    body = Enrolment(code=code, key=public, key_kind=_kind(key), origin=origin, signature=signature)
    return await ask(http, server, "enrolments", body, EnrolledTerminal)


async def migrate(http: aiohttp.ClientSession, server: str, token: str, key: TerminalKey) -> EnrolledTerminal:
    """Have the server take this key for the token of a former version, which is worth nothing afterwards. Raises
    VisitError (refused) or NoAnswer."""
    public, origin = encoded(key.public), origin_of(server)
    signature = encoded(key.sign(migration_text(origin, token, public)))
    body = Migration(token=token, key=public, key_kind=_kind(key), origin=origin, signature=signature)
    return await ask(http, server, "migrations", body, EnrolledTerminal)


async def ask(http: aiohttp.ClientSession, server: str, what: str, body: BaseModel, answer: type[Answer]) -> Answer:
    """POST to one of the addresses of terminals; return the answer. Raises VisitError (refused) or NoAnswer."""
    url = urljoin(server, f"/api/v1/terminals/{what}")
    headers = {"Content-Type": "application/json"}
    try:
        async with http.post(
            url, data=body.model_dump_json(), headers=headers, timeout=ANSWER_WITHIN, allow_redirects=False
        ) as response:
            text = await response.read()
            if response.status >= 300:
                raise _refusal(response, text)
        return answer.model_validate_json(text)
    except (aiohttp.ClientError, TimeoutError, OSError, ValidationError) as error:
        raise NoAnswer(word_of(error)) from error


def encoded(data: bytes) -> str:
    """Return bytes as they are sent: Base64."""
    return base64.b64encode(data).decode("ascii")


def _kind(key: TerminalKey) -> KeyKind:
    return "tpm" if key.kind == "tpm" else "file"


def _refusal(response: aiohttp.ClientResponse, text: bytes) -> VisitError | NoAnswer:
    document: Any = None
    if response.content_type == "application/problem+json":
        with suppress(ValueError):
            document = json.loads(text)
    if isinstance(document, dict):
        return from_problem(document)
    return NoAnswer(f"HTTP status {response.status} without a reason")

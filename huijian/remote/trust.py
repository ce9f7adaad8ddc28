"""The trust in a server: it is believed by certificates that the system trusts, or by a private CA that was named at
`huijian login`, which keeps it with the sign-in, or by HUIJIAN_CA_FILE. No option switches the check off."""

import os
import ssl
from pathlib import Path
from typing import Any
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, ProxyHandler, build_opener

from broker.kernel.errors import BadRequest, VisitError
from huijian.remote import stored

VARIABLE = "HUIJIAN_CA_FILE"


class _NoRedirect(HTTPRedirectHandler):
    """Follows no answer to another address: urllib would take the key there."""

    def redirect_request(self, *_: Any) -> None:
        """Leave the redirect as the answer that it is."""


def opener(server: str, ca_file: Path | None = None) -> OpenerDirector:
    """Return what asks a server itself, without the proxies of the environment, and believes certificates of `ca_file`,
    of the one in HUIJIAN_CA_FILE, or of the one kept with the sign-in alone; where there is none those of the system.
    Raises BadRequest where a CA that was named cannot be used: the system's are no substitute for it."""
    named = ca_file or os.environ.get(VARIABLE) or stored.ca_file_at(server)
    handlers = [ProxyHandler({}), _NoRedirect()]
    if named and server.startswith("https:"):
        return build_opener(*handlers, HTTPSHandler(context=_context(Path(named))))
    return build_opener(*handlers)


def _context(file: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(file))
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        why = type(error).__name__ if isinstance(error, ssl.SSLError) else getattr(error, "strerror", None) or error
        raise BadRequest(
            f"{file} holds no certificates of a CA that can be read ({why}).", f"{file} 不是可用的 CA 证书文件。"
        ) from error


def not_trusted(server: str, error: ssl.SSLCertVerificationError) -> VisitError:
    """Return the refusal to send anything to a server whose certificate is not believed here."""
    why = error.verify_message
    return VisitError(
        f"The certificate of {server} is not trusted here ({why}); nothing was sent. For a CA of one's own: "
        f"`huijian login --ca-file CA.pem`, or {VARIABLE}.",
        f"{server} 的证书不受信任（{why}），未发送任何内容。使用自建 CA 时请执行 huijian login --ca-file CA.pem，"
        f"或设置 {VARIABLE}。",
    )

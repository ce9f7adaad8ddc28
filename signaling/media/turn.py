"""Time-limited TURN credentials (draft-uberti-behave-turn-rest-00) in the Link headers of an answer (RFC 9725 4.6).

coturn shares only a secret with us: the name says until when it is good, the password is the name's keyed digest. They
end with the visit. The name is that of the resource, as a TURN server logs it."""

import hmac
from base64 import b64encode
from datetime import datetime, timedelta

import structlog

from broker.kernel.ids import ResourceId
from config.settings import Settings
from config.turn import read_secret

log = structlog.get_logger("signaling")
GRACE = timedelta(minutes=15)  # a visit may end after its slot, and the clocks of two machines differ


def links(settings: Settings, resource: ResourceId, ends_at: datetime) -> list[str]:
    """One Link value a TURN address; none where none is configured, or its secret cannot be read now."""
    if settings.turn_secret_file is None:
        return []
    try:
        secret = read_secret(settings.turn_secret_file)
    except ValueError:
        log.error("no TURN credentials: the secret cannot be read")
        return []
    name, password = credentials(secret, resource, ends_at + GRACE)
    said = f'rel="ice-server"; username="{name}"; credential="{password}"; credential-type="password"'
    return [f"<{url}>; {said}" for url in settings.turn_urls]


def credentials(secret: bytes, who: str, until: datetime) -> tuple[str, str]:
    """The user name and the password that are good until then."""
    name = f"{int(until.timestamp())}:{who}"
    return name, b64encode(hmac.digest(secret, name.encode(), "sha1")).decode()

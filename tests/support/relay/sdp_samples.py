"""Captured offers of real clients, with addresses, ids and keys replaced, and how a test changes them."""

import re
from pathlib import Path

from broker.relay.negotiation.answer import Endpoint, Stream

FOLDER = Path(__file__).with_name("offers")
PUBLISHERS = ("chromium-publish", "aiortc-publish", "whip-muxer-publish")
WATCHERS = ("chromium-watch", "aiortc-watch")
SOUND_PUBLISHERS = ("chromium-sound-publish", "aiortc-sound-publish")
SOUND_WATCHERS = ("chromium-sound-watch", "aiortc-sound-watch")
SIMULCAST = ("chromium-simulcast-publish",)
CLIENTS = PUBLISHERS + SIMULCAST + SOUND_PUBLISHERS + WATCHERS + SOUND_WATCHERS

ENDPOINT = Endpoint((("198.51.100.7", 40000), ("2001:db8::7", 40000)), "ourfrag1", "ourpassword" * 3, "AB:" * 31 + "CD")
STREAMS = {"audio": Stream(11, "prison-1", 12), "video": Stream(22, "prison-1", 23)}


def publishes(name: str) -> bool:
    """Whether this client offers to publish."""
    return name.endswith("-publish")


def offer(name: str) -> str:
    """Return a client's offer with the line ends of the wire."""
    return (FOLDER / f"{name}.offer.sdp").read_text().replace("\n", "\r\n")


def expected(name: str) -> str:
    """Return the answer that this client gets."""
    return (FOLDER / f"{name}.answer.sdp").read_text().replace("\n", "\r\n")


def without(text: str, pattern: str) -> str:
    """Return the SDP without the lines that match."""
    return "".join(line for line in text.splitlines(keepends=True) if not re.search(pattern, line))

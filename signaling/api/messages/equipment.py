"""Tests of a room's equipment over REST: the test of a terminal's line."""

from signaling.api.messages.fields import Outbound


class LineTestView(Outbound):
    """A test of the caller's own line: where to publish (WHIP) and to subscribe (WHEP), and for how many seconds."""

    id: str
    publish: str
    subscribe: str
    seconds: float

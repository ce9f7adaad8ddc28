"""What viewers are shown of longer visits (延长): everybody by how much and until when, officers also by whom."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from broker.kernel.ids import Side
from signaling.api import messages as msg
from signaling.views.names import Names

if TYPE_CHECKING:
    from signaling.views.session import Scene


async def extensions_view(scene: "Scene", names: Names, room: Side | None) -> list[msg.ExtensionView]:
    """The approvals that were taken, in the order of time."""
    return [
        msg.ExtensionView(
            id=one.id,
            at=one.at,
            seconds=round(one.added.total_seconds()),
            article=one.article,
            by=msg.Officer(id=one.by, name=await names.user(one.by)) if room is None else None,
            reason=one.reason if room is None else "",
        )
        for one in scene.session.extensions
    ]


def stops_at(scene: "Scene") -> datetime | None:
    """When everything stops by itself, to the second; None before the first crossing and after the end."""
    session, now = scene.session, scene.now
    stop = session.gate.stop_at
    if session.gate.crossed is None or session.end is not None or stop is None:
        return None
    return (now.wall + timedelta(seconds=stop - now.mono)).replace(microsecond=0)

"""Who receives a session's sides, and how, for those who may know. Rooms never do. Officers learn it of the supervisors
of their own site, officers of the whole province of all; programs that watch the service see numbers and nobody."""

from collections.abc import Iterable

from pydantic import Field

from broker.control.viewers import Summary, Viewer, Viewers, of_supervisors
from broker.kernel.ids import Side, SiteId
from signaling.api.fields import Told
from signaling.api.messages import ViewerQuality


class ViewersOfSide(Told):
    """The supervisors' connections that get one side: how many, how many of them prove to receive it, and of what they
    report the worst."""

    connected: int = Field(ge=0)
    receiving: int = Field(ge=0)
    loss: float = Field(ge=0, le=1)
    jitter_ms: float = Field(ge=0)
    round_trip_ms: float | None = Field(ge=0)


class ViewersSides(Told):
    """Of both sides."""

    prison: ViewersOfSide
    visitor: ViewersOfSide


def known_to(site: SiteId | None, viewers: Iterable[Viewer]) -> list[ViewerQuality]:
    """As an officer of `site` may know them (None: of the whole province)."""
    return [_one(one) for one in viewers if one.watcher is None or site is None or one.watcher.site == site]


def in_numbers(viewers: Viewers) -> ViewersSides:
    """As everybody may know them who may see the session at all."""
    return ViewersSides(
        prison=_side(of_supervisors(viewers, Side.PRISON)), visitor=_side(of_supervisors(viewers, Side.VISITOR))
    )


def _one(viewer: Viewer) -> ViewerQuality:
    return ViewerQuality(
        user=viewer.watcher.user if viewer.watcher else None,
        site=viewer.watcher.site if viewer.watcher else None,
        side=viewer.side,
        receiving=viewer.receiving,
        consent=viewer.consent,
        consent_ms=viewer.consent_age * 1000,
        reports=viewer.reports,
        report_ms=_ms(viewer.report_age),
        loss=viewer.loss,
        jitter_ms=viewer.jitter * 1000,
        round_trip_ms=_ms(viewer.round_trip),
    )


def _side(told: Summary) -> ViewersOfSide:
    return ViewersOfSide(
        connected=told.connected,
        receiving=told.receiving,
        loss=told.loss,
        jitter_ms=told.jitter * 1000,
        round_trip_ms=_ms(told.round_trip),
    )


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000

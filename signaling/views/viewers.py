"""The connections that receive a session's sides, and how well. Rooms see none of it. Officers see the supervisors of
their own site, officers of the province those of all sites; monitoring programs see numbers without people."""

from collections.abc import Iterable

from pydantic import Field

from broker.control.viewers import Summary, Viewer, Viewers, of_supervisors
from broker.kernel.ids import Side, SiteId
from signaling.api.messages.fields import Outbound
from signaling.api.messages.socket import ViewerQuality


class ViewersOfSide(Outbound):
    """The supervisors' connections that receive one side: how many there are, how many prove that packets arrive, and
    the worst of the numbers that they report."""

    connected: int = Field(ge=0)
    receiving: int = Field(ge=0)
    loss: float = Field(ge=0, le=1)
    jitter_ms: float = Field(ge=0)
    round_trip_ms: float | None = Field(ge=0)


class ViewersSides(Outbound):
    """The supervisors' connections of both sides."""

    prison: ViewersOfSide
    visitor: ViewersOfSide


def known_to(site: SiteId | None, viewers: Iterable[Viewer]) -> list[ViewerQuality]:
    """Return the connections that an officer of `site` may see (None: an officer of the province)."""
    return [
        _quality(viewer)
        for viewer in viewers
        if viewer.room or (viewer.watcher is not None and site in (None, viewer.watcher.site))
    ]


def in_numbers(viewers: Viewers) -> ViewersSides:
    """Return the numbers that every caller may see who may see the session at all."""
    return ViewersSides(
        prison=_side(of_supervisors(viewers, Side.PRISON)), visitor=_side(of_supervisors(viewers, Side.VISITOR))
    )


def _quality(viewer: Viewer) -> ViewerQuality:
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


def _side(summary: Summary) -> ViewersOfSide:
    return ViewersOfSide(
        connected=summary.connected,
        receiving=summary.receiving,
        loss=summary.loss,
        jitter_ms=summary.jitter * 1000,
        round_trip_ms=_ms(summary.round_trip),
    )


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000

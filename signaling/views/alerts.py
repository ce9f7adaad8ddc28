"""Alerts (提醒) as officers see them. Rooms see none."""

from broker.kernel.ids import Side, UserId
from broker.session.parts.alerts import Alert
from broker.session.state import Session
from signaling.api.messages.session_view import AlertView, Officer
from signaling.views.names import Names
from signaling.views.texts import ALERTS, text_of


async def open_view(session: Session, names: Names, room: Side | None) -> list[AlertView]:
    """Return the open alerts in the order in which they came, for officers; a room (`room`) sees none."""
    return [] if room is not None else [await _view(alert, names) for alert in session.alerts.open]


async def record_view(session: Session, names: Names) -> list[AlertView]:
    """Return all alerts that are still kept, done ones too, in the order in which they came."""
    kept = sorted((*session.alerts.open, *session.alerts.done), key=lambda alert: (alert.raised_at, alert.id))
    return [await _view(alert, names) for alert in kept]


async def _view(alert: Alert, names: Names) -> AlertView:
    text = text_of(ALERTS, _code(alert))
    count, _, listed = alert.detail.partition("/")
    return AlertView(
        id=alert.id,
        kind=alert.kind.value,
        side=alert.side,
        state=alert.state.value,
        grave=alert.grave,
        grave_until=alert.grave_until,
        zh=text.zh.format(count=count, listed=listed),
        en=text.en.format(count=count, listed=listed),
        at=alert.raised_at,
        taken_by=await _officer(alert.taken_by, names),
        taken_at=alert.taken_at,
        done_by=await _officer(alert.done_by, names),
        done_at=alert.done_at,
        why=alert.why.value if alert.why is not None else None,
    )


def _code(alert: Alert) -> str:
    """Code of the alert's text: its kind, with the detail where that is a word."""
    return f"{alert.kind}_{alert.detail}" if alert.detail.isalpha() else str(alert.kind)


async def _officer(user: UserId | None, names: Names) -> Officer | None:
    return await names.officer(user) if user is not None else None

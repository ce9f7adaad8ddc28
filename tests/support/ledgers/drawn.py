"""A head and entries that tests make up."""

from datetime import UTC, date, datetime, timedelta

from signaling.ledgers.entry import Entry, Head, Request
from signaling.ledgers.order import Order

AT = datetime(2026, 11, 2, 1, tzinfo=UTC)


def head_of(public=False, **changes):
    """Return the head of a November."""
    request = Request(site="first-prison", since=date(2026, 11, 1), until=date(2026, 11, 30), public=public)
    values = {"site_name": "第一监狱", "made_at": AT, "made_by": "user:a", "made_by_name": "审计甲"}
    return Head(**{"request": request, **values, "chain_head": "12:" + "ab" * 32, **changes})


def entry_of(number=0, **changes):
    """Return the entry of an archived visit."""
    starts = AT + timedelta(minutes=10 * number)
    values = {
        "session": f"ses_{number}",
        "external_id": f"YN-2026-{number:06d}",
        "starts_at": starts,
        "ends_at": starts + timedelta(minutes=40),
        "prison": "第一监狱",
        "prison_room": "一室",
        "visitor": "盘龙区司法局",
        "visitor_room": "二室",
        "inmates": ("刘某甲",),
        "visitors": ("欧阳某乙（母亲）",),
        "visitor_count": 1,
        "approved_by": "监狱审批",
        "approval_article": "云南 第八条",
        "minutes": 30,
        "began_at": starts,
        "ended_at": starts + timedelta(minutes=20),
        "seconds": 1200 + number,
        "state": "archived",
        "ending": "会见正常结束",
        "officers": ("张某",),
        "officer_count": 1,
        "recording": "archived",
    }
    return Entry(**{**values, **changes})


def order_of(folder, format, **changes):
    """Return an order whose key lies in `folder`."""
    values = {"head": head_of(), "format": format, "signing": "Ed25519", "folder": str(folder)}
    places = {"archive_dir": str(folder / "archive"), "keys_dir": str(folder / "keys")}
    return Order(**{**values, **places, **changes})

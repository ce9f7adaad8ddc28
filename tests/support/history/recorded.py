"""A visit of the signaling tests with a real recording: a film, a timeline with interventions, a manifest."""

from datetime import timedelta

from broker.kernel import atomic_files
from broker.session import events as ev
from recorder.archive.catalog import Catalog, columns
from tests.support.control.fixtures import TEN
from tests.support.recording.archives import archived, make_work

SIDES = {
    "prison": {"site": "first-prison", "room": "p1", "title": "prison"},
    "visitor": {"site": "panlong", "room": "v1", "title": "visitor"},
}
OFFICERS = [{"user": user, "site": site} for user, site in (("prison-sup", "first-prison"), ("visitor-sup", "panlong"))]
WARNED = {
    "what": "WarningGiven",
    "by": "prison-sup",
    "site": "first-prison",
    "sides": ["visitor"],
    "article": "YN-16-1",
    "text_zh": "请勿使用手机，刘某甲",
    "text_en": "Put the phone away",
}
EVENTS = (
    (0.0, {"kind": "gate", "open": True, "why": ""}),
    (0.0, {"kind": "people", "checked_in": ["in-1"], "watchers": OFFICERS}),
    (1.0, {"kind": "action", **WARNED}),
    (1.5, {"kind": "alert", "what": "AlertRaised", "of": "silent", "side": "prison", "detail": "", "alert": "a"}),
    (2.0, {"kind": "state", "from": "live", "to": "held"}),
    (2.0, {"kind": "gate", "open": False, "why": "room_lost"}),
)


async def recorded_visit(front, archive_key=None):
    """Return the session of a visit whose recording lies in the archive of the running application."""
    session = await front.visit()
    root = front.context.settings.archive_dir
    work = make_work(root, session=session, started=TEN, site="first-prison", sides=SIDES)
    atomic_files.append_lines(
        work / "timeline.jsonl",
        [
            {"at": (TEN + timedelta(seconds=at)).isoformat(), "mono": 1000.0 + at, "event": event}
            for at, event in EVENTS
        ],
    )
    done = archived(work, root, TEN + timedelta(seconds=3))
    row = {"session": session, "site": "first-prison", "policy": "yunnan", "announced": True, "created_at": TEN}
    await Catalog(front.store.engine).put(row | columns(done))
    front.clock.forward(timedelta(hours=1))
    for event in (ev.Crossed(5000.0),):
        front.journal.note(ev.kind(event), session, "relay", ev.data(event))
    front.journal.note("WarningGiven", session, "user:prison-sup", {"article": "YN-16-1"})
    front.journal.note("WatchersChanged", session, "system", {"watchers": OFFICERS})
    front.clock.forward(timedelta(minutes=2))
    over = {"from": "held", "to": "ended", "reason": "completed", "article": "", "cause": ""}
    front.journal.note("StateChanged", session, "broker", over)
    del front.broker.lives[session]
    front.context.history.want(session)
    await front.context.history.settle()
    return session

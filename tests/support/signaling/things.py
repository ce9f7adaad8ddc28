"""One thing of each kind in the running application, of the first prison and Panlong."""

from datetime import timedelta

from broker.authority.persons import ChangeKind
from broker.booking.absence import Absence
from broker.booking.announcement import Announcement
from broker.booking.rebooking import Rebooking, RebookingState
from broker.booking.suspension import Proposal
from broker.control.store.history.marks import Mark
from broker.control.store.sign_in.factors import Factor
from broker.kernel.ids import Side
from broker.presence.presence import Report
from broker.presence.quorum import Watcher
from config.articles.grounds import Issuer
from config.pack_loader import load_pack
from tests.support.recording.purging import PurgeSetup
from tests.support.signaling.front import OFFER, ten_slot

SDP = {"Content-Type": "application/sdp"}


async def one_of_each(front, archive):
    """Make the things, a live visit with a recording in `archive` first; return their ids by the names that they have
    in paths."""
    session = await front.live_visit()
    live = front.broker.live(session)
    slot = live.session.slot
    location = (await front.ask("POST", f"/whip/{session}", "p1", data=OFFER, headers=SDP)).headers["Location"]
    kept = await no_shows(front)
    now = front.clock.now().wall
    await front.store.add_suspension(
        Proposal(
            "sus-there", session, Side.PRISON, "first-prison", "in-1", 1, "YN-17-6", "云南 第十七条", "违规",
            "prison-sup", "first-prison", now, ("end",), load_pack("yunnan").suspension.steps,
        )
    )  # fmt: skip
    await front.store.add_announcement(
        Announcement("ann-there", "GD-36-1", "停电", Issuer.UNIT, "广东 第三十六条", "停电", "prison-sup",
                     "first-prison", now, session)
    )  # fmt: skip
    change = await front.store.change_account(ChangeKind.PASSWORD, "approver", author="x", password="a long secret")
    await PurgeSetup(front.store.engine, archive).recording(session, site="first-prison")
    await front.store.add_mark(Mark("mrk-there", session, 1.0, None, "note", "注意", "auditor", now))
    inspection = await front.store.begin_inspection(session, "procurator", "例行检察")
    return {
        "mark": "mrk-there",
        "inspection": inspection.id,
        "session": session,
        "slot": slot.id,
        "resource": location.rpartition("/")[2],
        "suspension": "sus-there",
        "announcement": "ann-there",
        "change": change.change.id,
        "site": "first-prison",
        "user": "approver",
        "key": next(key.id for key in await front.store.api_keys()),
        "room": "p1",
        "terminal": next(one.id for one in await front.store.terminals() if one.room == "p1"),
        **kept,
        **await of_officers(front, session),
        "drill": await ended_drill(front, slot),
        "export": (
            await front.context.exports.add(
                session, "first-prison", "法院调取", "某法院", ["auditor"], "auditor", front.clock.now().wall
            )
        )["id"],
    }


async def of_officers(front, session):
    """Return the ids of a sign-in and a factor of an officer at Panlong, of the order and of the handover of others."""
    (sign_in,) = await front.store.sign_in_sessions("visitor-sup-2", front.tokens["visitor-sup-2"])
    await front.store.add_factor(
        Factor("fac-there", "visitor-sup", "totp", "手机", "sealed", 1, front.clock.now().wall)
    )
    await front.ask(
        "POST", f"/api/v1/sessions/{session}/remark", "prison-sup", json={"text": "记录"},
        headers={"Idempotency-Key": "ord-there"},
    )  # fmt: skip
    giver, taker = Watcher("visitor-sup", "panlong"), Watcher("visitor-sup-3", "panlong")
    for officer in (giver, taker):
        front.broker.page_report(officer, "pageaaaa", Report(True, frozenset(), frozenset()))
    front.broker.handovers.begin("hnd-there", giver, taker, (session,))
    return {"sign_in": sign_in.id, "factor": "fac-there", "order": "ord-there", "handover": "hnd-there"}


async def ended_drill(front, slot):
    """Return the id of a drill in the slot of a visit, which was broken off."""
    await front.store.begin_drill(slot, "user:approver")
    await front.store.interrupt_drills()
    return slot.session


async def no_shows(front):
    """Return the ids of an absence and of a re-booking request of another visit of the same sites."""
    starts = front.clock.now().wall + timedelta(days=1)
    later = {"starts_at": starts, "ends_at": starts + timedelta(minutes=40)}
    slot = ten_slot(**later)
    await front.store.add_slot(slot)
    now = front.clock.now().wall
    absence = Absence("abs-there", slot.session, slot.id, Side.VISITOR, "panlong", ("kin-1",), now)
    request = Rebooking(
        "rbk-there", slot.session, slot.id, "technical", "YN-18", now, RebookingState.OPEN, None, "", "", None
    )
    await front.store.save_snapshot(slot.session, "ended", {}, request, absence)
    return {"absence": "abs-there", "rebooking": "rbk-there"}

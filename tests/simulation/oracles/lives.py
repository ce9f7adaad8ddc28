"""Oracles of the sessions' lives: they end in time, for one reason, and leave a trace."""

from collections.abc import Iterator

from tests.simulation.oracles.crossing import moments, session_of
from tests.simulation.oracles.findings import Finding
from tests.simulation.oracles.remains import Remains
from tests.simulation.oracles.times import Times
from tests.simulation.plans import Plan
from tests.simulation.story import Story

MADE = ("OSError(5, ", "OSError(28, ", "database is locked", "disk I/O error", "unable to open database file")
"""Errors that the simulated disk and database raise, and that the product may log."""
SAVED = 1.0
"""Seconds in which what has happened is saved."""
LATE = 15.0
"""Seconds after the slot's end, or after everything works again, by which a session is over."""


def no_fault(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """Nothing in the product fails by an error that it does not know."""
    for event in story.events:
        words = " ".join(map(str, event.data.values()))
        if event.kind in ("fault", "exception", "stuck") and not any(cause in words for cause in MADE):
            yield Finding("no fault", event.at, event.about, words)


def every_session_ends(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """Every booked session is over soon after its slot, if the processes run."""
    for visit in plan.visits:
        session = session_of(visit)
        if not story.of("booked", session):
            continue
        due = max(visit.ends, plan.healed + 12.0) + LATE
        over = [event.at for event in story.of("state", session) if event.data["state"] == "ended"]
        withdrawn = story.of("row cancelled", session)
        if not over and not withdrawn:
            yield Finding("ends", plan.until, session, "never over")
        elif over and over[0] > due:
            yield Finding("ends", over[0], session, f"over {over[0] - visit.ends:.1f} s after its slot")


def an_end_stays(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """What is over stays over, with the reason that it had first."""
    for visit in plan.visits:
        session = session_of(visit)
        ends = [event for event in story.of("state", session) if event.data["state"] == "ended"]
        states = [event.data["state"] for event in story.of("state", session)]
        if ends and states[-1] not in ("ended", "none"):
            yield Finding("end stays", ends[0].at, session, f"was over, and is {states[-1]}")
        reasons = {event.data.get("reason") for event in ends}
        if len(reasons) > 1:
            yield Finding("end stays", ends[-1].at, session, f"ended as {' and as '.join(sorted(map(str, reasons)))}")


def the_pack_stays(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """A session keeps the pack that was in force when its check-in opened, whatever is made of the file meanwhile. One
    whose check-in opened just before has not been saved perhaps, nor while the database did not work."""
    if any(fault.kind.startswith("database") for fault in plan.faults):
        return
    for event in story.of("pack edited"):
        for visit in plan.visits:
            session = session_of(visit)
            opened = [one.at for one in story.of("state", session) if one.data["state"] == "check_in"]
            kept = (remains.snapshots.get(session, {}).get("data") or {}).get("pack")
            if opened and opened[0] < event.at - SAVED and kept != event.data["was"]:
                yield Finding("frozen pack", event.at, session, f"goes on under {kept}")


def no_unlawful_order(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """No order is taken that no code allows."""
    for event in story.of("unlawful order taken"):
        yield Finding("unlawful", event.at, event.about, f"{event.data['order']} was taken")


def the_journal_is_whole(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """The journal has no hole, and each entry stands on the one before it."""
    before = None
    for number, row in enumerate(remains.journal, 1):
        if row["seq"] != number or (before is not None and row["prev_hash"] != before):
            yield Finding("journal", plan.until, str(row["seq"]), "the chain is broken")
            return
        before = row["hash"]


def states_are_journaled(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """Each state that was shown has its entry; each visit that crossed has an entry of the gate."""
    for visit in plan.visits:
        session = session_of(visit)
        written = {
            row["data"].get("after") or row["data"].get("to") for row in remains.entries(session, "StateChanged")
        }
        shown = {event.data["state"] for event in story.of("state", session)} - {"none", "scheduled"}
        lacking = shown - {str(state) for state in written}
        if "ended" in lacking:
            yield Finding("journal", plan.until, session, f"no entry of {', '.join(sorted(lacking))}")
        if story.crossings.get(session) and not remains.entries(session, "LeaseGate"):
            yield Finding("journal", plan.until, session, "the gate opened without an entry")


def rebooking_is_requested_once(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """A technical end leaves exactly one request for another visit, no end leaves two (Yunnan 18, Guangdong 36)."""
    for session, row in remains.snapshots.items():
        end = row["data"].get("end")
        if row["state"] != "ended" or end is None:
            continue
        requests = len([one for one in remains.tables["rebookings"] if one["session"] == session])
        if requests > 1 or (end["reason"] == "technical" and requests == 0):
            yield Finding("re-booking", plan.until, session, f"{end['reason']}: {requests} requests")


def completed_by_both(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """A visit is completed by the word of both sides that stands, never by that of one (Guangdong 31(2))."""
    for visit in plan.visits:
        session = session_of(visit)
        end = (remains.snapshots.get(session, {}).get("data") or {}).get("end")
        if end is None or end["reason"] != "completed":
            continue
        sides = {str(event.data["side"]) for event in story.of("finished", session)}
        sides |= {str(event.data["side"]) for event in story.of("unanswered", session) if "side" in event.data}
        if sides != {"prison", "visitor"}:
            yield Finding(
                "completed", plan.until, session, f"completed by {', '.join(sorted(sides)) or 'no side'} alone"
            )


def no_clock_takes_a_visit(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """No step of the wall clock makes a side late or a slot over before it truly is."""
    for visit in plan.visits:
        session = session_of(visit)
        for event in story.of("state", session):
            early = event.at < visit.ends - 1.0 - abs(plan.drift) * plan.until
            if event.data["state"] == "ended" and event.data.get("reason") in ("no_show", "slot_end") and early:
                words = f"{event.data['reason']} {visit.ends - event.at:.1f} s before the slot's end"
                yield Finding("clock", event.at, session, words)


DISCIPLINARY = ("YN-17-", "GD-29-")
"""Beginnings of the codes under which an officer ends a visit for what people did."""
TECHNICAL = ("YN-18", "GD-36")
"""Codes of technical breaks, after which another visit is arranged first."""


def ends_by_order_have_their_consequence(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """An officer's end for a technical break requests another visit; one for what people did requests none."""
    for visit in plan.visits:
        session = session_of(visit)
        end = (remains.snapshots.get(session, {}).get("data") or {}).get("end")
        orders = [event for event in story.of("ordered", session) if event.data["what"] == "end"]
        if end is None or not orders or end.get("article") != orders[0].data["code"] or not end.get("by"):
            continue
        requests = len([one for one in remains.tables["rebookings"] if one["session"] == session])
        code = orders[0].data["code"]
        if (code in TECHNICAL and requests != 1) or (code.startswith(DISCIPLINARY) and requests != 0):
            yield Finding("re-booking", orders[0].at, session, f"ended under {code}: {requests} requests")


def the_first_cause_decides(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """A hold that began by an officer's order while all was well, and is never lifted, has the consequence of its code:
    another visit for a technical break, none for what people did (Yunnan 18)."""
    for visit in plan.visits:
        session = session_of(visit)
        holds = [event for event in story.of("ordered", session) if event.data["what"] == "hold"]
        others = [event for event in story.of("ordered", session) if event.data["what"] in OTHER_ENDS]
        ends = [event for event in story.of("state", session) if event.data["state"] == "ended"]
        if len(holds) != 1 or others or not ends or not _all_was_well(story, session, holds[0].at):
            continue
        last = max((at for at in moments(story, session)), default=0.0)
        if last > holds[0].at + 1.0 or ends[0].data["reason"] == "cancelled":
            continue
        requests = len([one for one in remains.tables["rebookings"] if one["session"] == session])
        code = holds[0].data["code"]
        due = 1 if code in TECHNICAL else 0
        rebooted = any(holds[0].at < event.at < ends[0].at for event in story.of("booted"))
        if requests != due and not rebooted:
            words = f"held under {code} to the end ({ends[0].data['reason']}): {requests} requests"
            yield Finding("first cause", holds[0].at, session, words)


OTHER_ENDS = ("resume", "end", "cancel", "farewell")
"""Orders by which something else than the hold decides the end."""


def _all_was_well(story: Story, session: str, moment: float) -> bool:
    """Whether packets of both rooms crossed just before a moment."""
    sides = story.crossings.get(session, {})
    return len(sides) == 2 and all(
        any(moment - 0.5 < at <= moment + 0.1 for at in crossing.moments) for crossing in sides.values()
    )


def no_machine_takes_a_month(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """No timer decides that a side has given up a visit: an officer does, with a reason (Guangdong 23)."""
    for row in remains.journal:
        if "orfeit" in row["kind"] and not row["author"].startswith("user:"):
            yield Finding("forfeit", plan.until, str(row["session"]), f"{row['kind']} by {row['author']}")
    for row in remains.tables["absence_decisions"]:
        yield Finding("forfeit", plan.until, str(row["absence"]), "decided, though no officer has")
    for session, row in remains.snapshots.items():
        if (row["data"].get("end") or {}).get("lost"):
            yield Finding("forfeit", plan.until, session, "a timer has decided what is lost")


def one_alert_a_cause(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """A cause that lasts, or comes and goes, calls the supervisors once: no second alert while the first one is on."""
    if Times.of(plan, story).away["control"]:
        return  # what a crash has not saved may be raised again
    for visit in plan.visits:
        session, active = session_of(visit), set[tuple[str, str]]()
        for row in remains.entries(session, "AlertRaised", "AlertOver", "AlertFinished"):
            data = row["data"]
            if row["kind"] == "AlertRaised":
                if (data["kind"], data["side"]) in active:
                    yield Finding("alerts", plan.until, session, f"two alerts of {data['kind']} at once")
                active.add((data["kind"], data["side"]))
            elif row["kind"] == "AlertOver":
                active.discard((data["kind"], data["side"]))
            else:
                active.clear()

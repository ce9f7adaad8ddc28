"""Oracles of what crosses the gate: the window of the approval, the quorum, the lease, the recorder and the limit."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import pairwise

from tests.simulation.oracles.findings import Finding
from tests.simulation.oracles.remains import Remains
from tests.simulation.oracles.times import Times
from tests.simulation.plans import Plan, VisitPlan
from tests.simulation.story import Story, Truth

HAIR = 0.05
"""Seconds of a packet that is already on its way out of the worker."""
LEASE = 3.0
"""Seconds after which a gate shuts by itself when the control process is gone (invariant 5)."""
DETECTION = 2.0
"""Seconds in which a lost quorum must be noticed (invariant 2), and what a report may take to arrive."""
REPORT = 0.3
"""Seconds by which the simulated worker looks and reports later than the real one."""
RECORDER = 2.0
"""Seconds after which nothing crosses that is not recorded (invariant 3)."""
SLOW = 0.6
"""Seconds more while the network between the processes is slow."""
SITES = {
    ("yunnan", False): ("first-prison", "panlong"),
    ("yunnan", True): ("first-prison", "second-prison"),
    ("guangdong", False): ("panyu-prison", "tianhe"),
    ("guangdong", True): ("panyu-prison", "meizhou-prison"),
}
"""The two sites of a visit, by the pack and whether it is between two prisons."""
NEEDED = 2
"""Officers on each side, all the time (Yunnan 25, Guangdong 27)."""


def session_of(visit: VisitPlan) -> str:
    """Return the session's name in the story."""
    return f"ses_{visit.number}"


def moments(story: Story, session: str) -> list[float]:
    """Return all moments at which a packet of a session crossed, in either direction."""
    sides = story.crossings.get(session)
    if sides is None:
        return []
    return sorted([*sides["prison"].moments, *sides["visitor"].moments])


def _slow(story: Story) -> float:
    return SLOW if any(event.data.get("what") == "network slow" for event in story.of("fault begins")) else 0.0


def inside_the_slot(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """No packet crosses outside of the approved window, on true time, nor after the approval was withdrawn."""
    for visit in plan.visits:
        session = session_of(visit)
        crossed = moments(story, session)
        if not crossed:
            continue
        drifted = HAIR + abs(plan.drift) * plan.until
        if crossed[0] < visit.starts - drifted:
            yield Finding("slot", crossed[0], session, f"crossed {visit.starts - crossed[0]:.3f} s before the slot")
        if crossed[-1] > visit.ends + drifted:
            yield Finding("slot", crossed[-1], session, f"crossed {crossed[-1] - visit.ends:.3f} s after the slot")
        for at in _withdrawn(story, session):
            late = [moment for moment in crossed if moment > at + HAIR]
            if late:
                yield Finding("cancelled", late[0], session, "crossed though the approval was withdrawn")


def _withdrawn(story: Story, session: str) -> Iterable[float]:
    for event in story.of("ordered", session):
        if event.data["what"] == "cancel":
            yield event.at


def cancelled_row_stays_away(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """What was withdrawn in the database alone, while no control process ran, never begins at a later start."""
    for visit in plan.visits:
        session = session_of(visit)
        for event in story.of("row cancelled", session):
            started = [one.at for one in story.of("started", "control") if one.at > event.at]
            late = [at for at in moments(story, session) if started and at > started[0] + HAIR]
            if late:
                yield Finding("cancelled", late[0], session, "a withdrawn approval came back after a start")


def suspended_does_not_begin(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """No visit begins whose people were suspended before (Yunnan 17; Guangdong 25, 29)."""
    for visit in plan.visits:
        session = session_of(visit)
        crossed = moments(story, session)
        for event in story.of("suspended", session):
            if crossed and crossed[0] > event.at + HAIR + _slow(story):
                words = f"began {crossed[0] - event.at:.2f} s after a suspension of its people"
                yield Finding("suspended", crossed[0], session, words)


def not_without_both_approvals(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """Between two prisons nothing crosses before both have approved (Yunnan 7, Guangdong 16)."""
    for visit in plan.visits if plan.between else ():
        session = session_of(visit)
        crossed = moments(story, session)
        sent = [event.at for event in story.of("second approval sent", session)]
        if crossed and (not sent or crossed[0] < sent[0]):
            yield Finding("second approval", crossed[0], session, "crossed without the approval of the second prison")


def not_before_both_rooms_know_the_rules(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """Nothing crosses while a room has not acknowledged the rules (Yunnan 12, Guangdong 24)."""
    for visit in plan.visits:
        session = session_of(visit)
        crossed = moments(story, session)
        if crossed and visit.untold is not None:
            yield Finding("rules", crossed[0], session, f"crossed, and the {visit.untold} room knows no rules")


def within_the_limit(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """The time from the first packet, in whichever direction, to the last one is no longer than was approved."""
    for visit in plan.visits:
        crossed = moments(story, session_of(visit))
        if crossed:
            yield from _limited(visit, story, crossed[0])


def _limited(visit: VisitPlan, story: Story, begin: float) -> Iterator[Finding]:
    session, allowed = session_of(visit), 60.0 * visit.minutes
    for event in story.of("ordered", session):
        if event.data["what"] == "extend":
            allowed += 60.0 * event.data["minutes"]
    last = moments(story, session)[-1]
    if last - begin - allowed > HAIR:
        yield Finding("limit", last, session, f"{last - begin - allowed:.3f} s beyond the limit")


def with_a_quorum(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """Nothing crosses while fewer than two officers of a side really watch, beyond the time to notice it."""
    times, extra = Times.of(plan, story), _slow(story)
    for visit in plan.visits:
        session = session_of(visit)
        for site in SITES[plan.pack, plan.between]:
            watching = [truth for name, truth in story.truths.items() if name[:3] == ("watches", session, site)]
            for start, end in _without(watching):
                allowed = DETECTION + REPORT + extra
                if not times.runs("control", start - LEASE, start + allowed + HAIR):
                    allowed += LEASE
                late = [at for at in moments(story, session) if start + allowed + HAIR < at < end]
                if late:
                    words = f"crossed {late[0] - start:.3f} s after {site} had lost its quorum"
                    yield Finding("quorum", late[0], session, words)


def _without(watching: list[Truth]) -> Iterator[tuple[float, float]]:
    """Yield the spans in which fewer than NEEDED of these truths hold."""
    changes = sorted((at, value) for truth in watching for at, value in truth.changes())
    count, since = 0, 0.0
    for at, value in changes:
        before, count = count, count + (1 if value else -1)
        if before >= NEEDED > count:
            since = at
        elif before < NEEDED <= count:
            yield since, at
    if count < NEEDED:
        yield since, float("inf")


def with_a_lease(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """Nothing crosses later than three seconds after the control process died or stopped."""
    times, extra = Times.of(plan, story), _slow(story)
    for visit in plan.visits:
        session = session_of(visit)
        crossed = moments(story, session)
        for start, end in times.away["control"]:
            first = bisect_right(crossed, start + LEASE + extra + HAIR)
            if first < len(crossed) and crossed[first] < end:
                words = f"crossed {crossed[first] - start:.3f} s after the control process was gone"
                yield Finding("lease", crossed[first], session, words)


def with_a_recorder(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """Nothing crosses later than two seconds after the recorder died or stopped; three where control is gone too."""
    times, extra = Times.of(plan, story), _slow(story)
    for visit in plan.visits:
        session = session_of(visit)
        crossed = moments(story, session)
        for start, end in times.away["recorder"]:
            allowed = RECORDER + extra
            if not times.runs("control", start - LEASE, start + allowed):
                allowed += LEASE
            first = bisect_right(crossed, start + allowed + HAIR)
            if first < len(crossed) and crossed[first] < end:
                words = f"crossed {crossed[first] - start:.3f} s after the recorder was gone"
                yield Finding("recorder", crossed[first], session, words)


AGAIN = 2.0
"""Seconds for which the cause of a loss must be gone before the gate opens again."""
PAUSE = 0.6
"""Seconds without any packet that mean a shut gate, while a room sends."""


def not_before_both_receive(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """No packet crosses before both rooms' screens are up, so that no time is lost to one that is not."""
    for visit in plan.visits:
        session = session_of(visit)
        crossed = moments(story, session)
        for side in ("prison", "visitor") if crossed else ():
            ever = story.truth("receives", session, side).during(0.0, crossed[0])
            if True not in ever:
                yield Finding("rooms receive", crossed[0], session, f"crossed though the {side} room had no screen")


def not_open_again_at_once(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """A gate that was shut for a loss opens again only when its cause has been gone for two seconds."""
    times = Times.of(plan, story)
    for visit in plan.visits:
        session = session_of(visit)
        crossed = moments(story, session)
        for last, following in pairwise(crossed):
            if not PAUSE < following - last < AGAIN - PAUSE:
                continue
            sent = all(
                value
                for side in ("prison", "visitor")
                for value in story.truth("sends", session, side).during(last - 1.0, following)
            )
            if sent and times.runs("relay", last - 1.0, following) and not _ordered_between(story, session, last):
                words = f"open again after {following - last:.2f} s"
                yield Finding("flicker", following, session, words)


def _ordered_between(story: Story, session: str, moment: float) -> bool:
    """Whether an officer ordered something about then: a hold that is lifted at once is no flicker."""
    return any(abs(event.at - moment) < AGAIN for event in story.of("ordered", session))


UNUSABLE = 2.3
"""Seconds after which nothing crosses whose film could not be watched (invariant 3), with the report's way."""


def with_a_film_that_can_be_watched(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """Nothing crosses for long while what a room sends cannot be decoded from the film (invariant 3)."""
    times, extra = Times.of(plan, story), _slow(story)
    for event in story.of("garbage begins"):
        start, end = event.at + UNUSABLE + extra, event.at + event.data["seconds"]
        if not times.runs("control", event.at - LEASE, end) or not times.runs("recorder", event.at, end):
            start += LEASE
        late = [at for at in moments(story, event.about) if start < at < end]
        if late:
            yield Finding("unusable", late[0], event.about, f"crossed {late[0] - event.at:.2f} s after garbage began")

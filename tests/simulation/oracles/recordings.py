"""Oracles of the recordings: what crossed is on disk, and every recording is archived in the end."""

from collections.abc import Iterator

from tests.simulation.oracles.crossing import session_of
from tests.simulation.oracles.findings import Finding
from tests.simulation.oracles.remains import Remains
from tests.simulation.oracles.times import Times
from tests.simulation.plans import Plan
from tests.simulation.story import Story

PACKET = 0.12
"""Seconds of sound in a packet."""
LOST = 2.0
"""Seconds that a crash may cost (invariant 6)."""
TOLERANCE = 0.5
"""Seconds by which recording and crossing may differ without any crash."""
SIDES = ("prison", "visitor")


def what_crossed_is_on_disk(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """The archive lacks at most two seconds a crash of what crossed, and half a second where no crash was near."""
    times = Times.of(plan, story)
    for visit in plan.visits:
        session = session_of(visit)
        sides = story.crossings.get(session)
        for number, side in enumerate(SIDES) if sides is not None else ():
            kept = {sound for visit_, side_, sound in remains.archived.get(session, ()) if side_ == number}
            missing = [at for at, sound in sides[side].sounds if sound not in kept]
            yield from _judged(session, side, missing, times)


def _judged(session: str, side: str, missing: list[float], times: Times) -> Iterator[Finding]:
    near = {crash: 0 for crash in times.crashes}
    far = 0
    for at in missing:
        close = [crash for crash in near if crash - LOST - TOLERANCE <= at <= crash + LOST + TOLERANCE]
        if close:
            near[min(close, key=lambda crash: abs(crash - at))] += 1
        else:
            far += 1
    if far * PACKET > TOLERANCE:
        yield Finding("on disk", missing[0], session, f"{far * PACKET:.2f} s of the {side} side crossed unrecorded")
    for crash, count in near.items():
        if count * PACKET > 2 * LOST + TOLERANCE:
            words = f"a crash at {crash:.1f} s cost {count * PACKET:.2f} s of the {side} side"
            yield Finding("on disk", crash, session, words)


def all_is_archived(plan: Plan, story: Story, remains: Remains) -> Iterator[Finding]:
    """When everything works again, every recording that was begun is archived, and nothing lies in a work folder."""
    for name in remains.work:
        yield Finding("archived", plan.until, name, "still in its work folder")
    for session, row in remains.recordings.items():
        if row["state"] not in ("archived", "failed"):
            yield Finding("archived", plan.until, session, f"the catalog says {row['state']}")
        if row["state"] == "failed" and remains.sounds.get(session):
            yield Finding("archived", plan.until, session, "failed though media of it is on disk")

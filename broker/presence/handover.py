"""Handover (交班): an officer asks a colleague of the same site to take over visits, and is released only once the
colleague counts in all of them (Yunnan 25: two officers of each side all the time; Guangdong 31(1): no leaving a post
without being relieved). Pure.

The one who takes over never counts in more visits than the rules allow (`sessions_per_supervisor`), not even for the
moment in which both count: a free place for each visit is asked for first. Until the handover is completed nothing has
changed for the one who gives: presence goes on as if there were none, so that a colleague who does not come, a page
that dies, or a time that passes opens no gap.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from broker.booking.slot import Slot
from broker.kernel.errors import Conflict, NotFound, PolicyViolation, SamePerson
from broker.kernel.ids import HandoverId, SessionId, Side
from broker.presence.quorum import Watcher, of_side, reached

ANSWER = 120.0
"""Seconds for an answer: a colleague in the room is asked by word of mouth as well."""
ARRIVE = 60.0
"""Seconds from the answer until the colleague must count: pictures come within a few, and a question of an attention
check may have to be answered first."""


class HandoverState(StrEnum):
    """How far a handover has come; all but the first two are its end."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    COMPLETED = "completed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


OPEN = frozenset({HandoverState.OFFERED, HandoverState.ACCEPTED})


@dataclass(frozen=True, slots=True)
class Visit:
    """What a handover has to know of a visit that goes on: its slot, how many officers a side needs, and who counts."""

    slot: Slot
    needed: int
    present: frozenset[Watcher]

    def keeps_quorum(self, giver: Watcher) -> bool:
        """Whether the giver's side loses nothing when the giver leaves: it has its quorum without the giver, or has
        none now."""
        side = self.slot.side_of_site(giver.site) or Side.PRISON
        left = reached(self.present - {giver}, self.slot, side, self.needed)
        return left or not reached(self.present, self.slot, side, self.needed)

    def counts(self, watcher: Watcher) -> bool:
        """Whether an officer counts for a side of this visit."""
        return any(watcher in of_side(self.present, self.slot, side) for side in Side)


@dataclass(frozen=True, slots=True)
class Handover:
    """The request of one officer to another, and how far it has come. `until`: the monotonic second
    at which it lapses if it does not go on."""

    id: HandoverId
    giver: Watcher
    taker: Watcher
    sessions: tuple[SessionId, ...]
    stage: HandoverState
    until: float

    @property
    def open(self) -> bool:
        """Whether it is neither completed nor given up."""
        return self.stage in OPEN


@dataclass(frozen=True, slots=True)
class Places:
    """The places of officers: `most` visits in which one of them counts, the `article`, and what each has `chosen`."""

    most: int
    article: str
    chosen: Mapping[Watcher, frozenset[SessionId]]

    def check(self, taker: Watcher, sessions: Collection[SessionId]) -> None:
        """Raise PolicyViolation where the taker would have to count in more visits than the rules allow."""
        if len(self.chosen.get(taker, frozenset()) | set(sessions)) > self.most:
            raise PolicyViolation(
                f"Nobody counts in more than {self.most} visits: the colleague leaves others first.",
                f"每名管理员最多同时监督 {self.most} 场：接班人须先退出其他场次。",
                articles=[self.article],
            )


def offer(
    made: Handover,
    visits: Mapping[SessionId, Visit],
    at_page: Collection[Watcher],
    others: Collection[Handover],
    places: Places,
) -> Handover:
    """Return a handover that may be offered. Raises SamePerson, NotFound, Conflict or PolicyViolation."""
    if made.taker == made.giver:
        raise SamePerson("A handover needs another officer.", "交班须由另一名管理员接班。")
    if made.taker.site != made.giver.site or made.taker not in at_page:
        raise NotFound("No such colleague is at a page now.", "没有该同事，或其未打开监督台。")
    busy = {made.giver, made.taker} & {officer for one in others for officer in (one.giver, one.taker)}
    if busy:
        raise Conflict("A handover with one of you is under way.", "你或该同事已有一项交班正在进行。")
    for session in made.sessions:
        _check_visit(made, visits.get(session))
    places.check(made.taker, made.sessions)
    return made


def _check_visit(made: Handover, visit: Visit | None) -> None:
    if visit is None or not visit.counts(made.giver):
        raise Conflict(
            "You do not count in this visit, so there is nothing to hand over.", "你未计入该场会见，无需交班。"
        )
    if visit.counts(made.taker) and not visit.keeps_quorum(made.giver):
        raise Conflict(
            "The colleague counts there already; without you the side has too few.",
            "该同事已计入该场会见，你离开后本方人数不足，须由其他人接班。",
        )


def accept(handover: Handover, places: Places, now: float) -> Handover:
    """Return a handover that its taker has accepted. Raises Conflict or PolicyViolation."""
    if handover.stage is not HandoverState.OFFERED:
        raise Conflict("This handover is not offered any more.", "该交班已答复或已失效。")
    places.check(handover.taker, handover.sessions)
    return replace(handover, stage=HandoverState.ACCEPTED, until=now + ARRIVE)


def close(handover: Handover, stage: HandoverState) -> Handover:
    """Return a handover that one of the two has given up. Raises Conflict where it is over, or accepted already and now
    declined: then it lapses by itself, or the giver takes it back."""
    if not handover.open:
        raise Conflict("This handover is over.", "该交班已结束。")
    return replace(handover, stage=stage)


def follow(handover: Handover, visits: Mapping[SessionId, Visit], at_page: Collection[Watcher], now: float) -> Handover:
    """Return what has become of an open handover: completed once the taker counts in all of its visits that still go
    on and the giver's leaving takes no quorum; lapsed when its time is over, its visits are, or one of the two has left
    the page."""
    going = [visits[session] for session in handover.sessions if session in visits]
    if not going or now >= handover.until or not {handover.giver, handover.taker} <= set(at_page):
        return replace(handover, stage=HandoverState.LAPSED)
    taken = all(visit.counts(handover.taker) and visit.keeps_quorum(handover.giver) for visit in going)
    if handover.stage is HandoverState.ACCEPTED and taken:
        return replace(handover, stage=HandoverState.COMPLETED)
    return handover

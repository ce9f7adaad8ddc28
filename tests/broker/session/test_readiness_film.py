"""A film that could not be watched is no recording: the gate stays shut, or is shut, until it can be watched again."""

import pytest

from broker.kernel.film_faults import FilmFault
from broker.kernel.ids import Side
from broker.session import events as ev
from broker.session.effects import AlertKind, HoldReason, Reason
from broker.session.readiness import Missing, hold_reasons, missing
from broker.session.state import State
from tests.support.session_story import TESTED, YUNNAN, Visit, live, prepared

BROKEN = ev.FilmUnusable(Side.PRISON, FilmFault.REORDERED)


def begun() -> Visit:
    """Return a visit whose slot has begun and whose recorder has been asked to begin."""
    visit = prepared()
    visit.wait_until(0, 1)
    return visit


class TestBeforeTheVisit:
    @pytest.mark.parametrize("side", list(Side))
    def test_an_unusable_film_is_missing_on_its_side(self, side: Side) -> None:
        visit = begun()
        visit.tell(ev.FilmUnusable(side, FilmFault.NO_KEYFRAME))
        assert visit.state is State.CHECK_IN
        assert missing(visit.session, visit.now, YUNNAN) == (Missing(f"{side}_film"),)

    def test_the_gate_opens_when_it_can_be_watched_and_is_written(self) -> None:
        visit = begun()
        visit.tell(BROKEN, ev.RecorderFlushed())
        assert visit.state is State.CHECK_IN
        visit.tell(ev.FilmUsable(Side.PRISON))
        assert visit.state is State.LIVE

    def test_a_slot_that_ends_so_ends_as_technical_with_its_cause(self) -> None:
        visit = begun()
        visit.tell(BROKEN)
        visit.wait_until(30)
        visit.tell(*TESTED)
        visit.wait_until(41)
        assert visit.session.end is not None
        assert (visit.session.end.reason, visit.session.end.cause) == (Reason.TECHNICAL, "prison_film")


class TestDuringTheVisit:
    def test_an_unusable_film_holds_it_and_calls_the_officers(self) -> None:
        visit = live()
        visit.tell(BROKEN)
        assert visit.state is State.HELD
        assert hold_reasons(visit.session, YUNNAN) == (HoldReason.FILM_UNUSABLE,)
        visit.wait(5)
        assert (AlertKind.RECORDER, "film") in [(alert.kind, alert.detail) for alert in visit.session.alerts.open]

    def test_both_sides_have_to_be_usable_again(self) -> None:
        visit = live()
        visit.tell(BROKEN, ev.FilmUnusable(Side.VISITOR, FilmFault.CORRUPT), ev.FilmUsable(Side.PRISON))
        assert visit.state is State.HELD
        visit.tell(ev.FilmUsable(Side.VISITOR))
        visit.wait(10)
        assert visit.state is State.LIVE

    def test_another_cause_of_the_same_side_is_no_further_hold(self) -> None:
        visit = live()
        visit.tell(BROKEN, ev.FilmUnusable(Side.PRISON, FilmFault.LOSS), ev.FilmUsable(Side.PRISON))
        visit.wait(10)
        assert visit.state is State.LIVE

    def test_a_hold_that_outlasts_the_grace_ends_as_technical(self) -> None:
        visit = live()
        visit.tell(BROKEN)
        visit.wait_until(10)
        assert visit.session.end is not None
        assert (visit.session.end.reason, visit.session.end.cause) == (Reason.TECHNICAL, "film_unusable")

    def test_a_room_that_sends_nothing_is_lost_and_not_blamed_for_its_film(self) -> None:
        visit = live()
        visit.tell(ev.RoomMedia(Side.PRISON, False), ev.FilmUnusable(Side.PRISON, FilmFault.NO_PICTURES))
        assert hold_reasons(visit.session, YUNNAN) == (HoldReason.ROOM_LOST,)
        visit.tell(ev.RoomMedia(Side.PRISON, True))
        assert hold_reasons(visit.session, YUNNAN) == (HoldReason.FILM_UNUSABLE,)

    def test_a_recorder_that_begins_anew_looks_anew(self) -> None:
        visit = live()
        visit.tell(BROKEN, ev.RecorderLost("died"), ev.RecorderReady(), ev.RecorderFlushed())
        visit.wait(10)
        assert visit.state is State.LIVE

"""What is open of the officer's screen, at any time: never more than the volume while people meet."""

from hypothesis import given
from hypothesis import strategies as st

from kiosk_agent.officer.levels import UNUSED, Opened
from kiosk_agent.officer.view import Level


class TestTheScreen:
    def test_asks_for_the_pin_first_and_closes_unused(self) -> None:
        asked = Opened().asked(10.0)
        assert asked.level is Level.PIN
        assert asked.due(False, 10.0 + UNUSED[Level.PIN]).level is Level.CLOSED
        opened = asked.entered(False, 12.0)
        assert opened.due(False, 131.0).level is Level.OPEN
        assert opened.due(False, 132.0).level is Level.CLOSED
        assert opened.used(100.0).due(False, 132.0).level is Level.OPEN

    def test_gives_way_to_a_visit_and_asks_for_the_pin_again_after_it(self) -> None:
        opened = Opened().asked(0.0).entered(False, 0.0)
        live = opened.due(True, 1.0)
        assert live.level is Level.VOLUME
        assert live.due(False, 2.0).level is Level.CLOSED

    def test_says_soon_that_it_closes(self) -> None:
        opened = Opened().asked(0.0).entered(False, 0.0)
        assert [opened.leaves_in(now) for now in (0.0, 104.0, 105.0, 119.0)] == [None, None, 15, 1]

    @given(
        st.lists(
            st.tuples(st.sampled_from(["asked", "used", "entered", "look"]), st.booleans(), st.floats(0, 200)),
            max_size=40,
        )
    )
    def test_is_never_open_while_people_meet_and_never_without_the_pin(
        self, steps: list[tuple[str, bool, float]]
    ) -> None:
        opened, now, entered = Opened(), 0.0, False
        for what, meeting, later in steps:
            now += later
            opened = opened.due(meeting, now)
            entered = entered and opened.level is not Level.CLOSED
            if what == "entered" and opened.level is Level.PIN:
                opened, entered = opened.entered(meeting, now), True
            elif what == "asked":
                opened = opened.asked(now)
            elif what == "used":
                opened = opened.used(now)
            assert not (opened.level is Level.OPEN and meeting)
            assert entered or opened.level in (Level.CLOSED, Level.PIN)

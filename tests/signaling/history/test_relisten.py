"""What is heard again follows from the session's id alone, and stays chosen."""

from datetime import UTC, datetime

from broker.kernel.ids import new_id
from signaling.history.relisten import is_chosen, relisten_due

ENDED = datetime(2026, 3, 2, 2, 30, tzinfo=UTC)


def test_about_the_share_is_chosen():
    sessions = [new_id("ses") for _ in range(4000)]
    chosen = sum(is_chosen(session, 0.25) for session in sessions)
    assert 850 < chosen < 1150
    assert not any(is_chosen(session, 0.0) for session in sessions)
    assert all(is_chosen(session, 1.0) for session in sessions)


def test_what_was_chosen_stays_chosen_when_the_share_grows():
    sessions = [new_id("ses") for _ in range(500)]
    assert {one for one in sessions if is_chosen(one, 0.1)} <= {one for one in sessions if is_chosen(one, 0.3)}


def test_the_duty_lasts_until_the_end_of_its_day_in_shanghai():
    assert relisten_due("ses_a", ENDED, 1.0, 30) == datetime(2026, 4, 1, 16, 0, tzinfo=UTC)
    assert relisten_due("ses_a", ENDED, 0.0, 30) is None

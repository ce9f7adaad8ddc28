"""The list of oracles that judge every story.

To add one: a generator over (plan, story, remains) that yields a Finding for whatever must not be, in the module of its
subject, and its name here. It reads what truly happened and what is truly on disk, and never the product's own logic.
A mutation in `mutations.py` proves that it can fail."""

from collections.abc import Callable, Iterable

from tests.simulation.oracles import crossing, lives, recordings
from tests.simulation.oracles.findings import Finding
from tests.simulation.oracles.remains import Remains
from tests.simulation.plans import Plan
from tests.simulation.story import Story

Oracle = Callable[[Plan, Story, Remains], Iterable[Finding]]

ORACLES: tuple[Oracle, ...] = (
    lives.no_fault,
    lives.every_session_ends,
    lives.an_end_stays,
    lives.the_pack_stays,
    lives.no_unlawful_order,
    lives.the_journal_is_whole,
    lives.states_are_journaled,
    lives.rebooking_is_requested_once,
    lives.ends_by_order_have_their_consequence,
    lives.the_first_cause_decides,
    lives.completed_by_both,
    lives.no_machine_takes_a_month,
    lives.no_clock_takes_a_visit,
    lives.one_alert_a_cause,
    crossing.inside_the_slot,
    crossing.cancelled_row_stays_away,
    crossing.suspended_does_not_begin,
    crossing.not_without_both_approvals,
    crossing.not_before_both_rooms_know_the_rules,
    crossing.within_the_limit,
    crossing.not_before_both_receive,
    crossing.not_open_again_at_once,
    crossing.with_a_quorum,
    crossing.with_a_lease,
    crossing.with_a_recorder,
    crossing.with_a_film_that_can_be_watched,
    recordings.what_crossed_is_on_disk,
    recordings.all_is_archived,
)

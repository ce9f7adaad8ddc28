"""Two persons are two persons: whose word a change of an account needs, how old an account must be for a permit, and
which two accounts count as two people."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.authority.persons import (
    FORCED,
    Change,
    ChangeKind,
    Standing,
    check_force,
    check_pair,
    check_settled,
    check_two,
    check_word,
    forced_vouchers,
    needs_word,
    vouchers_of,
    waits,
)
from broker.kernel.errors import Conflict, CredentialTooNew, Forbidden, NotFound, SamePerson, TooEarly

NOW = datetime(2026, 3, 2, tzinfo=UTC)
AGE = timedelta(hours=72)
OLD = NOW - timedelta(days=90)


def account(user, role="auditor", site=None, since=OLD, vouchers=(), disabled=False):
    return Standing(user, role, site, disabled, since, frozenset(vouchers))


def change(kind=ChangeKind.PASSWORD, user="wang", role="auditor", site=None, proposer=""):
    return Change("chg_1", kind, user, role, site, "command:root", proposer, NOW)


class TestWhatNeedsAWord:
    @pytest.mark.parametrize("role", ["auditor", "admin", "approver"])
    def test_a_new_account_that_gives_permits(self, role):
        assert needs_word(ChangeKind.ADD, role, confirmers=2)

    @pytest.mark.parametrize("role", ["supervisor", "clerk"])
    def test_not_a_new_account_that_gives_none(self, role):
        assert not needs_word(ChangeKind.ADD, role, confirmers=2)

    @pytest.mark.parametrize("kind", [ChangeKind.PASSWORD, ChangeKind.ENABLE])
    @pytest.mark.parametrize("role", ["supervisor", "clerk", "approver", "auditor", "admin"])
    def test_every_account_that_gets_a_new_password_or_is_enabled(self, kind, role):
        assert needs_word(kind, role, confirmers=2)

    @pytest.mark.parametrize("kind", list(ChangeKind))
    def test_nothing_while_there_is_no_second_officer_who_could_give_it(self, kind):
        assert not needs_word(kind, "auditor", confirmers=0)
        assert not needs_word(kind, "auditor", confirmers=1)


class TestWhoseWord:
    @pytest.mark.parametrize("role", ["supervisor", "clerk", "approver"])
    def test_is_that_of_no_other_role(self, role):
        with pytest.raises(Forbidden):
            check_word(change(), account("li", role, "panlong"), True, AGE, NOW)

    def test_is_not_that_of_a_barred_officer(self):
        with pytest.raises(Forbidden):
            check_word(change(), account("shen", disabled=True), True, AGE, NOW)

    def test_is_not_that_of_the_account_itself_nor_of_the_proposer(self):
        for word in ("wang", "adm"):
            with pytest.raises(SamePerson):
                check_word(change(proposer="adm"), account(word), True, AGE, NOW)

    def test_of_one_site_is_not_for_another_and_does_not_learn_of_it(self):
        with pytest.raises(NotFound):
            check_word(change(site="panlong"), account("shen", site="first-prison"), True, AGE, NOW)
        check_word(change(site="panlong"), account("shen", site="panlong"), True, AGE, NOW)
        check_word(change(site="panlong"), account("shen"), True, AGE, NOW)

    def test_of_a_site_is_for_the_province_only_while_the_province_has_no_officers(self):
        there = account("shen", site="first-prison")
        with pytest.raises(NotFound):
            check_word(change(), there, True, AGE, NOW)
        check_word(change(), there, False, AGE, NOW)

    def test_of_the_first_accounts_counts_from_the_start(self):
        check_word(change(), account("shen", since=NOW), True, AGE, NOW)

    def test_of_an_account_that_stands_on_another_counts_once_it_is_old_enough(self):
        late = account("shen", since=NOW - AGE + timedelta(seconds=1), vouchers={"adm"})
        with pytest.raises(CredentialTooNew):
            check_word(change(), late, True, AGE, NOW)
        check_word(change(), replace(late, since=NOW - AGE), True, AGE, NOW)


class TestPermits:
    def test_wait_for_the_whole_time_and_not_a_second_less(self):
        check_settled(account("wang", since=NOW - AGE), AGE, NOW)
        with pytest.raises(CredentialTooNew) as error:
            check_settled(account("wang", since=NOW - AGE + timedelta(seconds=1)), AGE, NOW)
        assert error.value.extra["until"] == (NOW + timedelta(seconds=1)).isoformat()

    def test_do_not_come_sooner_by_a_password_that_was_set_in_the_future(self):
        with pytest.raises(CredentialTooNew):
            check_settled(account("wang", since=NOW + timedelta(days=400)), AGE, NOW)

    def test_of_accounts_of_a_former_version_need_not_wait(self):
        check_settled(account("wang", since=None), AGE, NOW)

    def test_are_not_given_by_a_barred_account(self):
        with pytest.raises(Forbidden):
            check_settled(account("wang", disabled=True), AGE, NOW)

    def test_of_a_pair_need_both_to_be_old_enough(self):
        for young, old in (("wang", "shen"), ("shen", "wang")):
            with pytest.raises(CredentialTooNew):
                check_pair(account(young, since=NOW), account(old), AGE, NOW)


class TestTwoPeople:
    def test_are_not_one_account(self):
        with pytest.raises(SamePerson):
            check_two(account("wang"), account("wang"))

    def test_are_not_an_account_and_the_one_on_whose_word_it_stands(self):
        with pytest.raises(SamePerson):
            check_two(account("wang"), account("shen", vouchers={"wang"}))
        with pytest.raises(SamePerson):
            check_two(account("shen", vouchers={"wang"}), account("wang"))

    def test_are_not_two_accounts_that_stand_on_one_word(self):
        with pytest.raises(SamePerson):
            check_two(account("a", vouchers={"adm"}), account("b", vouchers={"adm"}))

    def test_are_not_two_that_came_in_by_breaking_the_glass(self):
        assert FORCED in forced_vouchers()
        with pytest.raises(SamePerson):
            check_two(account("a", vouchers=forced_vouchers()), account("b", vouchers=forced_vouchers()))

    def test_are_two_that_stand_on_different_words(self):
        check_two(account("a", vouchers={"adm"}), account("b", vouchers={"shen"}))
        check_two(account("shen"), account("wang", vouchers={"adm"}))

    @given(st.lists(st.sampled_from(["root-1", "root-2"]), min_size=1, max_size=6))
    def test_stay_one_person_through_any_chain_of_words(self, chain):
        """The officer who lets an account in, which lets another in, and so on, is one person with all of them."""
        root = account("root-1")
        last = root
        for number, _ in enumerate(chain):
            last = account(f"n-{number}", vouchers=vouchers_of(last, None))
            with pytest.raises(SamePerson):
                check_two(root, last)

    def test_the_proposer_may_know_the_password_as_the_confirmer_may(self):
        made = account("wang", vouchers=vouchers_of(account("shen"), account("adm", vouchers={"old"})))
        assert made.knows == {"wang", "shen", "adm", "old"}


class TestBreakingTheGlass:
    def test_waits_for_its_days_and_has_a_reason(self):
        with pytest.raises(TooEarly) as error:
            check_force(change(), "she has left", timedelta(days=7), NOW + timedelta(days=7) - timedelta(seconds=1))
        assert error.value.extra["opens_at"] == (NOW + timedelta(days=7)).isoformat()
        with pytest.raises(Conflict):
            check_force(change(), "  ", timedelta(days=7), NOW + timedelta(days=7))
        check_force(change(), "she has left", timedelta(days=7), NOW + timedelta(days=7))


class TestWaits:
    def test_are_those_of_the_settings_and_short_in_a_demonstration(self):
        assert waits(72, 7, demo=False).age == timedelta(hours=72)
        assert waits(72, 7, demo=False).force == timedelta(days=7)
        assert waits(72, 7, demo=True).age < timedelta(minutes=1) < waits(72, 7, demo=True).force * 2

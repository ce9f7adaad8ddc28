"""Limits on guesses: who is stopped, who is not, and how many guesses a day an attacker gets."""

import pytest

from broker.kernel.errors import TooMany
from signaling.auth.guesses import DAY, FREE_OF_NETWORK, Guesses, Origin
from signaling.auth.hashing_queue import Lane

HOME = Origin("198.51.100.7")
DEVICE = Origin("203.0.113.200", "device")


def admitted(guesses, user, origin, now=0.0):
    try:
        guesses.admit(user, origin, now)
    except TooMany:
        return False
    return True


def attacked(user="li"):
    """The limits while an account is guessed at from 250 addresses of one network, as much as they let."""
    guesses = Guesses()
    for number in range(1000):
        admitted(guesses, user, Origin(f"203.0.113.{number % 250}"))
    return guesses


class TestWhoIsStopped:
    def test_one_address_at_one_account_gets_five_at_once_and_five_a_minute(self):
        guesses = Guesses()
        assert [admitted(guesses, "li", HOME) for _ in range(7)] == [True] * 5 + [False] * 2
        assert [admitted(guesses, "li", HOME, 12.0) for _ in range(2)] == [True, False]

    def test_one_address_at_many_accounts_gets_thirty(self):
        guesses = Guesses()
        assert sum(admitted(guesses, f"u{number}", HOME) for number in range(99)) == 30

    def test_addresses_of_one_64_are_one_client(self):
        guesses = Guesses()
        assert sum(admitted(guesses, "li", Origin(f"2001:db8::{n:x}")) for n in range(9)) == 5

    @pytest.mark.parametrize("networks", [1, 3, 20])
    def test_an_attacker_with_many_networks_gets_no_more_guesses_a_day_than_is_written(self, networks):
        guesses, got = Guesses(), 0
        for step in range(int(DAY / 10)):
            for number in range(max(networks, 5)):
                origin = Origin(f"10.0.{number % networks}.{step % 256}")
                got += admitted(guesses, "li", origin, step * 10.0)
        assert 10_000 < got <= 30 + 14_400 + 2 * FREE_OF_NETWORK * networks

    def test_a_flood_of_other_names_makes_no_limit_of_the_account_forget(self):
        guesses = attacked()
        for number in range(70_000):
            admitted(guesses, f"name-{number}", Origin(f"10.{number // 65536}.{number // 256 % 256}.{number % 256}"))
        spent = [Origin(f"203.0.113.{number}") for number in range(250)]
        assert sum(admitted(guesses, "li", origin) for origin in spent) <= 1 + FREE_OF_NETWORK


class TestWhoIsNot:
    def test_an_officer_at_the_own_device(self):
        assert attacked().admit("li", DEVICE, 1.0).lane is Lane.DEVICE

    def test_an_officer_at_an_address_of_the_last_weeks(self):
        guesses = Guesses()
        guesses.remember("li", HOME, 0.0)
        for number in range(1000):
            admitted(guesses, "li", Origin(f"203.0.113.{number % 250}"), DAY)
        assert guesses.admit("li", HOME, 20 * DAY).lane is Lane.PLACE
        assert guesses.admit("li", HOME, 40 * DAY).lane is not Lane.PLACE

    def test_an_officer_at_a_place_from_which_nobody_has_guessed_also_after_two_slips(self):
        guesses = attacked()
        lanes = [guesses.admit("li", HOME, 1.0).lane for _ in range(3)]
        assert lanes == [Lane.UNFAILED, Lane.REST, Lane.REST]
        assert not admitted(guesses, "li", HOME, 1.0)

    def test_an_officer_in_a_network_of_the_last_weeks_before_strangers(self):
        guesses = Guesses()
        guesses.remember("li", HOME, 0.0)
        assert guesses.admit("li", Origin("198.51.100.8"), 1.0).lane is Lane.NEAR
        assert guesses.admit("he", Origin("198.51.100.9"), 1.0).lane is Lane.UNFAILED

    def test_the_device_of_one_account_is_none_for_another(self):
        guesses = attacked("he")
        assert not admitted(guesses, "he", Origin("203.0.113.9"), 1.0)

    def test_who_knows_the_password_is_charged_nothing(self):
        guesses = Guesses()
        for origin in (HOME, DEVICE):
            for _ in range(50):
                attempt = guesses.admit("li", origin, 0.0)
                guesses.give_back(attempt, 0.0)
        assert guesses.admit("li", HOME, 0.0).lane is Lane.UNFAILED

    def test_what_was_wrong_yesterday_is_forgotten(self):
        guesses = Guesses()
        guesses.admit("li", HOME, 0.0)
        assert guesses.admit("li", HOME, DAY - 1).lane is Lane.REST
        assert guesses.admit("li", HOME, DAY + 1).lane is Lane.UNFAILED

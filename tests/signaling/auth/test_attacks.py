"""Attacks on accounts: when one is seen, and that it is one entry a minute."""

from signaling.auth.attacks import ATTACK, Attacks


def entries(attacks, now):
    return {account: refused.to_json(account) for account, refused in attacks.due(now).items()}


class TestOneEntryAMinute:
    def test_the_tenth_refusal_is_written_at_once_and_what_follows_once_a_minute(self):
        attacks, written = Attacks(), {}
        for number in range(1200):
            now = number / 10
            attacks.count("li", number < 20, f"192.0.2.{number % 6}", now)
            for entry in entries(attacks, now).values():
                written[now] = entry
        assert written == {
            0.9: {"user": "li", "wrong": 10, "limited": 0, "places": 6},
            60.9: {"user": "li", "wrong": 10, "limited": 590, "places": 6},
        }
        assert (attacks.refused, attacks.seen) == (1200, 2)

    def test_each_account_has_entries_of_its_own(self):
        attacks = Attacks()
        for account in ("li", "he") * ATTACK:
            attacks.count(account, True, "192.0.2.1", 5.0)
        assert entries(attacks, 5.0).keys() == {"li", "he"}

    def test_an_officers_slips_are_no_attack(self):
        attacks = Attacks()
        for number in range(100):
            attacks.count("li", True, "192.0.2.1", number * 8.0)
            assert not attacks.due(number * 8.0)

    def test_names_that_are_no_account_are_counted_and_kept_nowhere(self):
        attacks = Attacks()
        for _ in range(50):
            attacks.count("", True, "192.0.2.1", 5.0)
        assert not attacks.due(5.0) and attacks.refused == 50 and not attacks._counted

    def test_a_hundred_days_of_guessing_leave_nothing_behind(self):
        attacks = Attacks()
        for day in range(100):
            for _ in range(ATTACK + day % 2):
                attacks.count(f"u{day}", True, f"10.0.0.{day}", day * 86400.0)
            attacks.due(day * 86400.0)
        attacks.due(101 * 86400.0)
        assert not attacks._written and not attacks._counted

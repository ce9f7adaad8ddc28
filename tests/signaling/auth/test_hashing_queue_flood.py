"""An officer signs in within three seconds, whatever is guessed beside it: limits and queue on simulated time. One core
hashes, a tenth of a second each, as on the smallest machine."""

import heapq
from itertools import count

import pytest

from broker.kernel.errors import Busy, TooMany
from signaling.auth.guesses import Guesses, Origin
from signaling.auth.hashing_queue import HashingQueue, Ticket

HASH = 0.1
OFFICER = "li"


class Simulated:
    """Sign-ins on simulated time: `ask` at moments that grow; `answers` maps an attempt's number to (when, what)."""

    def __init__(self):
        self.guesses, self.queue = Guesses(), HashingQueue(at_once=1)
        self.answers, self._numbers, self._waiting, self._ends = {}, count(), {}, []

    def ask(self, user, origin, now, right=False):
        self._until(now)
        number = next(self._numbers)
        try:
            attempt = self.guesses.admit(user, origin, now)
            ticket = Ticket(attempt.lane, origin.place, now)
            self._waiting[ticket] = (number, attempt, user, origin, right)
            gone = self.queue.enter(ticket)
        except (TooMany, Busy) as error:
            self._waiting = {t: kept for t, kept in self._waiting.items() if kept[0] != number}
            self.answers[number] = (now, error.code)
            return number
        if gone is not None:
            self._refuse(gone, now)
        self._begin(now)
        return number

    def finish(self):
        self._until(float("inf"))

    def _until(self, now):
        while self._ends and self._ends[0][0] <= now:
            at, _, ticket = heapq.heappop(self._ends)
            number, attempt, user, origin, right = self._waiting.pop(ticket)
            self.queue.done()
            self.answers[number] = (at, "signed in" if right else "wrong")
            if right:
                self.guesses.give_back(attempt, at)
                self.guesses.remember(user, origin, at)
            self._begin(at)

    def _begin(self, now):
        for late in self.queue.expired(now):
            self._refuse(late, now)
        while (ticket := self.queue.begin()) is not None:
            heapq.heappush(self._ends, (now + HASH, id(ticket), ticket))

    def _refuse(self, ticket, now):
        number, attempt, *_ = self._waiting.pop(ticket)
        self.guesses.give_back(attempt, now)
        self.answers[number] = (now, "busy")


def slowest(rate, address_of, name_of, origin, before=True, seconds=35):
    """The officer's longest wait beside `rate` guesses a second; the officer comes every five seconds from the tenth
    on. Every answer must be the right one. `before`: the officer has signed in once on a quieter day."""
    simulated, asked = Simulated(), {}
    if before:
        simulated.ask(OFFICER, origin, -3600.0, right=True)
    for number in range(rate * seconds):
        now = number / rate
        simulated.ask(name_of(number), Origin(address_of(number)), now)
        if number % (5 * rate) == 0 and now >= 10:
            asked[simulated.ask(OFFICER, origin, now, right=True)] = now
    simulated.finish()
    assert len(asked) == 5
    assert {simulated.answers[number][1] for number in asked} == {"signed in"}
    return max(simulated.answers[number][0] - now for number, now in asked.items())


def six(number):
    return f"203.0.113.{number % 6}"


def neighbours(number):
    """All addresses of the officer's own network but the officer's."""
    return f"192.0.2.{2 + number % 250}"


def everywhere(number):
    """Return an address of another network each time."""
    return f"{20 + number // 65536}.{number // 256 % 256}.{number % 256}.9"


def one_name(_number):
    return OFFICER


def names(number):
    return f"name-{number}"


@pytest.mark.parametrize("rate", [1, 11, 50, 500])
@pytest.mark.parametrize("name_of", [one_name, names])
@pytest.mark.parametrize("address_of", [six, neighbours, everywhere])
class TestWithinThreeSeconds:
    def test_at_the_officers_own_device_wherever_it_is(self, rate, name_of, address_of):
        assert slowest(rate, address_of, name_of, Origin("192.0.2.1", "device")) < 3

    def test_at_the_officers_usual_address_without_a_cookie(self, rate, name_of, address_of):
        assert slowest(rate, address_of, name_of, Origin("192.0.2.1")) < 3


@pytest.mark.parametrize("rate", [1, 11, 50, 500])
@pytest.mark.parametrize("name_of", [one_name, names])
@pytest.mark.parametrize("address_of", [six, neighbours])
class TestTheFirstTime:
    def test_from_an_address_that_nobody_has_guessed_from(self, rate, name_of, address_of):
        assert slowest(rate, address_of, name_of, Origin("198.51.100.7"), before=False) < 3


class TestTheOfficersOwnDevice:
    def test_not_even_guesses_from_its_own_address_keep_the_officer_out(self):
        assert slowest(50, lambda _: "192.0.2.1", one_name, Origin("192.0.2.1", "device")) < 3

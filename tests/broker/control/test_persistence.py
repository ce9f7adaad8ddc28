"""What a step of a session leaves in the journal, and in which of its two queues."""

from dataclasses import replace

import pytest

from broker.control.persistence import SessionPersistence
from broker.kernel.ids import Side
from broker.session import events as ev
from broker.session.effects import ShutGate
from config.pack_loader import load_pack
from tests.support.session_story import live


class Noting:
    """A journal that remembers in which queue it was asked to put an entry."""

    def __init__(self):
        self.own, self.requests = [], []

    def note(self, kind, session, author, data):
        self.own.append(kind)

    def note_request(self, kind, session, author, data):
        self.requests.append(kind)
        return True


@pytest.fixture
def journal():
    return Noting()


@pytest.fixture
def persistence(journal, clock):
    return SessionPersistence(None, journal, clock, lambda works: None, lambda *follows: None)


SESSION = live().session
TOUCHED = ev.WarningAcknowledged(Side.PRISON, "w1", "trm_1")
LOST = ev.RelayLost("gone")


class TestTheTwoQueues:
    def step(self, persistence, fact, after=SESSION, effects=()):
        persistence.record_step(SESSION, after, fact, effects, load_pack("yunnan"))

    def test_what_a_person_says_without_effect_is_a_request(self, persistence, journal):
        self.step(persistence, TOUCHED)
        assert (journal.own, journal.requests) == ([], ["WarningAcknowledged"])

    def test_what_a_person_says_with_effect_is_the_systems_own(self, persistence, journal):
        self.step(persistence, TOUCHED, effects=(ShutGate("asked"),))
        assert (journal.own, journal.requests) == (["WarningAcknowledged", "ShutGate"], [])
        journal.own.clear()
        self.step(persistence, TOUCHED, after=replace(SESSION, pack="another"))
        assert journal.own[0] == "WarningAcknowledged" and journal.requests == []

    def test_a_fact_of_the_system_is_its_own_also_where_it_changes_nothing(self, persistence, journal):
        self.step(persistence, LOST)
        assert (journal.own, journal.requests) == (["RelayLost"], [])

"""Counts of the relays turned into rates, and who receives what into numbers without names."""

from types import SimpleNamespace
from typing import Any

import pytest
from pyee.asyncio import AsyncIOEventEmitter

from broker.control.rates import Rates
from broker.control.relay_facts import Hearing
from broker.control.viewers import of_room, of_supervisors, viewer_of
from broker.kernel.clock import SystemClock
from broker.kernel.ids import ResourceId, SessionId, Side
from broker.session.parts.processes import Processes

NONE = {"packets": 0, "octets": 0, "frames": 0, "jitter": 0.0, "lost": 0, "crossed": 0}
SECOND = {"packets": 90, "octets": 100_000, "frames": 25, "jitter": 0.004, "lost": 10, "crossed": 0}
TOLD = {"who": "li@first-prison", "side": "prison", "gated": False, "on": True, "consent": True, "reports": True}


def both(one):
    return {side: {"video": one, "audio": one} for side in Side}


class TestRates:
    def test_are_those_of_the_last_second(self):
        rates = Rates()
        rates.of("s", both(NONE), 10.0)
        told = rates.of("s", both(SECOND), 12.0)["prison"]
        assert told["video"] == {"bitrate": 400_000, "loss": 0.1, "jitter_ms": 4.0, "fps": 12.5}
        assert "fps" not in told["audio"]

    def test_never_go_below_nothing_when_a_room_comes_back(self):
        rates = Rates()
        rates.of("s", both(SECOND), 10.0)
        assert rates.of("s", both(NONE), 11.0)["visitor"]["video"]["loss"] == 0


class TestViewers:
    def test_are_summed_up_by_side_and_kind(self):
        viewers = {
            ResourceId("a"): viewer_of(TOLD | {"loss": 0.1, "round_trip": 0.2}),
            ResourceId("b"): viewer_of(TOLD | {"on": False, "reports": False, "jitter": 0.01, "round_trip": None}),
            ResourceId("c"): viewer_of(TOLD | {"who": "trm_1", "gated": True}),
            ResourceId("d"): viewer_of(TOLD | {"side": "visitor"}),
        }
        told = of_supervisors(viewers, Side.PRISON)
        assert (told.connected, told.receiving, told.loss, told.jitter, told.round_trip) == (2, 1, 0.1, 0.01, 0.2)
        assert of_room(viewers, Side.PRISON).connected == 1
        assert of_room(viewers, Side.VISITOR) == of_supervisors({}, Side.PRISON)

    def test_know_whose_they_are(self):
        assert viewer_of(TOLD).watcher.site == "first-prison"
        assert viewer_of(TOLD | {"who": "trm_1", "gated": True}).watcher is None

    @pytest.mark.parametrize("side", ["", "middle"])
    def test_of_no_side_are_refused(self, side):
        with pytest.raises(ValueError, match="Side"):
            viewer_of(TOLD | {"side": side})


class TestWhatARelayTells:
    """Presence facts: at once on change, the rest once a second, gone with the connection or the relay."""

    @pytest.fixture
    def heard(self):
        live: Any = SimpleNamespace(
            quality={}, viewers={}, counts={}, policy=SimpleNamespace(sessions_per_supervisor=2)
        )
        live.session, live.take = SimpleNamespace(processes=Processes()), lambda fact: live.facts.append(fact)
        live.facts = []
        journal: Any = SimpleNamespace(note=lambda *_: None)
        unasked: Any = SimpleNamespace(relay_says=lambda _: None, sends=lambda *_: None, forget=lambda _: None)
        bus, nothing = AsyncIOEventEmitter(), SimpleNamespace()
        hearing = Hearing({SessionId("s"): live}, {}, journal, SystemClock(), bus, nothing, unasked)  # type: ignore
        return hearing, live

    def test_of_a_viewer_is_known_at_once(self, heard):
        hearing, live = heard
        hearing.from_relay("watching", TOLD | {"session": "s", "resource": "r", "reports": False, "on": False})
        assert (live.viewers["r"].consent, live.viewers["r"].receiving) == (True, False)

    def test_once_a_second_is_all_there_is(self, heard):
        hearing, live = heard
        live.viewers["gone"] = viewer_of(TOLD)
        watchers = [TOLD | {"resource": "r", "round_trip": 0.02}]
        hearing.from_relay("quality", {"session": "s", "sides": both(SECOND), "watchers": watchers})
        assert {name: one.round_trip for name, one in live.viewers.items()} == {"r": 0.02}

    def test_is_forgotten_with_the_connection_and_with_the_relay(self, heard):
        hearing, live = heard
        for resource in ("r", "q"):
            hearing.from_relay("watching", TOLD | {"session": "s", "resource": resource})
        hearing.from_relay("gone", {"session": "s", "resource": "r", "why": "closed"})
        assert set(live.viewers) == {"q"}
        hearing.from_relay("down", {"sessions": ["s"]})
        assert live.viewers == {}

    def test_of_a_room_with_sound_alone_is_no_room(self, heard):
        hearing, live = heard
        told = {"session": "s", "side": "prison", "on": False, "picture": False, "sound": True}
        hearing.from_relay("media", told)
        assert live.facts == []
        hearing.from_relay("media", told | {"on": True, "picture": True})
        assert len(live.facts) == 1

"""Facts and effects: each can be written to the journal, under the name of its class."""

import json
from dataclasses import fields, is_dataclass
from datetime import timedelta
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.kernel.ids import Side, SiteId, UserId
from broker.presence.quorum import Watcher
from broker.presence.reasons import Left, Why
from broker.session import events as ev
from broker.session.effects import Effect, FinishRecording, LeaseGate, Reason
from broker.session.state import State
from broker.session.transitions import TRANSITIONS
from tests.support.session_story import OFFICER, SITES, officers

FACTS, EFFECTS = get_args(ev.Fact), get_args(Effect)
KINDS = FACTS + EFFECTS


@pytest.mark.parametrize("kind", KINDS)
class TestEveryEvent:
    """Journal, pages, logs and tests use the same words."""

    @given(st.data())
    def test_it_turns_into_json_with_all_its_members(self, kind: Any, data: st.DataObject) -> None:
        made = {name: data.draw(st.from_type(hint)) for name, hint in get_type_hints(kind).items()}
        written = ev.data(kind(**made))
        assert repr(json.loads(json.dumps(written))) == repr(written)
        assert list(written) == [member.name for member in fields(kind)]

    def test_it_is_frozen_and_has_a_docstring(self, kind: Any) -> None:
        assert is_dataclass(kind) and kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
        assert kind.__doc__ and not kind.__doc__.startswith(f"{kind.__name__}(")


class TestVocabulary:
    """Each fact has a change in the table of transitions."""

    def test_no_fact_is_also_an_effect_and_no_name_is_used_twice(self) -> None:
        assert len({kind.__name__ for kind in KINDS}) == len(KINDS)

    def test_every_fact_is_taken_in_some_state(self) -> None:
        assert {fact for row in TRANSITIONS.values() for fact in row} == set(FACTS)

    def test_every_state_has_a_row_and_the_last_one_is_empty(self) -> None:
        assert set(TRANSITIONS) == set(State) and TRANSITIONS[State.ENDED] == {}

    def test_kind_is_the_name_of_the_class(self) -> None:
        assert ev.kind(ev.TimePassed()) == "TimePassed"


class TestJson:
    """The JSON in the journal does not depend on the order of sets."""

    def test_watchers_are_listed_in_order(self) -> None:
        users = [watcher["user"] for watcher in ev.data(ev.WatchersChanged(officers()))["watchers"]]
        assert users == sorted(users) and len(users) == 4

    def test_a_watcher_has_a_user_and_a_site(self) -> None:
        fact = ev.WatchersChanged(frozenset({Watcher(UserId("u"), SiteId("s"))}))
        assert ev.data(fact) == {"watchers": [{"user": "u", "site": "s"}], "left": []}

    def test_who_left_has_the_reasons_beside(self) -> None:
        fact = ev.WatchersChanged(frozenset(), frozenset({Left(UserId("u"), SiteId("s"), (Why.COVERED,))}))
        assert ev.data(fact)["left"] == [{"user": "u", "site": "s", "why": ["covered"]}]

    def test_durations_are_seconds_and_enums_their_words(self) -> None:
        lease = ev.data(LeaseGate(1.5, 2.5, timedelta(minutes=30), frozenset({Side.VISITOR})))
        assert lease == {"until": 1.5, "deadline": 2.5, "limit": 1800, "muted": ["visitor"], "crossed": None}
        assert ev.data(ev.RoomMedia(Side.PRISON, True)) == {"side": "prison", "flowing": True}
        assert ev.data(FinishRecording(Reason.NO_SHOW)) == {"reason": "no_show"}

    def test_an_order_names_its_author_and_article(self) -> None:
        written = ev.data(ev.HoldOrdered(OFFICER, SITES[Side.PRISON], "YN-16-2", "signs"))
        assert written == {"by": "p-1", "site": "prison-1", "article": "YN-16-2", "note": "signs", "shown": None}

"""What the room's screen shows, by sentences: one screen for each state, in plain words, without names of persons."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from broker.kernel.ids import Side
from kiosk_agent.room import words
from kiosk_agent.room.screens import COUNTDOWN, OFFLINE_SHOWN, Known, Name, Screen, screen, slot_number
from kiosk_agent.room.words import Words
from kiosk_agent.state.events import Phase, Visit
from kiosk_agent.state.state import Terminal
from signaling.api.messages.session_view import SessionView
from tests.support.kiosk.control import ROOM, view
from tests.support.kiosk.room_page import rules

RULES = rules(("zh",))
IDLE = Terminal(Phase.WAITING, room=ROOM, tested_at=0.0, passed=True)
NAME = "王小明"


def seen(state: str, **changes: Any) -> SessionView:
    """Return the server's view of the visit in this state, as the prison's room gets it."""
    document = view(state, tested=True)
    document["sides"]["prison"]["people"] = [
        {"id": "", "name": NAME, "relation": "", "checked": True},
    ]
    document["sides"]["prison"] |= changes.pop("mine", {})
    return SessionView.model_validate_json(json.dumps(document | changes))


def shown(state: str, more: dict[str, Any] | None = None, now: float = 0.0, **changes: Any) -> Screen:
    """Return the screen of a visit in this state."""
    found = seen(state, **changes)
    phase = {"live": Phase.LIVE, "held": Phase.HELD}.get(state, Phase.PUBLISHING)
    visit = Visit("s_1", Side.PRISON, ROOM, state, warnings=tuple(warning.id for warning in found.warnings))
    terminal = replace(IDLE, phase=phase, visits=(visit,))
    return screen(terminal, Known(view=found, was_online=True, **(more or {})), now)


class TestWithoutAVisit:
    def test_it_says_so_and_when_the_next_one_begins_by_the_number_of_its_slot(self) -> None:
        later = seen("scheduled", slot="slt_abcdefgh23", id="s_2")
        found = screen(IDLE, Known(later=(later,), was_online=True), 0.0)
        assert (found.name, found.title, found.place) == (Name.IDLE, words.IDLE, "甲监狱 · 一号")
        assert found.next is not None and found.next.slot == "EFGH23"
        beijing = later.starts_at + timedelta(hours=8)
        assert found.next.time == f"{beijing:%H:%M}"
        assert not found.camera

    def test_the_earliest_of_several_is_the_next(self) -> None:
        late = seen("scheduled", id="s_3", slot="slt_later1")
        early = late.model_copy(update={"starts_at": late.starts_at - timedelta(hours=1), "slot": "slt_early1"})
        found = screen(IDLE, Known(later=(late, early)), 0.0)
        assert found.next is not None and found.next.slot == "EARLY1"

    def test_a_slot_of_the_booking_systems_own_keeps_its_end(self) -> None:
        assert slot_number("slt_" + "a" * 26) == "AAAAAA"
        assert slot_number("42") == "42"

    @pytest.mark.parametrize("was_online", [False, True])
    def test_a_terminal_that_connects_gets_ready(self, was_online: bool) -> None:
        found = screen(Terminal(), Known(was_online=was_online), OFFLINE_SHOWN - 0.1)
        assert (found.name, found.title) == (Name.OUT_OF_SERVICE, words.PREPARING)

    def test_a_terminal_without_a_server_is_out_of_service_after_a_while(self) -> None:
        found = screen(Terminal(offline_at=0.0), Known(was_online=True), OFFLINE_SHOWN)
        assert (found.title, found.lines[0]) == (words.OUT_OF_SERVICE, words.NO_SERVER)

    def test_an_equipment_test_needs_the_camera(self) -> None:
        found = screen(replace(IDLE, phase=Phase.SELF_TEST), Known(was_online=True), 0.0)
        assert found.lines == (words.TESTING,) and found.camera

    @pytest.mark.parametrize("passed", [True, False])
    def test_a_spare_says_that_it_acts_for_no_room(self, passed: bool) -> None:
        found = screen(replace(IDLE, room="", passed=passed), Known(was_online=True), 0.0)
        assert (found.name, found.title, found.lines) == (Name.OUT_OF_SERVICE, words.SPARE, (words.SPARE_WAITS,))

    def test_a_failed_test_says_what_to_look_at(self) -> None:
        found = screen(replace(IDLE, passed=False), Known(failed=(words.FAILED["camera"],), was_online=True), 0.0)
        assert (found.name, found.title) == (Name.OUT_OF_SERVICE, words.OUT_OF_SERVICE)
        assert words.FAILED["camera"] in found.lines and words.ASK_STAFF in found.lines


class TestBeforeTheVisit:
    """Yunnan 12; Guangdong 24: the people in each room are told the rules and acknowledge them."""

    def test_the_rules_come_first_word_for_word(self) -> None:
        found = shown("check_in", {"rules": RULES})
        assert found.name is Name.CHECK_IN and found.rules is not None
        assert (found.rules, found.title, found.session) == (RULES, RULES.title, "s_1")

    def test_what_the_room_has_acknowledged_is_not_shown_again(self) -> None:
        assert shown("check_in").name is Name.SEAT

    def test_rules_that_have_not_come_yet_hold_up_nothing_else(self) -> None:
        found = screen(
            replace(IDLE, phase=Phase.PUBLISHING, visits=(Visit("s_1", Side.PRISON, ROOM, "check_in"),)),
            Known(view=seen("check_in")),
            0.0,
        )
        assert found.name is Name.SEAT

    def test_the_seat_is_shown_until_staff_find_it_ready(self) -> None:
        assert shown("check_in").camera
        assert shown("check_in", mine={"seat": True}).name is Name.WAITING

    def test_what_is_waited_for_is_said_in_words(self) -> None:
        lacking = {"code": "visitor_quorum", "zh": "会见人一方管理员不足", "en": "Too few supervisors watch"}
        found = shown("check_in", mine={"seat": True}, missing=[lacking])
        assert found.lines == (Words(lacking["zh"], lacking["en"]),)
        assert shown("ready", mine={"seat": True}).lines == (words.WAITING_NOTHING,)


class TestTheVisit:
    def test_the_time_that_is_left_is_shown_from_five_minutes_on(self) -> None:
        left = COUNTDOWN * 1000
        assert shown("live", remaining_ms=int(left + 1000)).until is None
        assert shown("live", remaining_ms=int(left + 1000), now=1.0).until == COUNTDOWN + 1
        assert shown("live", remaining_ms=None).until is None

    def test_a_warning_stands_until_the_room_has_confirmed_it(self) -> None:
        common = {"at": "2026-03-02T01:00:00Z", "sides": ["prison"], "article": "YN-16-2", "acknowledged": []}
        warnings = [{**common, "id": f"w_{n}", "zh": f"第{n}条", "en": f"No {n}"} for n in (1, 2)]
        found = shown("live", warnings=warnings).warning
        assert found is not None and (found.id, found.zh, found.more) == ("w_2", "第2条", 1)
        confirmed = [{**warning, "acknowledged": ["prison"]} for warning in warnings]
        assert shown("live", warnings=confirmed).warning is None

    def test_an_officers_voice_is_marked(self) -> None:
        found = shown("live", speech={"sides": ["prison"]})
        assert found.talkback and found.banners == (words.TALKBACK,)

    @pytest.mark.parametrize(
        ("muted", "text"),
        [
            (["prison"], "对方暂时听不到您的声音"),
            (["visitor"], "对方的声音已被关闭"),
            (["prison", "visitor"], "双方声音已被关闭"),
        ],
    )
    def test_a_mute_is_said(self, muted: list[str], text: str) -> None:
        mutes = [{"side": side, "article": "YN-16-2"} for side in muted]
        assert shown("live", muted=mutes).banners[0].zh == text

    def test_a_line_that_is_down_is_said_over_the_picture(self) -> None:
        visit = Visit("s_1", Side.PRISON, ROOM, "live")
        terminal = replace(IDLE, phase=Phase.OFFLINE, visits=(visit,))
        found = screen(terminal, Known(view=seen("live"), was_online=True), 0.0)
        assert (found.name, found.banners) == (Name.LIVE, (words.RECONNECTING,))

    def test_a_hold_says_why_and_what_to_do(self) -> None:
        found = shown("held", remaining_ms=1000)
        assert found.name is Name.HELD and found.reason == Words("管理员不足", "A supervisor left")
        assert found.lines == (words.HELD_WAIT,) and found.until is None

    @pytest.mark.parametrize(
        ("farewells", "on", "text"),
        [
            ([], True, None),
            ([("visitor", True)], True, words.FAREWELL_FAR),
            ([("prison", True)], False, words.FAREWELL_WAITS),
            ([("prison", False)], None, words.FAREWELL_STAFF),
        ],
    )
    @pytest.mark.parametrize("state", ["live", "held"])
    def test_the_farewell_button_says_what_each_side_has_said(
        self, state: str, farewells: list[tuple[str, bool]], on: bool | None, text: Words | None
    ) -> None:
        moments = {"at": "2026-03-02T01:00:00Z", "until": "2026-03-02T01:03:00Z"}
        words_of = [{"side": side, "room": room, **moments} for side, room in farewells]
        found = shown(state, farewell=words_of).farewell
        assert found is not None and (found.on, found.text) == (on, text)


class TestTheEnd:
    @pytest.mark.parametrize(("side", "then"), [("prison", words.NEXT_PRISON), ("visitor", words.NEXT_VISITOR)])
    def test_it_says_why_thanks_and_what_comes_next(self, side: str, then: Words) -> None:
        reason = {"code": "time_limit", "zh": "会见时间已到", "en": "The visit reached its time limit"}
        over = seen("ended", reason=reason, my_side=side)
        found = screen(replace(IDLE, phase=Phase.ENDED, ended_at=0.0, ended="s_1"), Known(view=over), 0.0)
        assert (found.name, found.reason) == (Name.ENDED, Words(reason["zh"], reason["en"]))
        assert found.lines == (words.THANKS, then) and not found.camera and found.session is None


@pytest.mark.parametrize("state", ["check_in", "ready", "live", "held", "ended"])
def test_no_screen_has_the_name_of_a_person(state: str) -> None:
    assert NAME not in repr(shown(state)) + repr(shown(state, {"rules": RULES}))
    ended = screen(replace(IDLE, phase=Phase.ENDED, ended="s_1"), Known(view=seen("ended")), 0.0)
    assert NAME not in repr(ended)


class TestDrill:
    """Yunnan 12: a drill shows that it is one in the place of faces, and asks no person to sit down."""

    @pytest.mark.parametrize("state", ["check_in", "ready", "live", "held"])
    def test_is_named_as_such_and_leaves_camera_and_microphone_closed(self, state: str) -> None:
        found = shown(state, drill=True)
        assert (found.name, found.title, found.lines) == (Name.DRILL, words.DRILL, words.DRILL_LINES)
        assert not found.camera and found.farewell is None and found.rules is None

    def test_is_over_without_words_for_a_family(self) -> None:
        found = seen("ended", drill=True)
        terminal = replace(IDLE, phase=Phase.ENDED, ended="s_1")
        over = screen(terminal, Known(view=found, was_online=True), 0.0)
        assert (over.name, over.lines, over.camera) == (Name.DRILL, words.DRILL_OVER, False)

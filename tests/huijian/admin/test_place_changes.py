"""`huijian admin sites` and `rooms`: rename, close and reopen on the server's own machine; all of it is journaled."""

import pytest


def noted(huijian, kind):
    """Return the data of the journal's entries of a kind, as the command lists them."""
    return [entry["data"] for entry in huijian("admin", "journal", "list", "--json").json if entry["kind"] == kind]


class TestARoom:
    def test_gets_another_name_and_keeps_its_id(self, huijian, sites):
        answer = huijian("admin", "rooms", "rename", "panlong-1", "--name", "一号室", "--json")
        assert (answer.json["id"], answer.json["name"]) == ("panlong-1", "一号室"), answer.err
        assert noted(huijian, "RoomRenamed") == [{"room": "panlong-1", "name": "一号室"}]

    def test_is_closed_and_opened_again_with_a_reason(self, huijian, sites):
        assert huijian("admin", "rooms", "close", "panlong-1").code == 2
        closed = huijian("admin", "rooms", "close", "panlong-1", "--reason", "装修", "--json")
        assert closed.code == 0 and closed.json["closed_at"], closed.err
        assert huijian("admin", "terminals", "enrol", "panlong-1").code == 1, "nothing is enrolled in a closed room"
        opened = huijian("admin", "rooms", "reopen", "panlong-1", "--reason", "完工", "--json")
        assert opened.code == 0 and opened.json["closed_at"] is None, opened.err
        assert noted(huijian, "RoomClosed") == [{"room": "panlong-1", "reason": "装修"}]
        assert noted(huijian, "RoomReopened") == [{"room": "panlong-1", "reason": "完工"}]


class TestASite:
    def test_gets_another_name(self, huijian, sites):
        answer = huijian("admin", "sites", "rename", "panlong", "--name", "盘龙区司法局", "--json")
        assert answer.json["name"] == "盘龙区司法局", answer.err

    def test_is_closed_after_its_rooms(self, huijian, sites):
        refused = huijian("admin", "sites", "close", "panlong", "--reason", "撤并")
        assert refused.code == 1 and refused.err.count("\n") == 1
        assert huijian("admin", "rooms", "close", "panlong-1", "--reason", "撤并").code == 0
        closed = huijian("admin", "sites", "close", "panlong", "--reason", "撤并", "--json")
        assert closed.code == 0 and closed.json["closed_at"], closed.err
        more = ("admin", "rooms", "add", "panlong-2", "--site", "panlong", "--name", "二室")
        assert huijian(*more).code == 1
        assert huijian("admin", "sites", "reopen", "panlong", "--reason", "恢复").code == 0
        assert huijian(*more).code == 0


@pytest.mark.parametrize("verb", ["rename", "close", "reopen"])
@pytest.mark.parametrize("kind", ["sites", "rooms"])
def test_a_place_that_is_not_there_is_one_line(huijian, sites, kind, verb):
    option = ("--name", "x") if verb == "rename" else ("--reason", "x")
    answer = huijian("admin", kind, verb, "nowhere", *option)
    assert answer.code == 1 and answer.err.count("\n") == 1

"""Places and people of the demonstration wall: nothing reads alike, and no program watches more than it may."""

from collections import Counter

from broker.authority.passwords import check
from broker.kernel.ids import Side
from config.pack_loader import load_pack
from huijian.demo.wall.places import MOST, easy_password, officers_of, party, places, write_pack


class TestPlaces:
    def test_no_two_visits_share_a_room(self):
        rooms = [place.room for number in range(MOST) for place in places(number).values()]
        assert len(set(rooms)) == 2 * MOST

    def test_no_two_visits_read_alike(self):
        names = [(party(number).prisoner, places(number)[Side.VISITOR].site_name) for number in range(MOST)]
        assert len(set(names)) == MOST
        assert len({prisoner for prisoner, _ in names}) == MOST

    def test_visitors_are_as_many_as_the_rules_allow(self, tmp_path):
        rules = load_pack(write_pack(tmp_path))
        assert all(1 <= len(party(number).kin) <= rules.max_visitors for number in range(MOST))


class TestPrograms:
    def test_each_visit_has_two_of_each_side_and_none_watches_more_than_the_rules_allow(self, tmp_path):
        """Yunnan 25: two officers of each side, who watch two visits at most."""
        rules = load_pack(write_pack(tmp_path))
        watched = Counter(id for number in range(MOST) for side in Side for id in officers_of(number, side))
        pairs = [set(officers_of(number, side)) for number in range(MOST) for side in Side]
        assert {len(pair) for pair in pairs} == {rules.min_supervisors}
        assert max(watched.values()) == rules.sessions_per_supervisor


class TestItsPack:
    def test_is_yunnans_with_real_times_and_marked_as_a_demonstration(self, tmp_path):
        rules, yunnan = load_pack(write_pack(tmp_path)), load_pack("yunnan")
        assert rules.demo and rules.law == "yunnan"
        assert rules.hard_limit == yunnan.hard_limit and rules.attention_max == yunnan.attention_max
        assert rules.title_zh.startswith("演示")


class TestThePassword:
    def test_is_easy_to_type_and_good_enough_for_the_rules(self):
        for _ in range(50):
            password = easy_password()
            check(password, "supervisor", "值班警官")
            assert password == password.lower() and password.isascii() and len(password) <= 20

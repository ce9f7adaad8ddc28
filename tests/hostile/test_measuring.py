"""The measurements of the floods find what they are there to find, and rows are what the table needs."""

from collections import deque

from tests.hostile.attackers.sockets import frame
from tests.hostile.attackers.target import Target
from tests.hostile.flood import Result, Stretch, broken, pause_of_others
from tests.hostile.rows.row import Limits, Row
from tests.hostile.rows.table import ROWS, chosen
from tests.hostile.run import gaps
from tests.hostile.service import Costs
from tests.hostile.visit.stamps import pauses

MIB = 1 << 20
ROW = Row("x", "x", "http.requests")


def stretch(**changes):
    """Return a stretch in which all went well, but for the `changes`."""
    own = {"SignedIn": 3, "NoteMade": 1}
    return Stretch(**{"states": ["live"], "own": own, "kinds": dict(own), "sign_in": 0.2, "join": 1.0} | changes)


class TestPauses:
    def test_a_pause_reaches_from_one_packet_to_the_next_or_to_the_edge(self):
        assert pauses(deque([1.0, 1.02, 1.5, 1.52]), 1.0, 2.0) == [(1.02, 0.48), (1.52, 0.48)]

    def test_a_stretch_without_packets_is_one_pause(self):
        assert pauses(deque(), 1.0, 3.0) == [(1.0, 2.0)]

    def test_what_the_sender_was_late_is_no_pause_of_the_service(self):
        assert pause_of_others(10.0, 0.5, [(10.1, 0.4)]) == 0.1
        assert pause_of_others(10.0, 0.5, [(11.0, 0.4)]) == 0.5


class TestPromises:
    def test_a_stretch_in_which_all_went_well_breaks_none(self):
        assert broken(stretch(), Limits()) == []

    def test_each_harm_is_found(self):
        harms = [
            {"gap": 0.31},
            {"states": ["live", "held", "live"]},
            {"states": []},
            {"sign_in": 3.1},
            {"new_device": 3.1},
            {"join": 3.1},
            {"tcp": 3.1},
            {"costs": Costs(log_bytes=MIB)},
            {"costs": Costs(died=["control"])},
            {"kinds": {"SignedIn": 2, "NoteMade": 1}},
            {"kinds": {"SignedIn": 3, "NoteMade": 1, "journal_lost": 1}},
            {"kinds": {"SignedIn": 3, "NoteMade": 1, "GateShut": 1}},
        ]
        assert [len(broken(stretch(**harm), Limits())) for harm in harms] == [1] * len(harms)

    def test_memory_counts_beyond_what_a_quiet_stretch_needed(self):
        quiet = stretch(costs=Costs(before={"control": 50 * MIB}, most={"control": 114 * MIB}))
        attacked = stretch(costs=Costs(before={"control": 50 * MIB}, most={"control": 120 * MIB}))
        assert Result(ROW, quiet, attacked, {"200": 1}, 1.0, 0.0, 0.1).growth == (6 * MIB, "control")

    def test_a_service_that_got_no_core_was_not_late_by_itself(self):
        for waited, disturbed in (({"ingress": 1.0, "relay-0": 0.1}, False), ({"relay-0": 0.4}, True)):
            result = Result(ROW, stretch(), stretch(costs=Costs(waited=waited)), {"200": 1}, 1.0, 0.0, 0.1)
            assert result.disturbed is disturbed

    def test_a_gap_of_a_recording_is_laid_to_the_row_during_which_it_began(self):
        zero = 1_772_416_800.0
        results = [
            Result(Row(name, "", ""), stretch(), stretch(), {}, 1.0, zero + at, 0.1)
            for name, at in (("a", 5), ("b", 20))
        ]
        manifest = {
            "started_at": "2026-03-02T02:00:00+00:00",
            "gaps": [{"start": 7.0, "seconds": 1.0}, {"start": 8.0, "seconds": 0.2}],
        }
        assert [text.rpartition(" ")[2] for text in gaps(manifest, results)] == ["a"]


class TestRows:
    def test_names_are_unique_and_found_by_a_part(self):
        assert len({row.name for row in ROWS}) == len(ROWS)
        assert {row.name for row in chosen("udp-tiny, tcp-")} >= {"udp-tiny", "tcp-idle"}

    def test_places_in_texts_are_filled_and_braces_of_json_stay(self):
        config = {
            "http": ("h", 1),
            "relay": ("h", 2),
            "tls": ("h", 3),
            "sessions": {"visit": "ses_1"},
            "people": {},
            "tokens": {},
        }
        target = Target(config)
        assert target.filled('{"a": "{session visit}"}') == '{"a": "ses_1"}'
        assert target.filled("{r}") != target.filled("{r}")

    def test_frames_are_masked_and_as_long_as_they_say(self):
        assert frame(b"hi") == b"\x81\x82\0\0\0\0hi"
        assert frame(bytes(300))[:4] == b"\x81\xfe\x01\x2c"

"""How often a keyframe is requested from the publisher."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from broker.relay.rtp.keyframe_requests import KeyframeRequests


class TestHowOftenOneIsRequested:
    def test_none_is_sent_without_a_request(self) -> None:
        assert not KeyframeRequests().due(10.0)

    def test_many_requests_become_one(self) -> None:
        requests = KeyframeRequests()
        for _ in range(20):
            requests.request()
        assert requests.due(10.0)
        requests.request()
        assert not requests.due(10.1)

    def test_a_request_is_repeated_until_the_keyframe_comes(self) -> None:
        requests = KeyframeRequests()
        requests.request()
        asked = [now for now in (step / 100 for step in range(1000, 1100)) if requests.due(now)]
        assert len(asked) == 4
        requests.arrived()
        assert not requests.due(12.0)

    def test_a_request_right_after_a_keyframe_waits_for_the_interval(self) -> None:
        requests = KeyframeRequests()
        requests.request()
        assert requests.due(10.0)
        requests.arrived()
        requests.request()
        assert not requests.due(10.0 + KeyframeRequests.INTERVAL - 0.01)
        assert requests.due(10.0 + KeyframeRequests.INTERVAL + 0.01)

    def test_a_newcomer_right_after_a_keyframe_waits_only_shortly(self) -> None:
        requests = KeyframeRequests()
        requests.request()
        assert requests.due(10.0)
        requests.arrived()
        requests.request(newcomer=True)
        assert not requests.due(10.0 + KeyframeRequests.REST - 0.01)
        assert requests.due(10.0 + KeyframeRequests.REST + 0.01)
        assert not requests.due(10.0 + KeyframeRequests.REST + KeyframeRequests.INTERVAL)

    @given(st.lists(st.tuples(st.sampled_from(["request", "come", "arrived", "due"]), st.floats(0, 0.5)), max_size=60))
    def test_requests_are_never_sent_more_often_than_answers_can_come(self, story: list[tuple[str, float]]) -> None:
        requests, now, asked, came = KeyframeRequests(), 100.0, [], -1.0
        for what, after in story:
            now += after
            if what in ("request", "come"):
                requests.request(newcomer=what == "come")
            elif what == "arrived":
                requests.arrived()
                came = now
            elif requests.due(now):
                assert came >= (asked or [came])[-1] or now - asked[-1] >= KeyframeRequests.INTERVAL
                asked.append(now)
        assert all(later - earlier >= KeyframeRequests.REST for earlier, later in pairwise(asked))

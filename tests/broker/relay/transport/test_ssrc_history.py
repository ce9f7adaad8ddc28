"""The SSRCs of one client: the state that is kept is bounded, a live stream keeps its own, and none comes back."""

from hypothesis import given
from hypothesis import strategies as st

from broker.relay.transport.ssrc_history import MOST, REFUSED, SsrcHistory


def test_up_to_the_limit_nothing_is_dropped() -> None:
    history = SsrcHistory()
    assert {history.use(ssrc, ()) for ssrc in range(MOST)} == {None}
    assert all(history.had_media(ssrc) for ssrc in range(MOST))


def test_over_the_limit_the_one_used_longest_ago_is_dropped_and_refused() -> None:
    history = SsrcHistory()
    for ssrc in range(MOST):
        history.use(ssrc, ())
    history.use(0, ())
    assert history.use(MOST, ()) == 1
    assert history.refuses(1)
    assert not history.refuses(0)


def test_a_live_stream_is_never_dropped() -> None:
    history = SsrcHistory()
    for ssrc in range(10 * MOST):
        assert history.use(ssrc, {0, 1}) not in (0, 1)
    assert history.had_media(0)
    assert history.had_media(1)


@given(st.lists(st.integers(0, 60), max_size=300), st.sets(st.integers(0, 60), max_size=5))
def test_state_is_bounded_and_dropped_once_whatever_comes(story: list[int], live: set[int]) -> None:
    history, kept, dropped = SsrcHistory(), set[int](), []
    for ssrc in story:
        if history.refuses(ssrc):
            assert ssrc not in live
            continue
        old = history.use(ssrc, live)
        kept.add(ssrc)
        if old is not None:
            kept.remove(old)
            dropped.append(old)
        assert len(kept) <= MOST
    assert len(set(dropped)) == len(dropped)


def test_no_encoder_uses_so_many_that_the_history_is_exhausted() -> None:
    history = SsrcHistory()
    for ssrc in range(MOST + REFUSED):
        history.use(ssrc, ())
        assert not history.exhausted
    history.use(MOST + REFUSED, ())
    assert history.exhausted


def test_reports_alone_are_no_media() -> None:
    history = SsrcHistory()
    history.use(5, (), media=False)
    assert not history.had_media(5)
    history.use(5, ())
    history.use(5, (), media=False)
    assert history.had_media(5)

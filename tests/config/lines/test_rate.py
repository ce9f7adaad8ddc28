"""How many lines a call site may write."""

from hypothesis import given
from hypothesis import strategies as st

from config.lines.rate import LINES, OTHERS, SITES, CallSites


class TestOneCallSite:
    def test_has_so_many_lines_and_what_is_left_out_is_counted(self):
        sites = CallSites()
        written = [sites.take("refused") for _ in range(LINES + 500)]
        assert written == [True] * LINES + [False] * 500
        assert sites.close() == {"refused": 500}

    def test_has_them_again_in_the_next_minute(self):
        sites = CallSites()
        for _ in range(LINES + 1):
            sites.take("refused")
        sites.close()
        assert sites.take("refused") and sites.close() == {}

    def test_takes_none_of_anothers(self):
        sites = CallSites()
        for _ in range(10 * LINES):
            sites.take("refused")
        assert sites.take("session failed")


class TestManyCallSites:
    def test_more_than_there_are_in_the_program_share_one_count(self):
        sites = CallSites()
        written = sum(sites.take(f"invented {number}") for number in range(100_000))
        assert written == SITES + LINES
        assert sites.close() == {OTHERS: 100_000 - written}

    @given(st.lists(st.sampled_from("abcdefgh"), max_size=300), st.integers(0, 5), st.integers(1, 4))
    def test_what_is_written_and_what_is_left_out_is_everything(self, calls, lines, most):
        sites = CallSites(lines, most)
        written = sum(sites.take(call) for call in calls)
        assert written + sum(sites.close().values()) == len(calls)
        assert written <= lines * (most + 1)

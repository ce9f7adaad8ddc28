"""Refusals as types and as problem documents (RFC 9457)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.kernel.errors import PolicyViolation, TooEarly, VisitError, from_problem

KINDS = [kind for kind in VisitError.__subclasses__() if kind.__module__ == "broker.kernel.errors"]
MEMBERS = {"type", "title", "title_en", "status", "detail", "detail_en", "code"}


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    """Each kind is a complete refusal that officers and programs can read."""

    def test_it_is_a_complete_problem_document(self, kind: type[VisitError]) -> None:
        problem = kind().problem()
        assert set(problem) == MEMBERS and all(problem.values())
        assert problem["type"] == f"urn:huijian:problem:{kind.code}"
        assert 400 <= problem["status"] <= 599

    def test_its_title_is_chinese_and_has_an_english_one_beside_it(self, kind: type[VisitError]) -> None:
        problem = kind().problem()
        assert any("\u4e00" <= letter <= "\u9fff" for letter in problem["title"])
        assert problem["title_en"].isascii()

    def test_its_close_code_is_one_that_a_server_may_send(self, kind: type[VisitError]) -> None:
        assert kind.close_code in (1009, 1013) or 4000 <= kind.close_code <= 4999

    def test_it_comes_back_from_its_problem_as_itself(self, kind: type[VisitError]) -> None:
        error = kind("what happened", "发生了什么", articles=["云南 第十四条"], retry_after=3)
        back = from_problem(json.loads(json.dumps(error.problem())))
        assert type(back) is kind
        assert (back.detail_en, back.detail_zh, back.extra) == (error.detail_en, error.detail_zh, error.extra)
        assert str(back) == "what happened"


class TestProblems:
    """A problem document from another process may hold anything."""

    def test_codes_are_distinct(self) -> None:
        assert len({kind.code for kind in KINDS}) == len(KINDS) > 15

    def test_further_members_never_hide_the_standard_ones(self) -> None:
        problem = PolicyViolation("", "", code="x", status=200, articles=["a"]).problem()
        assert (problem["code"], problem["status"], problem["articles"]) == ("policy_violation", 422, ["a"])

    def test_an_unknown_code_is_still_an_error(self) -> None:
        error = from_problem({"code": "from_the_future", "detail_en": "hm", "detail": "嗯"})
        assert type(error) is VisitError and str(error) == "hm"

    def test_an_empty_problem_is_an_error_too(self) -> None:
        assert isinstance(from_problem({}), VisitError)

    @pytest.mark.parametrize("name", ["detail_zh", "self", "not an identifier", "class"])
    def test_members_of_any_name_do_no_harm(self, name: str) -> None:
        assert type(from_problem({"code": "too_early", name: "x"})) is TooEarly

    @given(st.dictionaries(st.text(max_size=12), st.none() | st.integers() | st.text(max_size=5), max_size=5))
    def test_no_problem_document_breaks_the_reader(self, problem: dict[str, Any]) -> None:
        assert isinstance(from_problem(problem), VisitError)

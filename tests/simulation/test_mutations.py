"""The oracles can fail: each broken rule is found in the plan that is meant for it, and the whole rule is not."""

import pytest

from tests.simulation.mutations import MUTATIONS
from tests.simulation.run import run

pytestmark = pytest.mark.timeout(600)  # of a machine that is busy with other tests


@pytest.mark.parametrize("name", MUTATIONS)
class TestABrokenRule:
    def test_is_found_by_its_oracle(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        mutation = MUTATIONS[name]
        assert [str(finding) for finding in run(mutation.plan).findings] == []
        mutation.breaks(monkeypatch)
        assert mutation.oracle in {finding.oracle for finding in run(mutation.plan).findings}

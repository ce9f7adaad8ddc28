"""The interface keeps to its document: a short run of `make contract`, of one seed, as a program that books visits."""

import pytest

from signaling.server.app import ROUTES
from signaling.server.openapi import document
from tests.contract.run import CALLERS, operations, run
from tests.signaling.server.test_openapi import CALLERS as ACCOUNTS

SECONDS = 15.0


class TestTheContract:
    @pytest.mark.timeout(300)  # schemathesis starts slowly on a busy machine
    async def test_is_kept_towards_programs_that_book_visits(self):
        (outcome,) = [outcome async for outcome in run(("integrator",), SECONDS, seed=1)]
        assert outcome.sound, outcome.report
        assert outcome.sent > 20

    def test_is_looked_at_as_every_role(self):
        assert set(CALLERS) - {""} == {role.value for role in ACCOUNTS}
        written = document(ROUTES, "0")
        for role in CALLERS:
            assert operations(written, role), role

"""Journeys: whole stories through the front door, with real processes and real media."""

from collections.abc import AsyncIterator

import pytest

from tests.support.installation import Installation
from tests.support.installation import installation as run_installation


@pytest.fixture
async def installation() -> AsyncIterator[Installation]:
    """A whole Huijian of its own."""
    async with run_installation() as running:
        yield running

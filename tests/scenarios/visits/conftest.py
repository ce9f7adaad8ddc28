"""Journeys: whole stories through the front door, with real processes and real media."""

from collections.abc import AsyncIterator

import pytest

from tests.support.installation import House
from tests.support.installation import house as running_house


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """A whole Huijian of its own."""
    async with running_house() as running:
        yield running

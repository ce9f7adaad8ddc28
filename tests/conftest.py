"""What all tests share: hypothesis without a clock, and a second chance for real media on a starved machine."""

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "huijian",
    deadline=None,  # a busy machine is no mistake of the code
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("huijian")

REAL_TIME = tuple(f"tests/{room}/" for room in ("journeys", "browser", "relay", "kiosk_agent", "recorder", "live"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real processes and real media have promises in seconds, which another program on the same cores can break once.

    The repetition is reported (R); whoever fails twice has failed.
    """
    for item in items:
        if item.nodeid.startswith(REAL_TIME) and "asyncio" in item.keywords:
            item.add_marker(pytest.mark.flaky(reruns=1))

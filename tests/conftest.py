"""What all tests share: hypothesis without a clock, which tests are real-time, and how tests are spread over workers.

A real-time test promises seconds of real processes, real media or a real browser's decoder. Such tests run one after
another in chains, each chain on one worker, beside everything else; workers that run other tests lower their priority.
A few failed tests are tried again, alone (see `tests/__main__.py`).
"""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

settings.register_profile(
    "huijian",
    deadline=None,  # a busy machine is no mistake of the code
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("huijian")

ROOT = Path(__file__).parent.parent
REAL_TIME_CHAINS = (
    (
        "tests/scenarios/visits",
        "tests/hostile/test_floods.py",
        "tests/kiosk_agent/room",
        "tests/kiosk_agent/officer",
    ),
    (
        "tests/scenarios/relay",
        "tests/broker/relay/test_worker.py",
        "tests/broker/relay/test_tap.py",
        "tests/broker/relay/test_talkback.py",
        "tests/broker/relay/transport/test_demux.py",
        "tests/broker/relay/transport/test_tcp.py",
        "tests/recorder/test_process.py",
        "tests/recorder/test_process_repair.py",
        "tests/kiosk_agent",
    ),
)
"""Folders and files whose tests are real-time, by chain, in the order in which the chain's worker runs them. The
browsers of rooms come after the visits, which they would starve."""
LONGEST_FIRST = ("tests/scenarios/recorder/", "tests/recorder/", "tests/fuzz/", "tests/signaling/api/")
"""Folders that begin before others, so that no worker is left with a long file at the end."""
BROWSER_LAST = "tests/signaling/web/"
"""The folder that begins last: a browser is a session of its own for the kernel, which competes with the chains however
low the priority of its worker is."""
NICENESS = (0, 10, 19)
"""Priority of the workers (nice(2)): of each chain, and of all other tests. Whole visits come first: their kiosks and
officers decode in the test's own process, and what waits there looks like a packet that crossed too late."""
FAILURES_FILE = "HUIJIAN_TEST_FAILURES"  # environment variable: where to write which tests failed
_failures: list[str] = []


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One worker for each chain of real-time tests, which mostly wait, and at least one for all others."""
    return max(len(REAL_TIME_CHAINS) + 1, (os.cpu_count() or 1) * 3 // 2)


class ChainScheduling(LoadScopeScheduling):
    """Gives each chain of real-time tests, and each other file, to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        chain = _chain_of(file)
        return file if chain is None else f"real time {chain}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Spread the tests over the workers by chain and by file."""
    return ChainScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark real-time tests, and put chains first and browsers last."""
    for item in items:
        if _chain_of(_file_of(item)) is not None:
            item.add_marker(pytest.mark.realtime)
    items.sort(key=lambda item: _order(_file_of(item)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Lower the priority of a worker to that of its chain, or of other tests. Chains come first, so it only sinks."""
    chain = _chain_of(_file_of(item))
    wanted = NICENESS[-1 if chain is None else chain]
    if "PYTEST_XDIST_WORKER" in os.environ and os.nice(0) < wanted:
        os.nice(wanted - os.nice(0))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember each failed test, once, in the order of failing."""
    if report.failed and report.nodeid not in _failures:
        _failures.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write down what failed, in the process that started the workers."""
    if FAILURES_FILE in os.environ and "PYTEST_XDIST_WORKER" not in os.environ:
        Path(os.environ[FAILURES_FILE]).write_text(json.dumps(_failures), "utf-8")


def _file_of(item: pytest.Item) -> str:
    return item.path.relative_to(ROOT).as_posix()


def _chain_of(file: str) -> int | None:
    for number, places in enumerate(REAL_TIME_CHAINS):
        if any(_in(file, place) for place in places):
            return number
    return None


def _in(file: str, place: str) -> bool:
    return file == place or file.startswith(f"{place}/")


def _order(file: str) -> tuple[int, int, int]:
    """Chains, then the longest folders, then all others, then the browser's."""
    chain = _chain_of(file)
    if chain is not None:
        return 0, chain, next(n for n, place in enumerate(REAL_TIME_CHAINS[chain]) if _in(file, place))
    if file.startswith(BROWSER_LAST):
        return 3, 0, 0
    return next(((1, n, 0) for n, folder in enumerate(LONGEST_FIRST) if file.startswith(folder)), (2, 0, 0))

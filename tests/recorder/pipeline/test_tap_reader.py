"""How often the tap is read: often where much arrives, seldom where little does, not at all in a silence."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.media.tap_format import RTP, TapRecord, pack
from recorder.pipeline import tap_reader
from recorder.pipeline.tap_reader import BATCH, RESTS, SILENT, WANTED, Tap

SMALL = pack(1, 0, RTP, 5, b"x")


class Loop:
    """An event loop whose time passes when `turn` is called. `moments`: when that was."""

    def __init__(self) -> None:
        self.readers: dict[Any, Callable[[], None]] = {}
        self.due: list[tuple[float, Callable[[], None]]] = []
        self.now = 1000.0
        self.moments: list[float] = []

    def time(self) -> float:
        return self.now

    def add_reader(self, file: Any, callback: Callable[..., None], *args: Any) -> None:
        self.readers[file] = lambda: callback(*args)

    def remove_reader(self, file: Any) -> None:
        self.readers.pop(file, None)

    def call_soon(self, callback: Callable[..., None], *args: Any) -> None:
        self.call_later(0.0, callback, *args)

    def call_later(self, delay: float, callback: Callable[..., None], *args: Any) -> None:
        self.due.append((self.now + delay, lambda: callback(*args)))

    def turn(self) -> None:
        (self.now, call), self.due = self.due[0], self.due[1:]
        self.moments.append(round(self.now - 1000.0, 6))
        call()

    @property
    def rest(self) -> float:
        """Seconds until the next turn."""
        return round(self.due[0][0] - self.now, 6)


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    loop = Loop()
    monkeypatch.setattr(tap_reader.asyncio, "get_running_loop", lambda: loop)
    return loop


class Bench:
    """A tap with one relay worker, whose first message has been read."""

    def __init__(self, folder: Path, loop: Loop) -> None:
        self.records: list[TapRecord] = []
        self.tap = Tap(folder / "tap.sock", self.records.append)
        self.tap.start()
        self.worker = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.worker.connect(str(folder / "tap.sock"))
        self.worker.setblocking(False)
        loop.readers.popitem()[1]()
        self.worker.send(SMALL)
        self.wakes(loop)

    @staticmethod
    def wakes(loop: Loop) -> None:
        """The socket has become readable."""
        next(iter(loop.readers.values()))()


@pytest.fixture
def bench(tmp_path: Path, loop: Loop) -> Iterator[Bench]:
    made = Bench(tmp_path, loop)
    yield made
    made.worker.close()
    made.tap.close()


class TestReading:
    def test_gives_every_record_of_every_message_in_order(self, bench: Bench, loop: Loop) -> None:
        sent = [TapRecord(1, 0, RTP, number, b"y" * number) for number in range(30)]
        for start in range(0, 30, 3):
            bench.worker.send(b"".join(pack(*record) for record in sent[start : start + 3]))
        loop.turn()
        assert bench.records[1:] == sent
        assert (bench.tap.records, bench.tap.messages) == (31, 11)

    def test_is_seldom_where_little_arrives(self, bench: Bench, loop: Loop) -> None:
        for _ in range(5):
            bench.worker.send(SMALL)
            loop.turn()
        assert loop.moments == [0.1, 0.2, 0.3, 0.4, 0.5]

    @pytest.mark.parametrize("share, rest", [(0.9, 0.1), (1.6, 0.05), (2.5, 0.02)])
    def test_is_as_often_as_the_wanted_amount_arrives(
        self, bench: Bench, loop: Loop, share: float, rest: float
    ) -> None:
        loop.turn()
        for _ in range(5):
            bench.worker.send(pack(1, 0, RTP, 5, bytes(int(WANTED * share / 5))))
        loop.turn()
        assert loop.rest == rest

    def test_is_seldom_again_after_a_burst(self, bench: Bench, loop: Loop) -> None:
        for _ in range(5):
            bench.worker.send(pack(1, 0, RTP, 5, bytes(WANTED // 2)))
        loop.turn()
        for _ in range(3):
            bench.worker.send(SMALL)
            loop.turn()
        assert loop.moments == [0.1, 0.12, 0.2, 0.3]

    def test_goes_on_at_once_where_there_may_be_more_and_reckons_all_of_it(self, bench: Bench, loop: Loop) -> None:
        for _ in range(BATCH + 10):
            bench.worker.send(pack(1, 0, RTP, 5, bytes(WANTED // 60)))
        loop.turn()
        loop.turn()
        assert loop.moments == [0.1, 0.1] and len(bench.records) == BATCH + 11
        assert loop.rest == 0.05

    def test_waits_for_the_socket_after_a_silence(self, bench: Bench, loop: Loop) -> None:
        while loop.due:
            loop.turn()
        assert loop.moments[-1] == pytest.approx(SILENT, abs=RESTS[0])
        bench.worker.send(SMALL)
        bench.wakes(loop)
        assert len(bench.records) == 2

    def test_ends_with_the_worker(self, bench: Bench, loop: Loop) -> None:
        bench.worker.close()
        loop.turn()
        assert not loop.due

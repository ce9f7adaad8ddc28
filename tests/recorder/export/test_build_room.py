"""The making of a package leaves the room that recordings need, also when they begin meanwhile."""

import errno
from pathlib import Path

import av
import msgspec
import pytest

from recorder.archive.room import NoRoom
from recorder.export.build import build
from recorder.export.program import NO_ROOM, code_of
from tests.recorder.export.conftest import Made


def test_ends_when_the_room_becomes_short_and_leaves_nothing(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = msgspec.structs.replace(made.order, target=str(tmp_path / "package.zip"), reserve=1 << 30)
    rooms = iter((1 << 40, 1 << 40))
    monkeypatch.setattr("recorder.archive.paths.free_bytes", lambda _: next(rooms, 1 << 20))
    shares: list[float] = []
    with pytest.raises(NoRoom):
        build(order, shares.append)
    assert len(shares) == 1 and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [OSError, av.FFmpegError])
def test_a_full_disk_is_called_so_whichever_library_it_stops(error: type[Exception]) -> None:
    assert code_of(error(errno.ENOSPC, "No space left on device")) == NO_ROOM
    assert code_of(error(errno.EIO, "Input/output error")) != NO_ROOM

"""704×576 pixels or more arrive where the line allows it, in the far room and in the recording, in visits that are
spoken and in those in sign language. Rates are measured by `python -m tests.bench.room_picture`."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from broker.kernel.ids import Side
from kiosk_agent.agent import Kiosk
from tests.support.installation import installation, patient_pack
from tests.support.kiosk.arriving import SIGNING, fits, pictures_in, signing_film
from tests.support.kiosk.keyframes import decode_keyframes
from tests.support.kiosk.two_rooms import page_room
from tests.support.patience import PATIENCE
from tests.support.visit import Visit

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.browser]

LIMIT = 300.0
"""Seconds of these visits: no story reaches the end by itself."""
RATE = 10
"""Pictures a second of the camera: sizes are looked at, and the machine is shared."""


async def _arrives(far: Kiosk) -> None:
    """Wait until the far room receives pictures that are large enough."""
    async with asyncio.timeout(2 * PATIENCE):
        while not fits(_size(far)):
            await asyncio.sleep(0.2)  # what a receiver decodes sets no event here


def _size(far: Kiosk) -> tuple[int, int]:
    receiver = far._media.receiver
    picture = None if receiver is None else receiver.picture
    return (0, 0) if picture is None else (picture.width, picture.height)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("language", "more"), [("zh", {}), ("csl", {"people": SIGNING})])
async def test_arrives_in_704_by_576_or_more_in_the_far_room_and_in_the_recording(
    language: str, more: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode_keyframes(monkeypatch)
    film = signing_film(tmp_path / "prison.y4m", rate=RATE)
    async with installation(patient_pack(tmp_path, LIMIT)) as here:
        here.minutes = round(LIMIT / 60)
        async with here.kiosk(Side.VISITOR) as far, page_room(here, Side.PRISON, here.server, film) as room:
            officers = await here.officers()
            visit = Visit(here, await here.slot(language=language, **more), officers)
            try:
                await room.acknowledge()
                await visit.check_in()
                await visit.watch(officers)
                await _arrives(far)
            finally:
                await visit.close()
            archived = await visit.archived()
            kept = pictures_in(here.settings.archive_dir / archived["path"], 0)
            assert any(fits(picture.size) for picture in kept)

"""Where a room's picture and sound come from, by one short text: `generated`, `file:PATH`, or `device` with an
optional camera and microphone (`device:0,default`). This is the front of the room's sources."""

from pathlib import Path

from broker.kernel.ids import Side
from huijian.demo.synthetic.frame_code import FrameCode, code_in
from huijian.demo.synthetic.sources import GeneratedAudio, GeneratedVideo
from kiosk_agent.media.device import Camera, Microphone
from kiosk_agent.media.file_source import FileAudio, FileVideo
from kiosk_agent.media.source import RoomSources, Source, SourceClock, SourceError

__all__ = [
    "FrameCode",
    "RoomSources",
    "Source",
    "SourceError",
    "code_in",
    "device_sources",
    "file_sources",
    "generated_sources",
    "open_sources",
]

SIZE = (640, 360)
FPS = 25


def generated_sources(side: Side, size: tuple[int, int] = SIZE, fps: int = FPS) -> RoomSources:
    """The made-up room of `side`."""
    clock = SourceClock()
    return RoomSources(GeneratedVideo(side, clock, size, fps), GeneratedAudio(side, clock), clock)


def file_sources(path: Path, size: tuple[int, int] = SIZE) -> RoomSources:
    """A file's picture and sound, repeated for ever. SourceError on reading when it has not both."""
    if not path.is_file():
        raise SourceError(f"{path.name} is not a file")
    clock = SourceClock()
    return RoomSources(FileVideo(path, clock, size), FileAudio(path, clock), clock)


def device_sources(camera: str = "0", microphone: str = "default") -> RoomSources:
    """The room's camera (index or path) and microphone (ALSA name). SourceError on reading when one is missing."""
    clock = SourceClock()
    device = int(camera) if camera.isdigit() else camera
    return RoomSources(Camera(device, clock, SIZE, FPS), Microphone(microphone, clock), clock)


def open_sources(spec: str, side: Side) -> RoomSources:
    """The sources that `spec` names (see the module). Raises SourceError for anything else.

    `side` only matters to `generated`, which draws and speaks it.
    """
    kind, _, rest = spec.partition(":")
    if kind == "generated" and not rest:
        return generated_sources(side)
    if kind == "file" and rest:
        return file_sources(Path(rest))
    if kind == "device":
        camera, _, microphone = rest.partition(",")
        return device_sources(camera or "0", microphone or "default")
    raise SourceError(f"unknown source {spec!r}: generated, file:PATH or device[:CAMERA,MICROPHONE]")

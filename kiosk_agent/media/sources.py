"""Opens a room's picture and sound by one short text: `file:PATH`, `device[:CAMERA,MICROPHONE]`, or the name of a
source that the caller adds, such as the demonstration's `generated`."""

from collections.abc import Callable, Mapping
from pathlib import Path

from broker.kernel.ids import Side
from kiosk_agent.media.device import Camera, Microphone
from kiosk_agent.media.file_source import FileAudio, FileVideo
from kiosk_agent.media.source import RoomSources, SourceClock, SourceError

SIZE = (640, 360)
FPS = 25

SourceFactory = Callable[[Side], RoomSources]
"""Opens the sources of a room on one side of a visit."""


def file_sources(path: Path, size: tuple[int, int] = SIZE) -> RoomSources:
    """Return a file's picture and sound, repeated for ever.

    Raises SourceError when `path` is no file; reading raises it when picture or sound is missing."""
    if not path.is_file():
        raise SourceError(f"{path.name} is not a file")
    clock = SourceClock()
    return RoomSources(FileVideo(path, clock, size), FileAudio(path, clock), clock)


def device_sources(camera: str = "0", microphone: str = "default") -> RoomSources:
    """Return a camera (index or path) and a microphone (ALSA name). Reading raises SourceError when one is missing."""
    clock = SourceClock()
    device = int(camera) if camera.isdigit() else camera
    return RoomSources(Camera(device, clock, SIZE, FPS), Microphone(microphone, clock), clock)


def open_sources(spec: str, side: Side, extra: Mapping[str, SourceFactory]) -> RoomSources:
    """Return the sources that `spec` names; `extra` are factories for further names, which `side` is passed to.

    Raises SourceError for a text that names none."""
    if spec in extra:
        return extra[spec](side)
    kind, _, rest = spec.partition(":")
    if kind == "file" and rest:
        return file_sources(Path(rest).absolute())  # FFmpeg would take `room:1.mp4` for a protocol
    if kind == "device":
        camera, _, microphone = rest.partition(",")
        return device_sources(camera or "0", microphone or "default")
    names = ", ".join([*extra, "file:PATH"])
    raise SourceError(f"unknown source {spec!r}: {names} or device[:CAMERA,MICROPHONE]")

"""What officers have chosen for a terminal: devices by their labels, volume, language and size of the text. It outlives
a restart. A browser with a fresh profile gives devices new ids each time; their labels stay."""

import logging
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from broker.kernel.atomic_files import read_json, write_json

log = logging.getLogger(__name__)

Label = Annotated[str, msgspec.Meta(max_length=120)]
Volume = Annotated[float, msgspec.Meta(ge=0.1, le=1.0)]


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """Choices of a terminal; an empty label is the browser's own choice of a device."""

    language: Literal["zh", "en"] = "zh"
    large: bool = False
    volume: Volume = 0.8
    camera: Label = ""
    microphone: Label = ""
    speaker: Label = ""


class ChoicesFile:
    """File with the choices of one terminal, over the `defaults` of its settings; without a path they last as long as
    the program."""

    def __init__(self, path: Path | None, defaults: Choices) -> None:
        self._path, self._defaults = path, defaults

    def read(self) -> Choices:
        """Return what was chosen so far. A file that is damaged or of a later version counts as none."""
        values = (read_json(self._path) if self._path is not None else None) or {}
        try:
            return msgspec.convert({**msgspec.to_builtins(self._defaults), **values}, Choices)
        except msgspec.ValidationError:
            log.warning("the officer's choices cannot be read; those of kiosk.toml apply")
            return self._defaults

    def write(self, choices: Choices) -> None:
        """Keep the choices where there is a place for them. It blocks; raises OSError."""
        if self._path is not None:
            write_json(self._path, msgspec.to_builtins(choices))

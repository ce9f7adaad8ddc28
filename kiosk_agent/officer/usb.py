"""USB media that are plugged in and mounted: file systems on removable devices, and those that lie where desktops and
the terminal's own udev rule mount them. The kernel's files are arguments, so that tests bring their own."""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

FOLDERS = (Path("/media"), Path("/run/media"))
_ESCAPED = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class UsbPlace:
    """A folder of a mounted medium, and the bytes that are free there."""

    folder: Path
    free: int


@dataclass(frozen=True, slots=True)
class UsbFinder:
    """Finder of mounted media: the kernel's list of mounts, its folder of block devices, and the folders below which
    media are mounted."""

    mounts: Path = Path("/proc/self/mounts")
    blocks: Path = Path("/sys/class/block")
    folders: tuple[Path, ...] = FOLDERS

    def find(self) -> tuple[UsbPlace, ...]:
        """Return the media that can be written to, the one with the most room first."""
        found = []
        for line in self.mounts.read_text("utf-8", "replace").splitlines():
            device, folder, _, options, *_ = (*line.split(" "), "", "", "", "")
            place = Path(_plain(folder))
            if "rw" not in options.split(",") or not (self._is_media(place) or self._is_removable(device)):
                continue
            if os.access(place, os.W_OK | os.X_OK):
                found.append(UsbPlace(place, shutil.disk_usage(place).free))
        return tuple(sorted(found, key=lambda place: -place.free))

    def _is_media(self, place: Path) -> bool:
        return any(place != folder and place.is_relative_to(folder) for folder in self.folders)

    def _is_removable(self, device: str) -> bool:
        """Whether the kernel says that the disk behind a device or partition can be taken out."""
        name = device.removeprefix("/dev/")
        if not device.startswith("/dev/") or "/" in name:
            return False
        block = (self.blocks / name).resolve()
        for place in (block, block.parent):
            if (place / "removable").is_file():
                return (place / "removable").read_text("ascii", "replace").strip() == "1"
        return False


def _plain(text: str) -> str:
    """Return a path of the list of mounts, where spaces and the like are octal numbers."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), text)

"""Installation of a terminal: which file goes where. A plan is made first, from what is there already, so that a dry
run says the same as the run that follows, and a second run has nothing to do."""

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path, PurePosixPath

from kiosk_agent.room.policies import FILE, FOLDER, managed_policies

_TEMPLATES = files("kiosk_agent.deploy")
PLACES = {
    "huijian-kiosk.service": PurePosixPath("/etc/systemd/system/huijian-kiosk.service"),
    "huijian-kiosk.pam": PurePosixPath("/etc/pam.d/huijian-kiosk"),
    "huijian-kiosk.sysusers": PurePosixPath("/etc/sysusers.d/huijian-kiosk.conf"),
    "huijian-kiosk.sysctl": PurePosixPath("/etc/sysctl.d/90-huijian-kiosk.conf"),
    "huijian-kiosk.logind": PurePosixPath("/etc/systemd/logind.conf.d/huijian-kiosk.conf"),
    "70-huijian-usb.rules": PurePosixPath("/etc/udev/rules.d/70-huijian-usb.rules"),
    "kiosk.toml": PurePosixPath("/etc/huijian/kiosk.toml"),
}
"""Place of each template of this folder."""
KEPT = frozenset({"kiosk.toml"})
"""Files that belong to the administrator once they are there."""
PROGRAMS = {"cage": "cage", "Xwayland": "xwayland", "chromium": "chromium"}
"""Programs that the unit needs, with their packages. cage does not start without Xwayland, and Debian does not install
it with cage."""
AFTERWARDS = (
    ("systemd-sysusers",),
    ("udevadm", "control", "--reload"),
    ("systemctl", "daemon-reload"),
    ("sysctl", "--quiet", "--load=/etc/sysctl.d/90-huijian-kiosk.conf"),
    ("systemctl", "kill", "--signal=HUP", "systemd-logind"),
)
"""Commands that make the system see the files."""


class Step(StrEnum):
    """Kind of a step: the file is new, differs from ours, is as it should be, or is the administrator's own."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file to write: where, with what, and how that differs from what is there."""

    path: Path
    content: bytes
    step: Step

    @property
    def writes(self) -> bool:
        """Whether the file is to be written."""
        return self.step in (Step.NEW, Step.CHANGED)


def plan(root: Path, program: str) -> tuple[PlannedFile, ...]:
    """Return what an installation below `root` writes; `program` is the path of `huijian` that the unit starts. Raises
    OSError where a file cannot be read."""
    return tuple(_planned(root, place, content, kept) for place, content, kept in _contents(program))


def apply(planned: tuple[PlannedFile, ...]) -> None:
    """Write what the plan says, each file whole or not at all. Raises OSError."""
    for file in planned:
        if file.writes:
            file.path.parent.mkdir(parents=True, exist_ok=True)
            fresh = file.path.with_name(f".{file.path.name}.new")
            fresh.write_bytes(file.content)
            fresh.chmod(stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IROTH)
            os.replace(fresh, file.path)


def _contents(program: str) -> Iterator[tuple[PurePosixPath, bytes, bool]]:
    for name, place in PLACES.items():
        text = _TEMPLATES.joinpath(name).read_text("utf-8").replace("{program}", program)
        yield place, text.encode(), name in KEPT
    policies = json.dumps(managed_policies(), indent=1, sort_keys=True) + "\n"
    yield PurePosixPath(FOLDER / FILE), policies.encode(), False


def _planned(root: Path, place: PurePosixPath, content: bytes, kept: bool) -> PlannedFile:
    path = root / place.relative_to("/")
    if not path.exists():
        return PlannedFile(path, content, Step.NEW)
    if kept:
        return PlannedFile(path, content, Step.KEPT)
    return PlannedFile(path, content, Step.SAME if path.read_bytes() == content else Step.CHANGED)

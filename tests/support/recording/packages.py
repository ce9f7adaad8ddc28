"""Export packages for tests: the order for a small recording, and the package that it leads to."""

import zipfile
from pathlib import Path
from typing import Any

from recorder.export.build import build
from recorder.export.contents import Order, Participant, Person, folder_name
from recorder.retention.removal import folder_of

RECEIVER = "昆明市中级人民法院"


def order_of(root: Path, done: dict[str, Any], target: Path, **changes: Any) -> Order:
    """Return the order for a recording. `done`: what archiving it has returned."""
    values: dict[str, Any] = {
        "export": "exp_1",
        "session": done["session"],
        "site": done["site"],
        "recording": str(folder_of(done["path"], done["session"])),
        "archive_dir": str(root),
        "keys_dir": str(root.parent / "keys"),
        "signing": "Ed25519",
        "target": str(target),
        "reason": "庭审举证，案号 2026-114",
        "receiver": RECEIVER,
        "requested_by": Person("shen", "沈某"),
        "approved_by": Person("bai", "白某"),
        "made_at": "2026-12-01T09:00:00+08:00",
        "expires_at": "2026-12-08T09:00:00+08:00",
        "people": (Participant("prs_a", "甲某", "prison"), Participant("prs_b", "乙某", "visitor", "妻子")),
    }
    return Order(**{**values, **changes})


def unpacked(order: Order, place: Path) -> Path:
    """Make the package of an order, unpack it into `place`, and return its folder."""
    build(order, lambda _: None)
    with zipfile.ZipFile(order.target) as file:
        file.extractall(place)
    folder = place / folder_name(order.session)
    for path in folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return folder

"""Makes an export package: checks the recording, renders a view copy with the receiver's name over the picture, writes
what people read, and packs all of it under a signed index. `__main__` runs it in a process of its own, which dies with
its parent. Progress goes to standard output as JSON lines. Blocks."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from broker.kernel import atomic_files, canonical_json
from recorder.archive.manifest_check import FROZEN_PACK, PACK_DIFFERS, frozen_hash, pack_differs
from recorder.archive.paths import FILM, MANIFEST, TIMELINE
from recorder.archive.room import need_room
from recorder.evidence import site_chain
from recorder.evidence.report import Damage
from recorder.evidence.signing import SIGNATURE, Keys, PublicKey, Signer, installed, trusted
from recorder.evidence.verify import verify
from recorder.explained.explain import Explained, explain
from recorder.export import contents, verifier_page
from recorder.export.chain_part import ChainPart, part_of
from recorder.export.contents import Order, Packed
from recorder.export.cover_sheet import cover_sheet, find_font
from recorder.export.timeline_page import as_json, page
from recorder.export.zip_file import CHUNK, PackageFile, writing
from recorder.retention.removal import unfinished
from recorder.viewcopy.render import make

log = structlog.get_logger()
Report = Callable[[float], None]
RENDERED, PACKED = 0.85, 0.99
"""Share of the work that is done when the view copy is made, and when the files are packed."""
COPIES = 2.5
"""Room that a package needs while it is made, in sizes of the film: the view copy and the package itself."""


class NoRecording(Exception):
    """The recording is not there, or has no readable manifest."""


def build(order: Order, report: Report) -> Packed:
    """Make the package at `order.target` and return what it is. `report` receives the share done.

    Raises NoFont, NoRoom, NoRecording, KeyProblem, OSError or FFmpegError, and leaves nothing behind then.
    """
    find_font()
    archive, target = Path(order.archive_dir), Path(order.target)
    folder = archive / order.recording
    manifest = atomic_files.read_json(folder / MANIFEST)
    if manifest is None or not (folder / FILM).is_file():
        raise NoRecording("the recording has no film or no readable manifest")
    need_room(target.parent, round((folder / FILM).stat().st_size * COPIES) + order.reserve)
    report = _with_room(report, target.parent, order.reserve)
    signer = installed(Path(order.keys_dir), archive, order.signing)
    keys = trusted(Path(order.keys_dir), order.signing)
    damages = [*_damages(archive, folder, keys), *_pack_damages(order.pack, manifest)]
    with _view(folder, target.parent, order.receiver, lambda share: report(share * RENDERED)) as view:
        _pack(order, folder, manifest, damages, view, signer, keys, report)
    return Packed(target.stat().st_size, _sha256(target), not damages)


def _with_room(report: Report, folder: Path, reserve: int) -> Report:
    """Return a report that ends the work where it has come to take the room that is not its own: recordings begin and
    grow while a package is made."""

    def checked(share: float) -> None:
        need_room(folder, reserve)
        report(share)

    return checked


def _damages(archive: Path, folder: Path, keys: Keys) -> list[dict[str, Any]]:
    """Return what the verifier finds in the recording, by file and second, and what cannot be packed."""
    found = verify(folder, archive, keys).damages
    left = [path for path in sorted(folder.iterdir()) if not _packable(path)]
    found = [damage for damage in found if damage.path not in left]
    found += [Damage(path, "added", "it is not packed: no recording has a file of this name") for path in left]
    return [
        {"file": _spelled(damage.path), "kind": damage.kind, "detail": damage.detail, "second": damage.second}
        for damage in found
    ]


def _pack_damages(text: str, manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Return that the text of the policy pack is not the one that was frozen, where it is not."""
    if not text or not pack_differs(text.encode(), frozen_hash(manifest)):
        return []
    return [{"file": contents.PACK, "kind": FROZEN_PACK, "detail": PACK_DIFFERS, "second": None}]


def _packable(path: Path) -> bool:
    """Whether a file of the recording may be in a package; the index has a pattern for names."""
    return path.is_file() and contents.is_path(path.name)


def _spelled(path: Path) -> str:
    """Return the name of a file as text, also where its bytes are none."""
    return path.name.encode("utf-8", "backslashreplace").decode()


@contextmanager
def _view(folder: Path, place: Path, receiver: str, report: Report) -> Iterator[Path]:
    """Make the view copy for the time in which it is packed."""
    view = place / f".{contents.VIEW}"
    try:
        make(folder, view, report, watermark=receiver)
        yield view
    finally:
        for path in (view, unfinished(view)):
            path.unlink(missing_ok=True)


def _pack(
    order: Order,
    folder: Path,
    manifest: dict[str, Any],
    damages: list[dict[str, Any]],
    view: Path,
    signer: Signer,
    keys: Keys,
    report: Report,
) -> None:
    archive, recording = Path(order.archive_dir), f"{contents.ARCHIVE}/{order.recording}"
    part = part_of(site_chain.lines_of_site(archive, order.site), order.session)
    total = max(view.stat().st_size + (folder / FILM).stat().st_size, 1)
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        report(RENDERED + (PACKED - RENDERED) * min(done / total, 1.0))

    made_at = datetime.fromisoformat(order.made_at)
    with writing(Path(order.target), contents.folder_name(order.session), made_at, advance) as package:
        for path in filter(_packable, sorted(folder.iterdir())):
            package.add_file(f"{recording}/{path.name}", path)
        package.add_file(contents.VIEW, view)
        _add_papers(package, order, folder, manifest, damages, part, _keys_of(manifest, part, signer.public, keys))
        whole = (folder / MANIFEST).read_bytes()
        index = contents.index(order, package.files, part.to_json(), whole, damages, signer)
        package.add_bytes(contents.INDEX, canonical_json.indented(index))


def _add_papers(
    package: PackageFile,
    order: Order,
    folder: Path,
    manifest: dict[str, Any],
    damages: list[dict[str, Any]],
    part: ChainPart,
    public: list[PublicKey],
) -> None:
    """Add everything small: chain, keys, timeline, verifier, policy pack and cover sheet."""
    timeline = atomic_files.read_lines(folder / TIMELINE)
    if part.lines:
        package.add_bytes(f"{contents.ARCHIVE}/{order.site}/{site_chain.NAME}", part.text)
    for key in public:
        package.add_bytes(f"{contents.KEYS}/{key.id}.pem", key.pem())
    package.add_bytes(contents.HEADS, f"CHAIN {order.site} {part.newest}\n".encode())
    explained = _explained(order, manifest, timeline)
    package.add_bytes(contents.EVENTS_PAGE, page(manifest, timeline, explained))
    package.add_bytes(contents.EVENTS, as_json(manifest, timeline, explained))
    package.add_bytes(contents.PAGE, verifier_page.page())
    if order.pack:
        package.add_bytes(contents.PACK, order.pack.encode())
    recording = f"{contents.ARCHIVE}/{order.recording}"
    hashes = {name: package.files[f"{recording}/{name}"]["sha256"] for name in (FILM, MANIFEST)}
    hashes[contents.VIEW] = package.files[contents.VIEW]["sha256"]
    ids = [key.id for key in public]
    package.add_bytes(contents.COVER, cover_sheet(order, manifest, part.to_json(), hashes, ids, damages, explained))


def _explained(
    order: Order, manifest: Mapping[str, Any], timeline: Sequence[Mapping[str, Any]]
) -> list[Explained] | None:
    """Return why the film lacks something where it does, in the words of the auditors' page; None where the files were
    changed so that it cannot be told, which hinders no package."""
    try:
        return explain(timeline, manifest, order.signed)
    except Exception as error:  # whatever a file that was changed makes of its reader
        log.error("a recording cannot be explained", session=order.session, why=type(error).__name__)
        return None


def _keys_of(manifest: dict[str, Any], part: ChainPart, own: PublicKey, keys: Keys) -> list[PublicKey]:
    """Return the public keys by which the files of a package are signed, the installation's own first."""
    names = {own.id: own}
    for value in (manifest, *map(json.loads, part.lines)):
        signature = value.get(SIGNATURE)
        key = keys.by_id.get(str(signature.get("key"))) if isinstance(signature, dict) else None
        if key is not None:
            names.setdefault(key.id, key)
    return list(names.values())


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(CHUNK):
            digest.update(data)
    return digest.hexdigest()

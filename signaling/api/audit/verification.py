"""The verification of a recording on demand: whether it is what was written, in words, with each file and second that
is not."""

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from broker.kernel.errors import NotFound, TooMany
from recorder.archive.paths import MANIFEST
from recorder.explained import damage_words
from recorder.explained.words import Words
from signaling.api.audit.access import visit_of
from signaling.api.audit.messages import Finding, VerificationView
from signaling.api.audit.visits import REFUSED, VISIT
from signaling.auth.scope import Role, author
from signaling.history.sources import HAS_FILM
from signaling.history.verifications import Verification
from signaling.server.context import Context
from signaling.server.routes import Call, Table

table = Table("verification")
VERIFIERS = (Role.AUDITOR,)
VERIFICATION = f"{VISIT}/verification"


@table.add(
    "POST",
    VERIFICATION,
    roles=VERIFIERS,
    zh="验证录像",
    en="Verify a recording",
    status=202,
    problems=(TooMany,),
    refused=REFUSED,
)
async def post_verification(call: Call) -> VerificationView:
    """It is read whole, beside everything else that the machine does; `GET` tells how far it is."""
    session, folder = await _recording(call)
    manifest, size = await asyncio.to_thread(_facts, folder)
    ordered = call.context.verifications.order(session, manifest, size)
    call.context.journal.note("VerificationOrdered", session, author(call.user), {"manifest": manifest})
    return _view(ordered)


@table.add("GET", VERIFICATION, roles=VERIFIERS, zh="录像验证结果", en="How a verification goes, or went")
async def get_verification(call: Call) -> VerificationView:
    """The last verification of the recording as it is now; 404 where it was not verified."""
    session, folder = await _recording(call)
    found = await _last(call.context, session, folder)
    if found is None:
        raise NotFound("The recording was not verified yet.", "该录像尚未验证。")
    return found


async def last_verification(context: Context, recording: Mapping[str, Any] | None) -> VerificationView | None:
    """Return the last verification of a recording as it is now; None where there is none, or nothing to verify."""
    folder = _folder(context, recording)
    return await _last(context, recording["session"], folder) if recording is not None and folder is not None else None


async def _last(context: Context, session: str, folder: Path) -> VerificationView | None:
    found = await context.verifications.of(session)
    if found is None or found.manifest != (await asyncio.to_thread(_facts, folder))[0]:
        return None
    return _view(found)


async def _recording(call: Call) -> tuple[str, Path]:
    """Return the session of the path and the folder of its recording. Raises NotFound."""
    slot, _ = await visit_of(call)
    recording = await call.context.recordings.one(slot.session, None)
    folder = _folder(call.context, recording)
    if folder is None:
        raise NotFound("There is no recording to verify.", "该会见没有可验证的录像。")
    return slot.session, folder


def _folder(context: Context, recording: Mapping[str, Any] | None) -> Path | None:
    """Return the folder of a recording; None where there is no film."""
    if recording is None or recording["state"] not in HAS_FILM or not recording["path"]:
        return None
    return Path(context.settings.archive_dir / recording["path"]).parent


def _facts(folder: Path) -> tuple[str, int]:
    """Return the hash of the manifest in a folder ("" where there is none) and the bytes of all its files."""
    try:
        manifest = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    except OSError:
        manifest = ""
    try:
        return manifest, sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    except OSError:
        return manifest, 0


def _view(found: Verification) -> VerificationView:
    words = _words(found)
    return VerificationView(
        code=found.state,
        state=found.state,
        zh=words.zh,
        en=words.en,
        progress=found.progress,
        checked_at=found.checked_at,
        findings=[_finding(item["kind"], item["file"], item["second"]) for item in found.findings],
    )


def _words(found: Verification) -> Words:
    if found.state == "damaged":
        return damage_words.damaged(len(found.findings))
    return {"running": damage_words.RUNNING, "sound": damage_words.SOUND}.get(found.state, damage_words.FAILED)


def _finding(kind: str, file: str, second: float | None) -> Finding:
    words = damage_words.finding(kind, file, second)
    return Finding(code=kind, file=file, second=second, zh=words.zh, en=words.en)

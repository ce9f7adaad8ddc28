"""`huijian verify`: checks signatures, hashes, fragment chain and tracks of recordings, the chains of the sites, and
the copies of recordings."""

import asyncio
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import select
from sqlalchemy.engine import make_url

from broker.control.store.history.tables import visits
from broker.control.store.tables import packs
from broker.kernel.database import engine_for, reading, storage_errors
from broker.kernel.errors import StorageUnavailable
from config.settings import Settings
from huijian.errors import FOUND, REFUSED
from huijian.journal.verify_export import verify_journal
from huijian.ledgers.check import verify_ledger
from huijian.options import settings_of
from huijian.output import Json, plain, say
from huijian.remote.server import Api, server_of, works_remotely
from huijian.remote.verification import check_wanted, verify_at
from recorder.archive.manifest_check import FROZEN_PACK, PACK_DIFFERS, is_hash, pack_differs
from recorder.evidence.chain_facts import facts_in
from recorder.evidence.chain_heads import ChainHeads, merged_heads, read_heads
from recorder.evidence.report import Damage, Report
from recorder.evidence.signing import KeyProblem, Keys, beside, trusted
from recorder.evidence.signing import public_key as load
from recorder.evidence.verify import verify as check
from recorder.export.check import check_package
from recorder.retention.hold_repair import (
    LIFTED_BY_HAND,
    NOT_ENTERED,
    ROW_MISSING,
    UNFINISHED_LIFT,
    HoldDifference,
    differences,
)
from recorder.retention.holds import Holds
from recorder.witness.check import check_witnesses
from recorder.witness.keys import PUBLIC
from recorder.witness.keys import witness_keys as witness_keys_in

PACK_MISSING = "规则包文本缺失: visits have frozen this pack, and its text is not in the database"
GIVEN, INSTALLED, ARCHIVED = "given", "installation", "archive"


@works_remotely
def verify(
    ctx: typer.Context,
    target: Annotated[
        str | None,
        typer.Argument(help="A session's id, a recording's folder or a file in it; default: the whole archive."),
    ] = None,
    all: Annotated[bool, typer.Option("--all", help="The whole archive; the same as naming nothing.")] = False,
    archive: Annotated[Path | None, typer.Option(help="The archive, where it is not the settings' own.")] = None,
    public_key: Annotated[
        list[Path] | None,
        typer.Option(help="Trust only this key (PEM); may be repeated. Default: the installation's own."),
    ] = None,
    heads: Annotated[
        Path | None,
        typer.Option(help="Output of an earlier verify (its CHAIN lines): the chains must still hold these heads."),
    ] = None,
    witness: Annotated[
        bool,
        typer.Option("--witness", help="Hold each chain against the heads that other sites have witnessed. 核对互证"),
    ] = False,
    witness_keys: Annotated[
        Path | None,
        typer.Option(help="Folder with the public keys of the witnesses (SITE.pem), kept elsewhere."),
    ] = None,
    package: Annotated[
        Path | None,
        typer.Option(help="Check an export package instead: its folder, or the ZIP. 校验移交包"),
    ] = None,
    ledger: Annotated[
        Path | None,
        typer.Option(help="Check a ledger instead, with the signature beside it. 校验台账"),
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option(help="Check an export of the journal instead: the ZIP, or its folder. 校验日志导出"),
    ] = None,
    json: Json = False,
) -> int:
    """Prove that archived recordings are what was written, and name what is not. 验证录像

    Needs only the files: no database, no network, no running server. On the machine that recorded, its own key and the
    chain heads in its database are trusted. Elsewhere give --public-key and --heads, both kept apart from the archive:
    only they prove the origin of the recordings, and that no chain was cut off. Exit code 0: all whole; 1: nothing to
    check; 4: damage, and each line names the file, the kind and the second.

    With --server the server reads one recording, named by its session, and says what it has found; it is journaled.
    """
    if (server := server_of(ctx)) is not None:
        check_wanted(target, all or witness, archive, public_key, heads, witness_keys, package, ledger, journal)
        return verify_at(Api(server), str(target), json)
    settings = settings_of(ctx)
    options: dict[str, object] = {
        "target": target,
        "--all": all,
        "--archive": archive,
        "--heads": heads,
        "--witness": witness,
        "--witness-keys": witness_keys,
    }
    _check_together(options | {"--package": package, "--ledger": ledger, "--journal": journal})
    if package is not None:
        return _verify_package(package, settings, public_key, json)
    if ledger is not None:
        return _verify_ledger(ledger, settings, public_key, json)
    if journal is not None:
        return _verify_journal(journal, settings, public_key, json)
    here = archive is None or archive.resolve() == settings.archive_dir
    keys, whose = _keys(settings, public_key, here)
    stored, compared = _heads(settings, heads, here and target is None)
    report = check(target, archive or settings.archive_dir, keys, stored)
    if witness:
        report.damages += _witness_damages(archive or settings.archive_dir, keys, witness_keys)
    if here and target is None and keys is not None:
        report.damages += _hold_damages(settings, keys)
    report.damages += _pack_damages(settings, report, here, target is None)
    return _said(report, whose, compared, target is None, json)


def _check_together(options: dict[str, object]) -> None:
    """Check that the options that were used go together. Raises BadParameter."""
    named = {name for name, value in options.items() if value not in (None, False)}
    for alone in ("--package", "--ledger", "--journal"):
        if alone in named and len(named) > 1:
            raise typer.BadParameter(f"{alone} goes with --public-key alone. 仅可与 --public-key 同用")
    if {"--all", "target"} <= named:
        raise typer.BadParameter("give a recording or --all, not both. 录像与 --all 只能给一项")
    if "--witness-keys" in named and "--witness" not in named:
        raise typer.BadParameter("--witness-keys goes with --witness. 与 --witness 同用")
    for whole in ("--heads", "--witness"):
        if {whole, "target"} <= named:
            raise typer.BadParameter(f"{whole} goes with the whole archive. 仅用于整个存档")


def _said(report: Report, whose: str, compared: list[str], chains: bool, json: bool) -> int:
    """Print a report, and return the exit code. `chains`: it is about chains, too, and their heads were `compared`."""
    if json:
        say({"ok": report.ok, **asdict(report), "keys": whose, "compared": compared}, as_json=True)
    else:
        _print(report, whose, compared if chains else None)
    if report.ok:
        return 0
    unknown = any(damage.kind == "not_found" for damage in report.damages)
    return FOUND if report.damages and not unknown else REFUSED


def _witness_damages(archive: Path, keys: Keys | None, folder: Path | None) -> list[Damage]:
    """Return where a chain contradicts what other sites have witnessed, and say how much was compared."""
    try:
        witnesses = witness_keys_in(folder or archive / PUBLIC)
        count, damages = check_witnesses(archive, keys or beside(archive), witnesses)
    except KeyProblem as error:
        raise typer.BadParameter(str(error)) from error
    if not count:
        _warn("no head was ever witnessed in this archive. 本存档没有互证记录。")
    elif folder is None:
        _warn("the keys of the witnesses are those in the archive: use --witness-keys. 互证公钥取自存档本身。")
    return damages


def _verify_package(package: Path, settings: Settings, public_key: list[Path] | None, json: bool) -> int:
    """Check a package by the keys that were named, or else those of this installation, or else its own."""
    if not package.exists():
        raise typer.BadParameter(f"there is no {package}. 移交包不存在")
    keys, whose = _keys(settings, public_key, True)
    report = check_package(package, keys)
    _said(report, whose, [], False, json)
    return 0 if report.ok else FOUND


def _verify_ledger(ledger: Path, settings: Settings, public_key: list[Path] | None, json: bool) -> int:
    """Check a ledger by the keys that were named, or else those of this installation."""
    keys, whose = _keys(settings, public_key, True)
    if keys is None:
        raise typer.BadParameter("this machine has no key of the archive: give --public-key. 本机没有存档公钥，请指定")
    return verify_ledger(ledger, keys, settings.archive_dir if whose == INSTALLED else None, json)


def _verify_journal(path: Path, settings: Settings, public_key: list[Path] | None, json: bool) -> int:
    """Check an export of the journal by the keys that were named, or else those of this installation."""
    if not path.exists():
        raise typer.BadParameter(f"there is no {path}. 文件不存在")
    keys, _ = _keys(settings, public_key, True)
    if keys is None:
        raise typer.BadParameter("this machine has no key of the archive: give --public-key. 本机没有存档公钥，请指定")
    return verify_journal(path, keys, json)


def _keys(settings: Settings, paths: list[Path] | None, here: bool) -> tuple[Keys | None, str]:
    """Return the trusted keys and where they are from. None: the keys in the archive."""
    try:
        if paths:
            return Keys(load(path) for path in paths), GIVEN
    except KeyProblem as error:
        raise typer.BadParameter(str(error)) from error
    try:
        return (trusted(settings.keys_dir, settings.archive_signing), INSTALLED) if here else (None, ARCHIVED)
    except KeyProblem:
        return None, ARCHIVED  # the result carries a warning


def _heads(settings: Settings, file: Path | None, database: bool) -> tuple[dict[str, set[str]], list[str]]:
    """Return the heads that the chains must hold, and the sources they are from."""
    found, compared = [], []
    if file is not None:
        try:
            found.append(read_heads(file.read_text(encoding="utf-8", errors="replace")))
        except (OSError, ValueError) as error:
            raise typer.BadParameter(f"{file}: {error}") from error
        if not found[0]:
            raise typer.BadParameter(f"{file}: there is no line `CHAIN site number:hash` in it. 其中没有链头")
        compared.append(str(file))
    if database:
        try:
            found.append(
                {site: [head] for site, head in asyncio.run(_heads_in_database(settings.database_url)).items()}
            )
            compared.append("database")
        except StorageUnavailable:
            pass  # the result carries a warning
    return merged_heads(found), compared


async def _heads_in_database(url: str) -> dict[str, str]:
    """Return the heads in the database. Raises StorageUnavailable; a missing database is not created."""
    if not _has_database(url):
        raise StorageUnavailable()
    engine = engine_for(url)
    try:
        return await ChainHeads(engine).all()
    finally:
        await engine.dispose()


def _hold_damages(settings: Settings, keys: Keys) -> list[Damage]:
    """Return where the legal holds in the database and in the chains differ, nothing where there is no database. An
    order that is being given at this moment differs once only."""
    try:
        first = asyncio.run(_hold_differences(settings, keys))
        lasting = set(asyncio.run(_hold_differences(settings, keys))) if first else set()
    except StorageUnavailable:
        return []  # the result carries a warning
    texts = {
        ROW_MISSING: "the database has lost its hold, which stands in the chain",
        LIFTED_BY_HAND: "the database says that its hold is lifted, and the chain does not",
        NOT_ENTERED: "its hold in the database is not in the chain",
        UNFINISHED_LIFT: "its hold is lifted in the chain and stands in the database",
    }
    return [
        Damage(Path(difference.session), "hold", f"{texts[difference.kind]} {difference.hold}".rstrip())
        for difference in first
        if difference in lasting
    ]


async def _hold_differences(settings: Settings, keys: Keys) -> list[HoldDifference]:
    if not _has_database(settings.database_url):
        raise StorageUnavailable()
    engine = engine_for(settings.database_url)
    try:
        rows, heads = await Holds(engine).listed(all=True), await ChainHeads(engine).all()
        return differences(rows, await asyncio.to_thread(facts_in, settings.archive_dir, keys, heads))
    finally:
        await engine.dispose()


def _pack_damages(settings: Settings, report: Report, here: bool, all: bool) -> list[Damage]:
    """Return where the text of a frozen pack is not the one that was frozen, and say where it cannot be compared."""
    named = {pack.rpartition(" ")[2] for pack in report.packs if is_hash(pack.rpartition(" ")[2])}
    try:
        if here and _has_database(settings.database_url):
            return asyncio.run(_packs_in_database(settings.database_url, named, all))
    except StorageUnavailable:
        pass  # said below
    if named:
        _warn("the texts of the frozen packs were compared with nothing: there is no database. 未核对规则包文本。")
    return []


async def _packs_in_database(url: str, named: set[str], all: bool) -> list[Damage]:
    """Return the packs among `named` whose text has another hash, or is gone although visits of this installation froze
    it; with `all` of every pack in the database. What was recorded elsewhere has its text there.

    Raises StorageUnavailable.
    """
    engine = engine_for(url)
    try:
        with storage_errors("The packs cannot be read."):
            async with reading(engine) as db:
                rows = (await db.execute(select(packs.c.sha256, packs.c.canonical))).all()
                frozen = {row.pack for row in await db.execute(select(visits.c.pack).distinct()) if row.pack}
    finally:
        await engine.dispose()
    texts = {row.sha256: row.canonical for row in rows}
    asked = named | (set(texts) | frozen if all else set())
    changed = {sha256 for sha256 in asked & set(texts) if pack_differs(texts[sha256].encode(), sha256)}
    found = [(sha256, PACK_DIFFERS) for sha256 in sorted(changed)]
    found += [(sha256, PACK_MISSING) for sha256 in sorted((asked & frozen) - set(texts))]
    return [Damage(Path(sha256), FROZEN_PACK, why) for sha256, why in found]


def _has_database(url: str) -> bool:
    """Whether there is a database to ask: a missing file is not created."""
    name = make_url(url)
    return name.get_backend_name() != "sqlite" or Path(name.database or "").is_file()


def _print(report: Report, whose: str, compared: list[str] | None) -> None:
    for damage in map(plain, report.damages):
        detail = f" ({damage['detail']})" if damage["detail"] else ""
        second = "" if damage["second"] is None else f" second {damage['second']:g}"
        print(f"{damage['kind'].upper()} {damage['path']}{second}{detail}")
    for site, head in report.heads.items():
        print(f"CHAIN {site} {head}")
    for pack, recordings in sorted(report.packs.items()):
        print(f"PACK {_printable(pack)} {recordings} recordings")
    for session, site in sorted(report.holds.items()):
        print(f"HELD {site} {_printable(session)}")
    if report.ok:
        print(f"WHOLE {report.recordings} recordings, {report.files} files, {report.bytes} bytes")
    elif not report.recordings and not report.damages:
        print("NOTHING the archive has no recording")
    if whose == ARCHIVED and report.recordings:
        _warn("the keys were taken from the archive itself: this proves that it is consistent, not its origin.")
        _warn("Use --public-key with a key that was kept elsewhere. 公钥取自存档本身，不能证明来源。")
    if compared == [] and report.recordings:
        _warn("the chain heads were compared with nothing: use --heads. 未比对链头，无法发现链尾被截。")


def _printable(text: str) -> str:
    """Return a text from the archive without signs that would move the cursor of a terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def _warn(text: str) -> None:
    print(f"WARNING: {text}", file=sys.stderr)

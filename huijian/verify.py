"""`huijian verify`: signatures, hashes, fragment chain and tracks of recordings, and the chains of the sites."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from config.settings import Settings
from huijian.complaints import FOUND, REFUSED
from huijian.saying import Json, plain, say
from recorder.report import Report
from recorder.signing import KeyProblem, Keys
from recorder.signing import public_key as load
from recorder.verify import verify as check


def verify(
    settings: Settings,
    target: Annotated[
        str | None,
        typer.Argument(help="A session's id, a recording's folder or a file in it; default: the whole archive."),
    ] = None,
    all: Annotated[bool, typer.Option("--all", help="The whole archive; the same as naming nothing.")] = False,
    archive: Annotated[Path | None, typer.Option(help="The archive, where it is not the settings' own.")] = None,
    public_key: Annotated[
        list[Path] | None,
        typer.Option(help="Believe this key (PEM) only; may be given again. Default: the keys in the archive."),
    ] = None,
    json: Json = False,
) -> int:
    """Prove that archived recordings are what was written, and name what is not. 验证录像

    Needs the files alone: no database, no network, no running server. With --public-key, one that was kept
    elsewhere, it also shows who recorded. Exit code 0: all whole; 1: nothing to look at; 4: something was
    changed, and the lines say what, and at which second.
    """
    if all and target is not None:
        raise typer.BadParameter("name a recording or say --all, not both")
    report = check(target, archive or settings.archive_dir, _keys(public_key))
    if json:
        say({"ok": report.ok, **asdict(report)}, as_json=True)
    else:
        _print(report)
    if report.ok:
        return 0
    return FOUND if report.recordings else REFUSED


def _keys(paths: list[Path] | None) -> Keys | None:
    try:
        return Keys(load(path) for path in paths) if paths else None
    except KeyProblem as error:
        raise typer.BadParameter(str(error)) from error


def _print(report: Report) -> None:
    for damage in map(plain, report.damages):
        detail = f" ({damage['detail']})" if damage["detail"] else ""
        second = "" if damage["second"] is None else f" second {damage['second']:g}"
        print(f"{damage['kind'].upper()} {damage['path']}{second}{detail}")
    for site, head in report.heads.items():
        print(f"CHAIN {site} {head}")
    if report.ok:
        print(f"WHOLE {report.recordings} recordings, {report.files} files, {report.bytes} bytes")
    elif not report.recordings and not report.damages:
        print("NOTHING there is no recording in the archive")

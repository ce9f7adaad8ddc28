"""Translates errors of the command line into one line on stderr and an exit code; no other module does."""

import sys

REFUSED, USAGE, STORAGE, FOUND, INTERNAL, INTERRUPTED = 1, 2, 3, 4, 70, 130


def report_error(error: Exception) -> int:
    """Print what is wrong in one line and return the exit code."""
    if type(error).__name__ == "NoArgsIsHelpError":
        print(getattr(error, "message", ""))
        return USAGE
    text, code = _translate(error)
    if text:
        print(f"huijian: {' '.join(text.split())}", file=sys.stderr)
    return code


def _translate(error: Exception) -> tuple[str, int]:
    from typer import Abort

    from broker.kernel.errors import CredentialTooNew, SamePerson, StorageUnavailable, VisitError

    if isinstance(error, Abort):
        return "interrupted", INTERRUPTED
    if isinstance(error, VisitError):
        remote = error.extra.get("from_server")
        if remote or isinstance(error, CredentialTooNew | SamePerson):  # officers read these, not only technicians
            return f"{error.detail_en} {error.detail_zh}", STORAGE if isinstance(error, StorageUnavailable) else REFUSED
        return error.detail_en, STORAGE if isinstance(error, StorageUnavailable) else REFUSED
    usage = getattr(error, "format_message", None)
    if usage is not None:  # usage errors of typer, which has no public base class for them
        command = getattr(getattr(error, "ctx", None), "command_path", "huijian")
        return f"{usage()} (see {command} --help)", USAGE
    return _translate_other(error)


def _translate_other(error: Exception) -> tuple[str, int]:
    from config.lines.records import places
    from config.network import NoServer
    from config.pack_loader import PackError
    from config.policy import LooserThanLaw
    from config.private_files import NotPrivate
    from config.settings import SettingsError
    from huijian.supervisor import NotRunning
    from kiosk_agent.settings import KioskSettingsError
    from recorder.evidence.algorithms import KeyProblem

    if isinstance(error, SettingsError | KioskSettingsError | PackError | LooserThanLaw | NoServer):
        return str(error), USAGE
    if isinstance(error, NotRunning | NotPrivate):
        return str(error), REFUSED
    if isinstance(error, KeyProblem):
        return f"the archive's key: {error}", REFUSED
    if isinstance(error, UnicodeError):
        encoding = sys.getfilesystemencoding()
        return f"an argument or input is not text in this terminal's encoding ({encoding}); use UTF-8", USAGE
    if isinstance(error, OSError):
        what = error.strerror or str(error)
        return f"{error.filename}: {what}" if error.filename else what, REFUSED
    where = places(error)[-1:] or ["?"]  # and not the text, which quotes data: this line may go into a log
    return f"a mistake of ours: {type(error).__name__} at {where[0]} (HUIJIAN_TRACEBACK=1 shows more)", INTERNAL

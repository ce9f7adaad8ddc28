"""Entry point of `huijian` and `python -m huijian`: runs a command; errors become an exit code and at most one line.

Exit codes: 0 done, 1 refused, 2 wrong usage or settings, 3 the database does not answer, 4 a check found something
wrong, 70 an error in Huijian itself, 130 interrupted.
"""

import os
import sys
import traceback
from collections.abc import Sequence

from broker.kernel.system_folders import use_system_folders
from huijian import streams


def main() -> None:
    """Run as the console script. Files that it writes, database and recordings above all, get no access for others."""
    _use_utf8_instead_of_ascii()
    os.umask(0o077)
    use_system_folders()
    out = streams.prepare()
    code = run(sys.argv[1:])
    if out.failure is not None and streams.has_effect():
        why = out.failure.strerror
        print(f"huijian: 已办理，但结果无法输出。done, but the answer could not be printed: {why}", file=sys.stderr)
    sys.exit(code)


def _use_utf8_instead_of_ascii() -> None:
    """Begin again in UTF-8 where Python takes all text for ASCII: in such a place no name of a folder or a person could
    be read or printed. Python does so by itself in the C locale, unless it was told not to."""
    if sys.getfilesystemencoding() == "ascii" and os.environ.get("PYTHONUTF8") != "1":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def run(args: Sequence[str]) -> int:
    """Run one command line and return its exit code; an error is one line on stderr, never a trace."""
    from huijian.main import app

    try:
        result = app(args, prog_name="huijian", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of the pipe has ended, as with `| head`
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if os.environ.get("HUIJIAN_TRACEBACK"):
            traceback.print_exc()
            return 70
        from huijian.errors import report_error

        return report_error(error)
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    main()

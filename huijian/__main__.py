"""Entry point of `huijian` and `python -m huijian`: runs a command; errors become an exit code and at most one line.

Exit codes: 0 done, 1 refused, 2 wrong usage or settings, 3 the database does not answer, 4 a check found something
wrong, 70 an error in Huijian itself, 130 interrupted.
"""

import os
import sys
from collections.abc import Sequence


def main() -> None:
    """Run as the console script. Files that it writes, database and recordings above all, get no access for others."""
    os.umask(0o077)
    sys.exit(run(sys.argv[1:]))


def run(args: Sequence[str]) -> int:
    """Run one command line and return its exit code; an error is one line on stderr, never a trace."""
    from huijian.main import app

    try:
        result = app(args, prog_name="huijian", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of the pipe has ended, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if os.environ.get("HUIJIAN_TRACEBACK"):
            raise
        from huijian.errors import report_error

        return report_error(error)
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    main()

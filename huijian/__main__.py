"""`huijian` and `python -m huijian`: run a command, answer with an exit code and at most one line.

Exit codes: 0 done, 1 refused, 2 wrong usage or settings, 3 the database does not answer, 4 a check
found something wrong, 70 a mistake of ours, 130 interrupted.
"""

import os
import sys
from collections.abc import Sequence


def main() -> None:
    """The console script. What it writes, database and recordings above all, is nobody else's to read."""
    os.umask(0o077)
    sys.exit(run(sys.argv[1:]))


def run(args: Sequence[str]) -> int:
    """Run one command line and return its exit code; errors go to stderr, never as a trace."""
    from huijian.main import app

    try:
        result = app(args, prog_name="huijian", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has gone, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if os.environ.get("HUIJIAN_TRACEBACK"):
            raise
        from huijian.errors import complain

        return complain(error)
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    main()

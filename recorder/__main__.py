"""`python -m recorder [--config FILE]`: the recorder as a process of its own. Settings come as for all of Huijian,
from the file and from HUIJIAN_* in the environment."""

import asyncio
import sys
from pathlib import Path

from config.logs import configure
from config.settings import Settings, SettingsError
from recorder.evidence.signing import KeyProblem
from recorder.process import main


def run(arguments: list[str]) -> int:
    """The process's exit code."""
    if arguments and (len(arguments) != 2 or arguments[0] != "--config"):
        print("usage: python -m recorder [--config FILE]", file=sys.stderr)
        return 2
    try:
        settings = Settings.load(Path(arguments[1]) if arguments else None)
        settings.prepare()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    configure(settings.log_level)
    try:
        asyncio.run(main(settings))
    except KeyProblem as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))

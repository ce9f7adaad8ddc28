"""`python -m recorder [--config FILE]`: the entry point of the recorder process. Settings come from the file and from
HUIJIAN_* in the environment, as for every process of Huijian."""

import asyncio
import gc
import os
import sys
from pathlib import Path

from broker.kernel.system_folders import use_system_folders
from config.logs import configure
from config.settings import Settings, SettingsError


def run(arguments: list[str]) -> int:
    """Run the recorder and return its exit code: 2 for wrong arguments, settings or keys."""
    use_system_folders()
    os.umask(0o077)
    configure(os.environ.get("HUIJIAN_LOG_LEVEL", "info"))
    from recorder.evidence.signing import KeyProblem
    from recorder.process import main  # imports av

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
    gc.freeze()  # modules live as long as the process: the collector need not visit them
    try:
        asyncio.run(main(settings))
    except KeyProblem as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))

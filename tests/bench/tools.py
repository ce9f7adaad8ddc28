"""Requirements of the benchmarks: a compiler, libsrtp's headers, Janus, two cores. Missing Debian packages are
installed when the process is root; otherwise a line says what to install."""

import os
import shutil
import subprocess
from pathlib import Path

import typer

HERE = Path(__file__).parent
NEEDED = {"gcc": "gcc", "libc6-dev": "/usr/include/stdio.h", "libsrtp2-dev": "/usr/include/srtp2/srtp.h"}
JANUS = {"janus": "janus"}


def require(packages: dict[str, str], what_for: str) -> bool:
    """Whether the packages are installed, after an attempt to install them. Each is known by a command or file of
    it."""
    missing = [package for package, sign in packages.items() if not _there(sign)]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        typer.echo(f"installing {' '.join(missing)} for {what_for}")
        _install(missing)
        missing = [package for package in missing if not _there(packages[package])]
    if missing:
        typer.echo(f"missing for {what_for}: as root, apt-get install {' '.join(missing)}", err=True)
    return not missing


def cores() -> tuple[int, int]:
    """Return the core of the server under test and the core of the load. Raises RuntimeError when there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise RuntimeError("the bench needs two cores: one for the server, one for the load")
    return usable[0], usable[1]


def compile_shared(name: str, folder: Path, *libraries: str) -> Path:
    """Compile `name`.c of this folder into a shared object in `folder`, and return its path."""
    target = folder / f"{name}.so"
    command = ["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", str(target), str(HERE / f"{name}.c")]
    subprocess.run([*command, *(f"-l{library}" for library in libraries)], check=True)
    return target


def _there(sign: str) -> bool:
    return Path(sign).exists() if sign.startswith("/") else shutil.which(sign) is not None


def _install(packages: list[str]) -> None:
    quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
    subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)  # type: ignore[call-overload]
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    subprocess.run(command, check=False, **quiet)  # type: ignore[call-overload]

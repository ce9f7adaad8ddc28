"""Folders that bundled libraries look into: the system's, never one that every user of the machine may make."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from broker.kernel.system_folders import SYSTEM_FOLDERS, use_system_folders

NOT_READ = {
    "/tmp/vendor/lib": "where libraries lay when they were built; the loader looks beside the wheel's own",
    "/tmp/vendor/lib/libmfx-gen.so.1.2": "loaded by Intel's QSV codecs alone, which are never chosen",
}
BY_VARIABLE = {
    "/tmp/vendor/share/alsa": "ALSA_CONFIG_DIR",
    "/tmp/vendor/share/alsa/ucm": "ALSA_CONFIG_UCM",
    "/tmp/vendor/share/alsa/ucm2": "ALSA_CONFIG_UCM2",
    "/tmp/vendor/lib/alsa-lib": "ALSA_PLUGIN_DIR",
    "/tmp/vendor/etc/gnutls/config": "GNUTLS_SYSTEM_PRIORITY_FILE",
}


def folders_in_the_wheel():
    """Return the paths under /tmp, each a string of its own in a library that PyAV's wheel bundles."""
    folder = Path(find_spec("av").origin).parent.parent / "av.libs"
    found = set()
    for library in folder.glob("*.so*"):
        found |= set(re.findall(rb"(?<=\0)/tmp/vendor/[ -~]*(?=\0)", library.read_bytes()))
    return {path.decode() for path in found}


def test_every_folder_under_tmp_in_the_wheel_is_known_and_replaced():
    assert folders_in_the_wheel() - set(NOT_READ) == set(BY_VARIABLE)
    for name in BY_VARIABLE.values():
        assert SYSTEM_FOLDERS[name].startswith(("/usr/", "/etc/"))


def test_what_an_operator_has_chosen_stays():
    environment = {"ALSA_CONFIG_DIR": "/opt/alsa", "ALSA_PLUGIN_DIR": ""}
    use_system_folders(environment)
    assert environment["ALSA_CONFIG_DIR"] == "/opt/alsa"
    assert environment["ALSA_PLUGIN_DIR"] == SYSTEM_FOLDERS["ALSA_PLUGIN_DIR"]


@pytest.mark.parametrize("command", ["huijian.__main__", "recorder.__main__"])
def test_commands_set_them_before_they_import_the_library(command):
    """GnuTLS reads its file while it is loaded."""
    script = (
        "import os, sys; entry = __import__(sys.argv[1], fromlist=['run']); assert 'av' not in sys.modules\n"
        "sys.argv[1:] = ['--nothing']\n"
        "try: entry.main() if hasattr(entry, 'main') else entry.run(['--nothing'])\n"
        "except SystemExit: pass\n"
        "print(os.environ['GNUTLS_SYSTEM_PRIORITY_FILE'], os.environ['ALSA_CONFIG_DIR'])"
    )
    bare = {name: value for name, value in os.environ.items() if name not in SYSTEM_FOLDERS}
    done = subprocess.run(
        [sys.executable, "-c", script, command], env=bare, capture_output=True, text=True, encoding="utf-8", check=True
    )
    assert done.stdout.splitlines()[-1] == "/etc/gnutls/config /usr/share/alsa"

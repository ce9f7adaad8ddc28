"""The system's folders, for libraries that wheels bundle. Such a library was built elsewhere and looks for its
configuration in the folders of that build: PyAV's ALSA and GnuTLS under /tmp/vendor, which does not exist (no device
opens, no room has sound), and which every user of the machine may make (then their file decides what is loaded).

The variables are those that the libraries themselves read. GnuTLS reads its own while it is loaded, so commands call
`use_system_folders` before anything imports `av`."""

import os
import sysconfig
from collections.abc import MutableMapping
from pathlib import Path

ALSA_CONFIG = Path("/usr/share/alsa")
"""Where Debian's package libasound2-data has ALSA's configuration."""
_PLUGINS = [Path("/usr/lib", sysconfig.get_config_var("MULTIARCH") or "", "alsa-lib"), Path("/usr/lib64/alsa-lib")]

SYSTEM_FOLDERS = {
    "ALSA_CONFIG_DIR": str(ALSA_CONFIG),
    "ALSA_CONFIG_PATH": str(ALSA_CONFIG / "alsa.conf"),
    "ALSA_CONFIG_UCM": str(ALSA_CONFIG / "ucm"),
    "ALSA_CONFIG_UCM2": str(ALSA_CONFIG / "ucm2"),
    "ALSA_PLUGIN_DIR": str(next((folder for folder in _PLUGINS if folder.is_dir()), _PLUGINS[0])),
    "GNUTLS_SYSTEM_PRIORITY_FILE": "/etc/gnutls/config",
    "OPENCV_OPENCL_CACHE_ENABLE": "0",  # without a home it lies in /var/tmp or /tmp; OpenCL is not used
}
"""Variables by which bundled libraries find files, and where those of the system lie."""


def use_system_folders(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set each variable that is not set: what an operator has chosen stays. Child processes inherit them."""
    for name, value in SYSTEM_FOLDERS.items():
        if not environment.get(name):
            environment[name] = value

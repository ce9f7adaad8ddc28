"""The browser's managed policies for a terminal: no address but the agent's own, no tools, no printing, no downloads,
no windows of its own. Chromium reads them from a folder that belongs to the administrator; the agent writes the file
where it may, and otherwise says what to do. Camera and microphone are granted to the page's origin and to no other."""

import logging
from pathlib import Path
from typing import Any

from broker.kernel.atomic_files import read_json, write_json
from kiosk_agent.room.server import HOST

log = logging.getLogger(__name__)

FOLDER = Path("/etc/chromium/policies/managed")
"""Where Debian's Chromium looks for managed policies."""
FILE = "huijian-kiosk.json"
_REFUSED = 2
"""Value of a default content setting: the page may not, and nobody is asked."""


def managed_policies() -> dict[str, Any]:
    """Return the policies by name. The port is the agent's choice at each start, so patterns name the host alone."""
    origins = [f"http://{HOST}:*"]
    return {
        "URLBlocklist": ["*"],
        "URLAllowlist": [HOST],
        "VideoCaptureAllowed": False,
        "VideoCaptureAllowedUrls": origins,
        "AudioCaptureAllowed": False,
        "AudioCaptureAllowedUrls": origins,
        "AutoplayAllowed": True,
        "WebRtcLocalIpsAllowedUrls": [HOST],
        "DeveloperToolsAvailability": 2,
        "PrintingEnabled": False,
        "DownloadRestrictions": 3,
        "AllowFileSelectionDialogs": False,
        "ScreenCaptureAllowed": False,
        "TaskManagerEndProcessEnabled": False,
        "IncognitoModeAvailability": 1,
        "BrowserGuestModeEnabled": False,
        "BrowserAddPersonEnabled": False,
        "BrowserSignin": 0,
        "SyncDisabled": True,
        "PasswordManagerEnabled": False,
        "AutofillAddressEnabled": False,
        "AutofillCreditCardEnabled": False,
        "TranslateEnabled": False,
        "SpellcheckEnabled": False,
        "SearchSuggestEnabled": False,
        "DefaultSearchProviderEnabled": False,
        "BookmarkBarEnabled": False,
        "EditBookmarksEnabled": False,
        "ExtensionInstallBlocklist": ["*"],
        "BackgroundModeEnabled": False,
        "MetricsReportingEnabled": False,
        "AllowDinosaurEasterEgg": False,
        "DefaultPopupsSetting": _REFUSED,
        "DefaultGeolocationSetting": _REFUSED,
        "DefaultNotificationsSetting": _REFUSED,
        "DefaultWebUsbGuardSetting": _REFUSED,
        "DefaultWebHidGuardSetting": _REFUSED,
        "DefaultSerialGuardSetting": _REFUSED,
        "DefaultWebBluetoothGuardSetting": _REFUSED,
        "DefaultFileSystemReadGuardSetting": _REFUSED,
        "DefaultFileSystemWriteGuardSetting": _REFUSED,
    }


def install_policies(folder: Path = FOLDER) -> bool:
    """Write the policies into the browser's folder, where they are not there already; return whether they are there
    now."""
    path, wanted = folder / FILE, managed_policies()
    if read_json(path) == wanted:
        return True
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(path, wanted)
    except OSError as error:
        log.warning(
            "the browser's policies are not installed: start the agent once as root",
            extra={"folder": str(folder), "error": type(error).__name__},
        )
        return False
    return True

"""Opens microphone and loudspeaker through FFmpeg's ALSA devices, with the configuration of the system: the ALSA
library in PyAV's wheel would look for one where any user can put it."""

import av
from av.container import InputContainer, OutputContainer

from broker.kernel.system_folders import ALSA_CONFIG, use_system_folders

ALSA = "alsa"
_ONE_CHANNEL = {"channels": "1"}
"""FFmpeg asks for two channels; a microphone that is addressed without a conversion (`hw:…`) may have only one."""


class NoDevice(OSError):
    """A device that cannot be opened; the text names it and what to do."""


def open_input(device: str, format_name: str | None) -> InputContainer:
    """Open an ALSA device for capture, or what FFmpeg's input `format_name` means by that name. Raises NoDevice."""
    use_system_folders()
    try:
        return av.open(device, format=format_name)
    except (av.FFmpegError, OSError) as error:
        if format_name != ALSA:
            raise NoDevice(_why(device, format_name, error)) from error
        first = error
    try:
        return av.open(device, format=format_name, options=_ONE_CHANNEL)
    except (av.FFmpegError, OSError):
        raise NoDevice(_why(device, format_name, first)) from first


def open_output(device: str, format_name: str) -> OutputContainer:
    """Open an ALSA device for playback, or what FFmpeg's output `format_name` means by that name. Raises NoDevice when
    there is no such output; the device itself is opened with the first sound."""
    use_system_folders()
    try:
        return av.open(device, "w", format=format_name)
    except (av.FFmpegError, OSError) as error:
        raise NoDevice(_why(device, format_name, error)) from error


def reason(device: str, format_name: str | None, error: Exception) -> str:
    """Return in one line why a device failed and what to do."""
    return str(error) if isinstance(error, NoDevice) else _why(device, format_name, error)


def _why(device: str, format_name: str | None, error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    if format_name != ALSA:
        return f"{device} cannot be opened: {text}"
    if not (ALSA_CONFIG / "alsa.conf").is_file():
        return f"{device} cannot be opened: ALSA has no configuration, install the package libasound2-data"
    hint = "is it plugged in, free, and may this user use it (group audio)? `arecord -L` and `aplay -L` list devices"
    return f"{device} cannot be opened: {text}; {hint}"

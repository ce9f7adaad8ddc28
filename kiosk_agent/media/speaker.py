"""Plays the far room's sound, and talkback over it, on the loudspeaker: FFmpeg's ALSA output in a thread of its own. At
most 200 ms of each wait to be played, see `mixer.py`."""

import logging
import threading

import av
import numpy as np
from av import AudioFrame
from numpy.typing import NDArray

from kiosk_agent.media.alsa import ALSA, open_output, reason
from kiosk_agent.media.frames import CHUNK, RATE, mono_samples, sound_frame
from kiosk_agent.media.mixer import Input, Mixer

log = logging.getLogger(__name__)


class Speaker:
    """Loudspeaker `device` of FFmpeg's output `format_name`, opened at the first sound.

    A device that fails is logged once and then not used: the visit goes on, and the next self-test reports it."""

    def __init__(self, device: str = "default", format_name: str = ALSA) -> None:
        self.played = self.dropped = 0
        self.failed: str | None = None
        self._device, self._format = device, format_name
        self._mixer = Mixer()
        self._thread: threading.Thread | None = None

    def play(self, frame: AudioFrame, source: Input = Input.ROOM) -> None:
        """Queue a decoded frame of the far room or of talkback; return at once."""
        if self.failed is not None:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="speaker", daemon=True)
            self._thread.start()
        self.dropped += not self._mixer.put(source, mono_samples(frame).copy())

    def close(self, wait: float = 2.0) -> None:
        """Play what is queued, then end the thread."""
        if self._thread is None:
            return
        self._mixer.close()
        self._thread.join(wait)  # a thread stuck in the driver is a daemon and does not keep the process alive
        self._thread = None

    def chime(self, tone: NDArray[np.int16]) -> bool:
        """Play a tone for the self-test; return False when no device takes it. Blocks for its length."""
        try:
            with open_output(self._device, self._format) as output:
                stream = output.add_stream("pcm_s16le", rate=RATE, layout="mono")
                output.mux(stream.encode(sound_frame(tone, 0)))
                output.mux(stream.encode(None))
        except (av.FFmpegError, OSError) as error:
            log.warning("no loudspeaker", extra={"error": reason(self._device, self._format, error)})
            return False
        return True

    def _run(self) -> None:
        try:
            with open_output(self._device, self._format) as output:
                stream = output.add_stream("pcm_s16le", rate=RATE, layout="mono")
                while (samples := self._mixer.take()) is not None:
                    output.mux(stream.encode(sound_frame(samples, self.played * CHUNK)))
                    self.played += 1
                output.mux(stream.encode(None))
        except (av.FFmpegError, OSError) as error:
            self.failed = reason(self._device, self._format, error)
            log.warning("the loudspeaker failed", extra={"error": self.failed})

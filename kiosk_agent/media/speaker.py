"""The far room's sound, and an officer's over it, out of the loudspeaker, through FFmpeg's ALSA output in a thread of
its own. At most 200 ms of each wait to be played: see `mixing.py`."""

import logging
import threading

import av
import numpy as np
from av import AudioFrame

from huijian.demo.synthetic.sources import sound_frame
from huijian.demo.synthetic.voice import CHUNK, RATE
from kiosk_agent.media.mixer import Input, Mix
from kiosk_agent.media.source import mono_samples

log = logging.getLogger(__name__)


class Speaker:
    """Plays frames on `device` by FFmpeg's output `format_name`. Opens at the first sound; a device that fails is
    reported once and then left alone: the visit goes on, the self-test will say so."""

    def __init__(self, device: str = "default", format_name: str = "alsa") -> None:
        self.played = self.dropped = 0
        self.failed: str | None = None
        self._device, self._format = device, format_name
        self._mix = Mix()
        self._thread: threading.Thread | None = None

    def play(self, frame: AudioFrame, source: Input = Input.ROOM) -> None:
        """Queues a decoded frame of the far room, or of an officer who speaks in; returns at once."""
        if self.failed is not None:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="speaker", daemon=True)
            self._thread.start()
        self.dropped += not self._mix.put(source, mono_samples(frame).copy())

    def close(self, wait: float = 2.0) -> None:
        """Plays what waits, then ends the thread."""
        if self._thread is None:
            return
        self._mix.close()
        self._thread.join(wait)  # one that is stuck inside the driver is a daemon
        self._thread = None

    def chime(self) -> bool:
        """A short tone for the self-test; False when there is no device that takes it. Blocks for its length."""
        time = np.arange(CHUNK * 10) / RATE
        tone = (np.sin(2 * np.pi * 660 * time) * np.hanning(len(time)) * 8000).astype(np.int16)
        try:
            with av.open(self._device, "w", format=self._format) as output:
                stream = output.add_stream("pcm_s16le", rate=RATE, layout="mono")
                output.mux(stream.encode(sound_frame(tone, 0)))
                output.mux(stream.encode(None))
        except (av.FFmpegError, OSError) as error:
            log.warning("no loudspeaker", extra={"error": str(error)})
            return False
        return True

    def _run(self) -> None:
        try:
            with av.open(self._device, "w", format=self._format) as output:
                stream = output.add_stream("pcm_s16le", rate=RATE, layout="mono")
                while (samples := self._mix.take()) is not None:
                    output.mux(stream.encode(sound_frame(samples, self.played * CHUNK)))
                    self.played += 1
                output.mux(stream.encode(None))
        except (av.FFmpegError, OSError) as error:
            self.failed = str(error)
            log.warning("the loudspeaker failed", extra={"error": self.failed})

"""Microphone and loudspeaker through the real ALSA library of the wheel, on devices that a configuration makes up. Each
test runs in a process of its own, because ALSA reads its configuration once."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from broker.kernel.system_folders import SYSTEM_FOLDERS
from kiosk_agent.media.frames import RATE

CONFIGURATION = """
pcm.!default {{ type null }}
pcm.room {{ type file slave.pcm "null" file "/dev/null" infile "{tone}" format raw }}
pcm.mono {{ type multi slaves.a.pcm "null" slaves.a.channels 1 bindings.0 {{ slave a channel 0 }} }}
"""


@pytest.fixture
def in_a_room(tmp_path):
    """Return a function that runs a script where ALSA has these devices, and returns what it prints last as JSON."""
    tone = tmp_path / "tone.raw"
    (np.sin(np.arange(2 * RATE) * 0.05) * 8000).astype("<i2").tofile(tone)
    (tmp_path / ".asoundrc").write_text(CONFIGURATION.format(tone=tone), encoding="utf-8")
    bare = {name: value for name, value in os.environ.items() if name not in SYSTEM_FOLDERS}

    def run(script, **variables):
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)],
            env={**bare, "HOME": str(tmp_path), **variables},
            capture_output=True,
            encoding="utf-8",
            check=True,
            cwd=Path(__file__).parents[3],
        )
        return json.loads(done.stdout.splitlines()[-1])

    return run


LISTEN = """
    import asyncio, json, sys
    from kiosk_agent.media.device import Microphone
    from kiosk_agent.media.frames import mono_samples
    from kiosk_agent.media.source import SourceClock, SourceError
    async def listen():
        microphone = Microphone({device!r}, SourceClock())
        try:
            frames = [await microphone.take() for _ in range(20)]
        except SourceError as error:
            return {{"error": str(error)}}
        loudest = max(int(abs(mono_samples(frame)).max()) for frame in frames)
        await microphone.close()
        return {{"rate": frames[0].sample_rate, "samples": frames[0].samples, "loudest": loudest}}
    print(json.dumps(asyncio.run(listen())))
"""


def test_the_rooms_microphone_opens_as_installed(in_a_room):
    heard = in_a_room(LISTEN.format(device="default"))
    assert (heard["rate"], heard["samples"]) == (48_000, 960)


def test_what_the_microphone_hears_arrives(in_a_room):
    assert 7000 < in_a_room(LISTEN.format(device="room"))["loudest"] < 9000


def test_a_microphone_of_one_channel_opens_without_a_conversion(in_a_room):
    assert in_a_room(LISTEN.format(device="mono"))["samples"] == 960


def test_a_microphone_that_is_not_there_is_named_with_what_to_do(in_a_room):
    error = in_a_room(LISTEN.format(device="hw:7"))["error"]
    assert "hw:7 cannot be opened" in error and "arecord -L" in error and "/tmp" not in error


def test_the_loudspeaker_opens_and_plays(in_a_room):
    script = """
        import json
        import numpy as np
        from kiosk_agent.media.frames import CHUNK, sound_frame
        from kiosk_agent.media.speaker import Speaker
        speaker = Speaker()
        chimed = speaker.chime(np.full(960, 1000, np.int16))
        for number in range(5):
            speaker.play(sound_frame(np.full(CHUNK, 900, np.int16), number * CHUNK))
        speaker.close()
        print(json.dumps([chimed, speaker.failed, speaker.played > 0]))
    """
    assert in_a_room(script) == [True, None, True]


def test_a_loudspeaker_that_is_not_there_is_said_once_and_left_alone(in_a_room):
    script = """
        import json
        import numpy as np
        from kiosk_agent.media.frames import CHUNK, sound_frame
        from kiosk_agent.media.speaker import Speaker
        speaker = Speaker("hw:7")
        chimed = speaker.chime(np.full(960, 1000, np.int16))
        speaker.play(sound_frame(np.full(CHUNK, 900, np.int16), 0))
        speaker.close()
        print(json.dumps([chimed, speaker.failed]))
    """
    chimed, failed = in_a_room(script)
    assert chimed is False and "hw:7 cannot be opened" in failed and "aplay -L" in failed


def test_a_configuration_that_an_operator_names_is_used(in_a_room, tmp_path):
    (tmp_path / "own.conf").write_text("pcm.own { type null }\n", encoding="utf-8")
    heard = in_a_room(LISTEN.format(device="own"), ALSA_CONFIG_PATH=str(tmp_path / "own.conf"))
    assert heard["samples"] == 960

"""Tests of the texts that name sources."""

import pytest

from broker.kernel.ids import Side
from huijian.demo.synthetic.sources import generated_sources
from kiosk_agent.media.source import SourceError
from kiosk_agent.media.sources import open_sources


class TestOpenSources:
    @pytest.mark.parametrize("spec", ["", "file:", "file:/nowhere/at-all.mp4", "camera", "generated:1"])
    def test_a_text_that_names_no_source_is_refused(self, spec: str) -> None:
        with pytest.raises(SourceError):
            open_sources(spec, Side.PRISON, {"generated": generated_sources})

"""Parsing of offers (RFC 8866): those of real clients, malformed ones, and the largest ones."""

import contextlib
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.kernel.errors import MalformedSdp, VisitError
from broker.media.sdp import MAX_FORMATS, MAX_SDP, parse_offer
from broker.relay.negotiation.answer import answer_subscriber
from tests.support.relay.sdp_samples import ENDPOINT, PUBLISHERS, STREAMS, WATCHERS, offer, without


def refusal(text: str) -> str:
    with pytest.raises(MalformedSdp) as caught:
        parse_offer(text)
    assert caught.value.http_status == 400
    assert caught.value.detail_zh.startswith("SDP")
    return caught.value.detail_en


class TestRealOffers:
    @pytest.mark.parametrize("name", PUBLISHERS + WATCHERS)
    def test_are_understood(self, name: str) -> None:
        read = parse_offer(offer(name))
        assert [media.kind for media in read.media] == ["audio", "video"]
        assert read.bundle == ("0", "1")
        assert read.fingerprint[0] == "sha-256"
        assert len(read.fingerprint[1].split(":")) == 32
        assert {media.direction for media in read.media} == {"sendonly" if "publish" in name else "recvonly"}

    def test_name_their_codecs(self) -> None:
        audio, video = parse_offer(offer("chromium-publish")).media
        assert ("opus", 48000) in {(codec.name, codec.clock) for codec in audio.codecs}
        h264 = [codec for codec in video.codecs if codec.name == "h264"]
        assert {codec.parameters["packetization-mode"] for codec in h264} == {"0", "1"}
        assert all("nack pli" in codec.feedback and "goog-remb" in codec.feedback for codec in h264)

    def test_name_the_end_that_begins_the_handshake(self) -> None:
        assert parse_offer(offer("chromium-publish")).setup == "actpass"
        assert parse_offer(offer("whip-muxer-publish")).setup == "passive"

    def test_may_end_their_lines_with_or_without_carriage_return(self) -> None:
        text = offer("aiortc-publish")
        assert parse_offer(text.replace("\r\n", "\n")) == parse_offer(text)

    def test_may_keep_transport_attributes_at_the_session_level(self) -> None:
        text = offer("aiortc-publish")
        moved = [line for line in text.splitlines() if line.startswith(("a=ice-", "a=fingerprint", "a=setup"))]
        bare = without(text, "^a=(ice-|fingerprint|setup)")
        head, rest = bare.split("m=", 1)
        read = parse_offer(head + "\r\n".join(dict.fromkeys(moved)) + "\r\nm=" + rest)
        assert (read.ufrag, read.setup) == ("frag1", "actpass")

    def test_feedback_for_all_payload_types_counts_for_each(self) -> None:
        text = without(offer("aiortc-publish"), "rtcp-fb").replace("a=rtpmap:97", "a=rtcp-fb:* nack\r\na=rtpmap:97")
        assert all("nack" in codec.feedback for codec in parse_offer(text).media[1].codecs)


class TestRefusals:
    def test_of_text_that_is_no_sdp(self) -> None:
        for text in ("", "\r\n", "hello", "{}", "o=x\r\nv=0\r\n"):
            assert "v=0" in refusal(text)

    def test_of_more_than_64_kib(self) -> None:
        assert "64 KiB" in refusal("v=0\r\n" + "a=x\r\n" * MAX_SDP)
        assert "64 KiB" not in refusal("v=0\r\n" + "a=" + "x" * (MAX_SDP - 7))

    def test_of_no_or_too_many_media(self) -> None:
        assert "m-lines" in refusal("v=0\r\ns=-\r\n")
        assert "m-lines" in refusal(offer("aiortc-publish") + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" * 7)

    def test_of_two_media_with_one_mid(self) -> None:
        assert "same mid" in refusal(offer("aiortc-publish").replace("a=mid:1", "a=mid:0"))

    @pytest.mark.parametrize("name", ["ice-ufrag", "ice-pwd", "fingerprint", "setup"])
    def test_of_an_offer_without_what_the_transport_needs(self, name: str) -> None:
        assert name in refusal(without(offer("aiortc-publish"), f"^a={name}:"))

    def test_of_a_fingerprint_by_a_broken_hash(self) -> None:
        assert "sha-256" in refusal(offer("whip-muxer-publish").replace("sha-256", "sha-1"))

    def test_of_roles_that_do_not_exist(self) -> None:
        assert "setup" in refusal(offer("aiortc-publish").replace("setup:actpass", "setup:holdconn"))

    def test_of_cut_off_media_lines(self) -> None:
        assert "cut off" in refusal(offer("aiortc-publish") + "m=audio 9\r\n")

    def test_of_ssrcs_that_are_no_numbers(self) -> None:
        assert "ssrc" in refusal(offer("aiortc-publish").replace("a=ssrc:", "a=ssrc:x"))
        assert "ssrc" in refusal(offer("aiortc-publish").replace("a=ssrc:", "a=ssrc:99999999999"))
        assert "ssrc" in refusal(offer("aiortc-publish").replace("a=ssrc:", f"a=ssrc:{'1' * 5000} "))

    def test_of_more_formats_than_there_are_payload_types(self) -> None:
        line = "m=video 50000 UDP/TLS/RTP/SAVPF 97 98 99 100 101 102"
        full = line + " 97" * (MAX_FORMATS - 6)
        text = offer("aiortc-publish")
        assert parse_offer(text.replace(line, full)).media[1].codecs == parse_offer(text).media[1].codecs
        assert "128 formats" in refusal(text.replace(line, full + " 97"))

    def test_of_values_with_blanks_or_letters_beyond_ascii(self) -> None:
        for bad in ("fr ag", "会见", "x" * 257, ""):
            assert "value" in refusal(offer("aiortc-publish").replace("ice-ufrag:frag1", f"ice-ufrag:{bad}"))

    @given(st.text(max_size=400))
    def test_are_the_only_error_of_any_text(self, text: str) -> None:
        with pytest.raises(MalformedSdp):
            parse_offer(text)
            raise MalformedSdp("nothing to refuse")


def steps_of(work: Callable[[], object]) -> int:
    """Return how many bytecode instructions `work` takes: the same number on every machine."""
    count = 0

    def step(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return step

    before = sys.gettrace()
    sys.settrace(step)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def filled(lines: list[str], top: str = "") -> str:
    """Return an offer of the largest size, whose video m-line repeats these lines."""
    text = offer("chromium-publish") + top
    while len(text) + sum(len(line) + 2 for line in lines) <= MAX_SDP:
        text += "".join(f"{line}\r\n" for line in lines)
    return text


NUMBERS = list(range(MAX_FORMATS))
ALL = " ".join(map(str, NUMBERS))
MEDIA = f"m=video 9 UDP/TLS/RTP/SAVPF {ALL}\r\na=mid:x\r\na=recvonly\r\n"
WORST = {
    "formats without end": filled([""], "m=video 9 UDP/TLS/RTP/SAVPF" + " 96" * 18_000),
    "formats and feedback": filled(["a=rtcp-fb:96 nack"], "m=video 9 UDP/TLS/RTP/SAVPF" + " 96" * 8_000 + "\r\n"),
    "feedback for all": filled(["a=rtcp-fb:* x"], MEDIA + "".join(f"a=rtpmap:{n} h264/90000\r\n" for n in NUMBERS)),
    "feedback for one": filled(["a=rtcp-fb:96 nack"]),
    "maps": filled(["a=rtpmap:96 h264/90000", "a=fmtp:96 apt=97"]),
    "maps of each": filled([line for n in NUMBERS for line in (f"a=rtpmap:{n} rtx/90000", f"a=fmtp:{n} apt=1")], MEDIA),
    "parameters": filled(["a=fmtp:96 " + ";".join(f"a{n}=1" for n in range(500))]),
    "redundant": filled(["a=rtpmap:97 red/90000", "a=fmtp:97 " + "/".join("1" * 1000)]),
    "extensions": filled(["a=extmap:1 x"]),
    "streams": filled(["a=ssrc:1 cname:x"]),
    "bundles": filled(["a=group:BUNDLE 0 1"]),
    "media": filled(["m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:x"]),
    "blank lines": filled([""]),
}


class TestWork:
    """Parsing takes linear time, because the event loop forwards no packets while it reads an offer."""

    @pytest.mark.parametrize("text", WORST.values(), ids=WORST)
    def test_grows_with_the_length_and_no_faster(self, text: str) -> None:
        assert MAX_SDP - 4000 < len(text) <= MAX_SDP

        def work() -> None:
            with contextlib.suppress(VisitError):
                answer_subscriber(parse_offer(text), ENDPOINT, 7, STREAMS)

        assert steps_of(work) < 15 * len(text)

"""Parsing of offers (RFC 8866): those of real clients, malformed ones, and the largest ones."""

import contextlib
import re
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.kernel.errors import MalformedSdp, UnsupportedOffer, VisitError
from broker.media.sdp import MAX_FINGERPRINTS, MAX_FORMATS, MAX_SDP, parse_offer
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
        algorithm, value = read.fingerprints[0]
        assert algorithm == "sha-256"
        assert len(value.split(":")) == 32
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


A, B, C = (":".join([pair] * 32) for pair in ("0A", "BB", "CC"))
LONG = ":".join(["DD"] * 64)
SHA1 = "a=fingerprint:sha-1 " + ":".join(["01"] * 20)


def with_prints(*lines: str, session: tuple[str, ...] = ()) -> str:
    """Return an offer whose m-lines, and whose session part, have these a=fingerprint lines."""
    bare = without(offer("whip-muxer-publish"), "^a=fingerprint").replace("a=setup", "\r\n".join((*lines, "a=setup")))
    return bare.replace("t=0 0", "\r\n".join(("t=0 0", *session)))


class TestFingerprints:
    """RFC 8122 5.1: of several any may be that of the certificate which the client uses."""

    def test_by_unknown_and_broken_functions_are_passed_over(self) -> None:
        for first in (SHA1, "a=fingerprint:md5 00", "a=fingerprint:sha-257 " + A, "a=fingerprint:", "a=fingerprint:x"):
            assert parse_offer(with_prints(first, f"a=fingerprint:sha-256 {A}")).fingerprints == (("sha-256", A),)

    def test_of_two_certificates_are_both_kept(self) -> None:
        read = parse_offer(with_prints(*(f"a=fingerprint:sha-256 {value}" for value in (A, B, A))))
        assert read.fingerprints == (("sha-256", A), ("sha-256", B))

    def test_may_be_by_several_functions(self) -> None:
        lines = [f"a=fingerprint:sha-256 {A}", f"a=fingerprint:sha-512 {LONG}"]
        assert parse_offer(with_prints(*lines)).fingerprints == (("sha-256", A), ("sha-512", LONG))

    def test_are_read_in_any_case(self) -> None:
        for line in (f"SHA-256 {A.lower()}", f"sha-256   {A} ", f"Sha-256\t{A}"):
            assert parse_offer(with_prints(f"a=fingerprint:{line}")).fingerprints == (("sha-256", A),)

    def test_at_the_session_level_hold_where_the_media_have_none(self) -> None:
        session = (SHA1, f"a=fingerprint:sha-256 {C}")
        assert parse_offer(with_prints(session=session)).fingerprints == (("sha-256", C),)
        assert parse_offer(with_prints(f"a=fingerprint:sha-256 {A}", session=session)).fingerprints == (("sha-256", A),)
        assert parse_offer(with_prints(SHA1, session=session)).fingerprints == (("sha-256", C),)

    def test_are_those_of_the_m_line_that_speaks_for_the_bundle(self) -> None:
        head, audio, video = re.split("(?=m=)", with_prints(f"a=fingerprint:sha-256 {A}"))
        text = head.replace("BUNDLE 0 1", "BUNDLE 1 0") + audio + video.replace(A, B)
        assert parse_offer(text).fingerprints == (("sha-256", B),)
        disabled = text.replace("m=video 9", "m=video 0")
        assert parse_offer(disabled).fingerprints == (("sha-256", A),)

    @pytest.mark.parametrize(
        "value", ["", "AB", A[:-1], A + ":0A", A.replace(":", " "), A.replace("0A", "0G"), A + " x"]
    )
    def test_that_are_malformed_are_refused(self, value: str) -> None:
        assert "fingerprint must be" in refusal(with_prints(f"a=fingerprint:sha-256 {value}"))

    def test_without_number_are_bounded(self) -> None:
        many = [f"a=fingerprint:sha-256 {number:02X}:{A[3:]}" for number in range(200)]
        assert len(parse_offer(with_prints(*many)).fingerprints) == MAX_FINGERPRINTS


def edited(name: str, *changes: tuple[str, str]) -> str:
    """Return a client's offer with words replaced, each of which must be there."""
    text = offer(name)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


class TestTheSessionLevel:
    """RFC 8866 5: what stands there holds for each m-line that does not say otherwise."""

    @pytest.mark.parametrize("direction", ["sendonly", "recvonly", "inactive", "sendrecv"])
    def test_gives_the_direction(self, direction: str) -> None:
        text = without(offer("chromium-publish"), "^a=sendonly").replace("t=0 0", f"t=0 0\r\na={direction}")
        assert {media.direction for media in parse_offer(text).media} == {direction}

    def test_does_not_override_the_direction_of_an_m_line(self) -> None:
        text = offer("chromium-publish").replace("t=0 0", "t=0 0\r\na=sendrecv")
        assert {media.direction for media in parse_offer(text).media} == {"sendonly"}

    def test_without_any_direction_means_both(self) -> None:
        text = without(offer("chromium-publish"), "^a=sendonly")
        assert {media.direction for media in parse_offer(text).media} == {"sendrecv"}

    def test_gives_header_extensions_beside_those_of_the_m_line(self) -> None:
        text = edited(
            "chromium-watch", ("t=0 0", "t=0 0\r\na=extmap:9 urn:x"), ("a=mid:1", "a=mid:1\r\na=extmap:8 urn:y")
        )
        audio, video = parse_offer(text).media
        assert "9 urn:x" in audio.attributes["extmap"]
        assert {"9 urn:x", "8 urn:y"} <= set(video.attributes["extmap"])

    def test_gives_the_ice_credentials_and_the_role(self) -> None:
        bare = without(offer("chromium-publish"), "^a=(ice-ufrag|ice-pwd|setup)")
        text = bare.replace("t=0 0", "t=0 0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=setup:active")
        read = parse_offer(text)
        assert (read.ufrag, read.pwd, read.setup) == ("abcd", "0123456789012345678901", "active")


class TestFormats:
    @pytest.mark.parametrize(
        "lines",
        [
            ("packetization-mode=1", "profile-level-id=42e01f"),
            ("profile-level-id=42e01f;", " packetization-mode=1 ; "),
            ("Packetization-Mode = 1;PROFILE-LEVEL-ID = 42E01F",),
            (";;profile-level-id=42e01f;packetization-mode=1;;",),
            ("profile-level-id=42e01f;packetization-mode=1", "packetization-mode=0"),
        ],
    )
    def test_may_be_spread_and_spaced_in_any_way(self, lines: tuple[str, ...]) -> None:
        bare = without(offer("whip-muxer-publish"), "^a=fmtp:106")
        text = bare + "".join(f"a=fmtp:106  {line}\r\n" for line in lines)
        codec = next(codec for codec in parse_offer(text).media[1].codecs if codec.payload_type == 106)
        assert codec.parameters == {"packetization-mode": "1", "profile-level-id": "42e01f"}

    def test_keep_parameter_sets_as_they_are_written(self) -> None:
        text = offer("whip-muxer-publish") + "a=fmtp:106 sprop-parameter-sets=Z0LgHw==,aM48gA==\r\n"
        codec = next(codec for codec in parse_offer(text).media[1].codecs if codec.payload_type == 106)
        assert codec.parameters["sprop-parameter-sets"] == "Z0LgHw==,aM48gA=="

    def test_are_known_by_names_in_any_case(self) -> None:
        text = edited("whip-muxer-publish", ("H264/90000", "h264/90000"), ("opus/48000/2", "OPUS/48000/2"))
        assert [media.codecs[0].name for media in parse_offer(text).media] == ["opus", "h264"]


class TestDisabledMedia:
    """RFC 8866 5.14 and RFC 9143 6: port 0 disables an m-line, unless it waits for the bundle."""

    def test_have_port_0(self) -> None:
        text = edited("chromium-publish", ("m=video 9 ", "m=video 0 "))
        assert [media.enabled for media in parse_offer(text).media] == [True, False]

    def test_are_enabled_by_the_bundle_alone(self) -> None:
        text = edited("chromium-publish", ("m=video 9 ", "m=video 0 "), ("a=mid:1", "a=mid:1\r\na=bundle-only"))
        assert [media.enabled for media in parse_offer(text).media] == [True, True]
        outside = text.replace("BUNDLE 0 1", "BUNDLE 0")
        assert [media.enabled for media in parse_offer(outside).media] == [True, False]

    @pytest.mark.parametrize("port", ["", "x", "-1", "123456", "9/", "\u0669"])
    def test_ports_that_are_no_numbers_are_refused(self, port: str) -> None:
        assert "no port" in refusal(edited("chromium-publish", ("m=video 9 ", f"m=video {port} ")))


class TestLines:
    def test_end_with_carriage_return_and_line_feed_or_either(self) -> None:
        text = offer("chromium-publish")
        assert parse_offer(text) == parse_offer(text.replace("\r\n", "\r")) == parse_offer(text.replace("\r\n", "\n"))

    @pytest.mark.parametrize("separator", ["\u2028", "\x85", "\x0b", "\x0c", "\x1c"])
    def test_do_not_end_elsewhere(self, separator: str) -> None:
        text = offer("chromium-publish").replace("s=-", f"s=-{separator}a=inactive")
        assert parse_offer(text) == parse_offer(offer("chromium-publish"))

    def test_that_say_nothing_known_are_passed_over(self) -> None:
        text = offer("chromium-publish").replace("a=mid:1", "a=mid:1\r\na=unknown:1\r\na=\r\na\r\nx=y\r\nnonsense")
        assert parse_offer(text).media[1].codecs == parse_offer(offer("chromium-publish")).media[1].codecs

    def test_without_a_mid_give_none(self) -> None:
        text = without(offer("chromium-publish"), "^a=mid") + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
        assert [media.mid for media in parse_offer(text).media] == ["", "", ""]


class TestRefusals:
    def test_are_in_chinese_and_in_english(self) -> None:
        for text in ("", "v=0", edited("chromium-publish", ("a=mid:1", "a=mid:0")), with_prints(SHA1)):
            with pytest.raises(MalformedSdp) as caught:
                parse_offer(text)
            words = re.sub(r"a=fingerprint|sha-\d+|v=0|SDP|m=|mid", "", caught.value.detail_zh)
            assert not re.search("[A-Za-z]{3}", words), words
            assert caught.value.detail_en.isascii()

    def test_of_a_client_that_waits_for_checks_of_the_server_too(self) -> None:
        with pytest.raises(UnsupportedOffer, match="ICE-lite") as caught:
            parse_offer(edited("chromium-publish", ("t=0 0", "t=0 0\r\na=ice-lite")))
        assert caught.value.http_status == 422
        assert "ice-lite" in caught.value.detail_zh

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
    "fingerprints": filled([SHA1, f"a=fingerprint:sha-256 {A}"]),
    "directions": filled(["a=sendonly"]),
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

"""The answer to an offer: the exact lines for known clients, a typed refusal or a valid answer for all others."""

import re

import pytest
from aiortc.sdp import SessionDescription
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.kernel.errors import CodecMissing, MalformedSdp, VisitError
from broker.media.sdp import MAX_SDP, parse_offer
from broker.relay.negotiation.answer import Agreed, Stream, answer_publisher, answer_subscriber
from tests.support.relay.sdp_samples import (
    CLIENTS,
    ENDPOINT,
    SOUND_PUBLISHERS,
    SOUND_WATCHERS,
    STREAMS,
    expected,
    offer,
    publishes,
    without,
)


def answered(text: str, publishing: bool = True) -> Agreed:
    read = parse_offer(text)
    return answer_publisher(read, ENDPOINT, 7) if publishing else answer_subscriber(read, ENDPOINT, 7, STREAMS)


def named(name: str) -> Agreed:
    return answered(offer(name), publishes(name))


class TestTalkback:
    """The answers to an officer's microphone and to the rooms that hear it."""

    def test_takes_one_audio_line_and_nothing_else(self) -> None:
        agreed = answer_publisher(parse_offer(offer("aiortc-speak")), ENDPOINT, 7, ("audio",))
        (media,) = SessionDescription.parse(agreed.answer).media
        assert (media.kind, media.direction, set(agreed.params)) == ("audio", "recvonly", {"audio"})

    def test_sends_one_under_a_cname_without_a_persons_name(self) -> None:
        streams = {"audio": Stream(11, "voice-1", 12)}
        agreed = answer_subscriber(parse_offer(offer("aiortc-listen")), ENDPOINT, 7, streams, ("audio",))
        (media,) = SessionDescription.parse(agreed.answer).media
        assert (media.direction, media.ssrc[0].ssrc, media.ssrc[0].cname) == ("sendonly", 11, "voice-1")

    def test_a_picture_that_is_offered_too_is_declined(self) -> None:
        agreed = answer_publisher(parse_offer(offer("chromium-publish")), ENDPOINT, 7, ("audio",))
        assert [media.port for media in SessionDescription.parse(agreed.answer).media] == [40000, 0]
        assert "a=group:BUNDLE 0\r\n" in agreed.answer


class TestGoldenAnswers:
    @pytest.mark.parametrize("name", CLIENTS)
    def test_are_exact_for_each_known_client(self, name: str) -> None:
        assert named(name).answer == expected(name)

    @pytest.mark.parametrize("name", CLIENTS)
    def test_are_read_as_meant_by_another_implementation(self, name: str) -> None:
        agreed = named(name)
        read = SessionDescription.parse(agreed.answer)
        assert read.group[0].items == (["0"] if "sound" in name else ["0", "1"])
        for media in read.media:
            assert media.direction == ("recvonly" if publishes(name) else "sendonly")
            assert {codec.payloadType for codec in media.rtp.codecs} == set(agreed.params[media.kind].numbers)
            assert (media.ice.usernameFragment, media.ice.password) == (ENDPOINT.ufrag, ENDPOINT.pwd)
            assert media.ice.iceLite
            assert media.ice_candidates_complete
            for protocol in ("udp", "tcp"):
                candidates = [each for each in media.ice_candidates if each.protocol == protocol]
                assert [(each.ip, each.port) for each in candidates] == list(ENDPOINT.addresses)
                assert {each.tcpType for each in candidates} == {"passive" if protocol == "tcp" else None}
            priorities = [candidate.priority for candidate in media.ice_candidates]
            assert priorities == sorted(priorities, reverse=True)
            assert [print_.value for print_ in media.dtls.fingerprints] == [ENDPOINT.fingerprint]
            assert media.rtcp_mux

    def test_choose_constrained_baseline_among_the_codecs_of_chromium(self) -> None:
        number = named("chromium-publish").payload_types["video"]
        (codec,) = [
            codec for codec in parse_offer(offer("chromium-publish")).media[1].codecs if codec.payload_type == number
        ]
        assert codec.parameters["profile-level-id"] == "42e01f"
        assert codec.parameters["packetization-mode"] == "1"

    def test_make_the_relay_the_dtls_client_only_where_the_client_waits(self) -> None:
        assert named("chromium-publish").dtls_server
        agreed = named("whip-muxer-publish")
        assert not agreed.dtls_server
        assert "a=setup:active" in agreed.answer

    def test_contain_nothing_that_was_not_offered(self) -> None:
        assert "goog-remb" in named("chromium-publish").answer
        assert "goog-remb" not in named("whip-muxer-publish").answer
        assert "rtx" not in answered(without(offer("chromium-publish"), "rtx/90000")).answer
        assert "extmap" not in named("chromium-publish").answer
        assert "transport-wide" not in named("aiortc-watch").answer

    def test_decline_other_media_in_the_form_they_were_offered(self) -> None:
        data = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\na=sctp-port:5000\r\n"
        answer = answered(offer("chromium-publish") + data).answer
        assert "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\n" in answer
        assert "a=group:BUNDLE 0 1\r\n" in answer

    def test_decline_a_second_camera(self) -> None:
        text = offer("aiortc-publish")
        second = "m=video" + text.split("m=video")[1].replace("a=mid:1", "a=mid:2")
        lines = [line for line in answered(text + second).answer.splitlines() if line.startswith("m=")]
        assert [line.split()[1] == "0" for line in lines] == [False, False, True]


class TestRefusals:
    @pytest.mark.parametrize("kind", ["audio", "video"])
    def test_a_missing_codec_is_named_by_its_kind(self, kind: str) -> None:
        with pytest.raises(CodecMissing) as caught:
            answered(without(offer("chromium-publish"), "opus|red/48000" if kind == "audio" else "rtpmap:.* H264"))
        assert caught.value.problem()["kind"] == kind
        assert caught.value.http_status == 422

    @pytest.mark.parametrize("profile", ["4d001f", "4d401f", "64001f", "f4001f", "42e0", "42e01f00", "zz", ""])
    def test_main_high_and_malformed_profiles_are_not_taken(self, profile: str) -> None:
        with pytest.raises(CodecMissing):
            answered(muxer_with(profile))

    @pytest.mark.parametrize("profile", ["42e01f", "42401f", "42c00d", "42E01F", "42E034"])
    def test_constrained_baseline_is_taken_however_it_is_written(self, profile: str) -> None:
        assert answered(muxer_with(profile)).payload_types == {"audio": 111, "video": 106}

    @pytest.mark.parametrize("profile", ["42000d", "42001f", "42801f"])
    def test_baseline_is_taken_from_a_publisher_and_echoed(self, profile: str) -> None:
        """Encoders make constrained baseline of it; FFmpeg's muxer offers the profile as it was requested."""
        assert f"profile-level-id={profile}\r\n" in answered(muxer_with(profile)).answer

    @pytest.mark.parametrize("better", ["42400d", "42e01f"])
    def test_baseline_is_taken_only_where_nothing_better_is_offered(self, better: str) -> None:
        plain, worse = muxer_with("42000d"), "42000d" if better == "42400d" else "42400d"
        for profiles in ((worse, better), (better, worse)):
            formats = [
                f"a=rtpmap:{number} H264/90000\r\na=fmtp:{number} packetization-mode=1;profile-level-id={profile}\r\n"
                for number, profile in zip((96, 97), profiles, strict=True)
            ]
            text = plain.replace("UDP/TLS/RTP/SAVPF 106", "UDP/TLS/RTP/SAVPF 106 96 97") + "".join(formats)
            assert answered(text).payload_types["video"] == 96 + profiles.index(better)

    @pytest.mark.parametrize("profile", ["42001f", "42801f"])
    def test_baseline_is_not_sent_to_a_subscriber(self, profile: str) -> None:
        text = re.sub("profile-level-id=[0-9a-f]{6}", f"profile-level-id={profile}", offer("chromium-watch"))
        with pytest.raises(CodecMissing):
            answered(text, publishing=False)

    def test_packetization_mode_0_is_not_taken(self) -> None:
        for text in ("packetization-mode=0", "packetization-mode=2"):
            with pytest.raises(CodecMissing):
                answered(offer("whip-muxer-publish").replace("packetization-mode=1", text))

    @pytest.mark.parametrize("name", ["aiortc-publish", "aiortc-watch"])
    def test_video_without_audio_is_refused(self, name: str) -> None:
        head, _, video = _parts(offer(name))
        with pytest.raises(CodecMissing) as caught:
            answered(head + video, publishes(name))
        assert caught.value.problem()["kind"] == "audio"

    def test_a_subscribers_offer_is_no_publishers_offer_and_the_reverse(self) -> None:
        with pytest.raises(CodecMissing):
            answered(offer("chromium-watch"), publishing=True)
        with pytest.raises(CodecMissing):
            answered(offer("chromium-publish"), publishing=False)

    def test_media_that_are_not_bundled_are_refused(self) -> None:
        for text in (
            without(offer("aiortc-publish"), "a=group"),
            offer("aiortc-publish").replace("BUNDLE 0 1", "BUNDLE 0"),
        ):
            with pytest.raises(MalformedSdp, match="bundled"):
                answered(text)

    def test_audio_and_video_under_one_payload_type_are_refused(self) -> None:
        text = offer("whip-muxer-publish").replace("111", "106")
        with pytest.raises(MalformedSdp, match="payload types"):
            answered(text)


class TestAudioAlone:
    """The fallback of a client without a camera, or without the bandwidth for video."""

    @pytest.mark.parametrize("name", SOUND_PUBLISHERS + SOUND_WATCHERS)
    def test_is_agreed_and_video_is_not_mentioned(self, name: str) -> None:
        agreed = named(name)
        assert set(agreed.params) == {"audio"}
        assert "video" not in agreed.answer and "H264" not in agreed.answer

    @pytest.mark.parametrize("name", ["chromium-publish", "aiortc-watch"])
    def test_is_agreed_also_when_video_is_offered_as_inactive(self, name: str) -> None:
        head, sound, picture = _parts(offer(name))
        inactive = re.sub("a=(sendonly|recvonly)", "a=inactive", picture)
        agreed = answered(head + sound + inactive, publishes(name))
        assert set(agreed.params) == {"audio"}
        assert "m=video 0 " in agreed.answer and "a=group:BUNDLE 0\r\n" in agreed.answer

    def test_is_not_agreed_because_of_an_unknown_codec(self) -> None:
        """A camera with a codec that the relay does not take is a mistake, and the client must see the refusal."""
        with pytest.raises(CodecMissing):
            answered(without(offer("chromium-publish"), "rtpmap:.* H264"))


def muxer_with(profile: str) -> str:
    return offer("whip-muxer-publish").replace("profile-level-id=42400d", f"profile-level-id={profile}")


def _parts(text: str) -> list[str]:
    head, audio, video = text.split("m=")
    return [head, "m=" + audio, "m=" + video]


LINES = sorted({line for name in CLIENTS for line in offer(name).splitlines()})
EDIT = st.tuples(
    st.sampled_from(["drop", "double", "swap", "replace", "insert", "cut", "scratch"]),
    st.integers(0, 10_000),
    st.integers(0, 10_000),
    st.text(max_size=12),
)


def edited(text: str, edits: list[tuple[str, int, int, str]]) -> str:
    lines = text.splitlines()
    for what, first, second, word in edits:
        at, other = first % len(lines), second % len(lines)
        if what == "drop" and len(lines) > 1:
            del lines[at]
        elif what == "double":
            lines.insert(other, lines[at])
        elif what == "swap":
            lines[at], lines[other] = lines[other], lines[at]
        elif what == "replace":
            lines[at] = LINES[second % len(LINES)]
        elif what == "insert":
            lines.insert(at, LINES[second % len(LINES)])
        elif what == "cut":
            lines[at] = lines[at][: second % (len(lines[at]) + 1)]
        else:
            where = second % (len(lines[at]) + 1)
            lines[at] = lines[at][:where] + word + lines[at][where + len(word) :]
    return "\r\n".join(lines) + "\r\n"


class TestMutatedOffers:
    @settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
    @given(st.sampled_from(CLIENTS), st.lists(EDIT, min_size=1, max_size=6))
    def test_give_a_typed_refusal_or_a_valid_answer_and_nothing_else(
        self, name: str, edits: list[tuple[str, int, int, str]]
    ) -> None:
        try:
            agreed = answered(edited(offer(name), edits), publishes(name))
        except VisitError as refusal:
            assert refusal.http_status in (400, 422)
            return
        assert len(agreed.answer) < MAX_SDP
        assert agreed.answer.isascii()
        assert all(line[1:2] == "=" for line in agreed.answer.splitlines())
        assert "audio" in agreed.payload_types
        assert len(set(agreed.payload_types.values())) == len(agreed.payload_types)
        media = SessionDescription.parse(agreed.answer).media
        taken = {line.kind: {codec.payloadType for codec in line.rtp.codecs} for line in media if line.port}
        assert taken == {kind: set(params.numbers) for kind, params in agreed.params.items()}

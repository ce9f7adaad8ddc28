"""Offers as clients beside those captured write them, and what an offer may leave out, spread or write elsewhere."""

import re

import pytest
from aiortc.sdp import SessionDescription

from broker.kernel.errors import CodecMissing, MalformedSdp, UnsupportedOffer, VisitError
from broker.media.sdp import parse_offer
from broker.relay.negotiation.answer import PROTOCOLS, Agreed, answer_publisher, answer_subscriber
from tests.support.relay.sdp_samples import ENDPOINT, STREAMS, offer, without

PRINT = "a=fingerprint:sha-256 " + ":".join(f"{number:02X}" for number in range(32))
ICE = ("a=ice-ufrag:abcd", "a=ice-pwd:abcdefghijklmnopqrstuv")
HEAD = ("v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0")


def sdp(*lines: str) -> str:
    return "".join(f"{line}\r\n" for line in lines)


FIREFOX = sdp(
    *HEAD, "a=sendrecv", PRINT, "a=group:BUNDLE 0 1", "a=ice-options:trickle", "a=msid-semantic:WMS *",
    "m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101", "c=IN IP4 0.0.0.0", "a=sendonly",
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level",
    "a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1", "a=fmtp:101 0-15", *ICE, "a=mid:0", "a=rtcp-mux",
    "a=rtpmap:109 opus/48000/2", "a=rtpmap:9 G722/8000/1", "a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000",
    "a=rtpmap:101 telephone-event/8000", "a=setup:actpass", "a=ssrc:11 cname:{x}",
    "m=video 9 UDP/TLS/RTP/SAVPF 120 124 126 127 97 98", "c=IN IP4 0.0.0.0", "a=sendonly",
    "a=fmtp:126 profile-level-id=42e01f;level-asymmetry-allowed=1;packetization-mode=1",
    "a=fmtp:97 profile-level-id=42e01f;level-asymmetry-allowed=1", "a=fmtp:124 apt=120", "a=fmtp:127 apt=126",
    "a=fmtp:98 apt=97", *ICE, "a=mid:1", "a=rtcp-fb:126 nack", "a=rtcp-fb:126 nack pli", "a=rtcp-fb:126 ccm fir",
    "a=rtcp-fb:126 goog-remb", "a=rtcp-fb:126 transport-cc", "a=rtcp-mux", "a=rtcp-rsize", "a=rtpmap:120 VP8/90000",
    "a=rtpmap:124 rtx/90000", "a=rtpmap:126 H264/90000", "a=rtpmap:127 rtx/90000", "a=rtpmap:97 H264/90000",
    "a=rtpmap:98 rtx/90000", "a=setup:actpass", "a=ssrc:12 cname:{x}",
)  # fmt: skip
GSTREAMER = sdp(
    *HEAD, "a=ice-options:trickle", "a=group:BUNDLE video0 audio1",
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97", "c=IN IP4 0.0.0.0", "a=setup:actpass", *ICE, "a=rtcp-mux", "a=rtcp-rsize",
    "a=sendonly", "a=rtpmap:96 H264/90000", "a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli", "a=rtcp-fb:96 transport-cc",
    "a=framerate:30", "a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0LgH9oFB+Q=,aM48gA==;level=3.1",
    "a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96", "a=ssrc:12 cname:user1@host", "a=mid:video0", PRINT,
    "m=audio 0 UDP/TLS/RTP/SAVPF 98", "c=IN IP4 0.0.0.0", "a=setup:actpass", *ICE, "a=bundle-only", "a=rtcp-mux",
    "a=sendonly", "a=rtpmap:98 OPUS/48000/2", "a=fmtp:98 sprop-stereo=0;sprop-maxcapturerate=48000", "a=mid:audio1",
    PRINT,
)  # fmt: skip
OBS = sdp(
    *HEAD, "a=group:BUNDLE 0 1", "a=group:LS 0 1", "a=msid-semantic:WMS *", "a=setup:actpass", *ICE,
    "a=ice-options:ice2,trickle", PRINT,
    "m=audio 60000 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 192.0.2.1", "a=mid:0", "a=sendonly", "a=ssrc:11 cname:x",
    "a=rtcp-mux", "a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;maxaveragebitrate=96000;stereo=1",
    "a=candidate:1 1 UDP 2122317823 192.0.2.1 60000 typ host", "a=end-of-candidates",
    "m=video 60000 UDP/TLS/RTP/SAVPF 96 97", "c=IN IP4 192.0.2.1", "a=mid:1", "a=sendonly", "a=ssrc:12 cname:x",
    "a=rtcp-mux", "a=rtpmap:96 H264/90000", "a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli", "a=rtcp-fb:96 goog-remb",
    "a=fmtp:96 profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1", "a=rtpmap:97 RTX/90000",
    "a=fmtp:97 apt=96",
)  # fmt: skip
PION = sdp(
    *HEAD, PRINT, "a=extmap-allow-mixed", "a=group:BUNDLE 0 1",
    "m=video 9 UDP/TLS/RTP/SAVPF 102 121", "c=IN IP4 0.0.0.0", "a=setup:actpass", "a=mid:0", *ICE, "a=rtcp-mux",
    "a=rtcp-rsize", "a=rtpmap:121 rtx/90000", "a=fmtp:121 apt=102", "a=rtpmap:102 H264/90000",
    "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f",
    "a=rtcp-fb:102 goog-remb ", "a=rtcp-fb:102 ccm fir", "a=rtcp-fb:102 nack ", "a=rtcp-fb:102 nack pli",
    "a=extmap:1 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01", "a=sendonly",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0", "a=setup:actpass", "a=mid:1", *ICE, "a=rtcp-mux",
    "a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1", "a=sendonly",
)  # fmt: skip
PUBLISHERS = {"firefox": FIREFOX, "gstreamer": GSTREAMER, "obs": OBS, "pion": PION}
CLIENT = pytest.mark.parametrize("text", PUBLISHERS.values(), ids=PUBLISHERS)


def published(text: str) -> Agreed:
    return answer_publisher(parse_offer(text), ENDPOINT, 7)


def watched(text: str) -> Agreed:
    return answer_subscriber(parse_offer(text), ENDPOINT, 7, STREAMS)


def edited(text: str, *changes: tuple[str, str]) -> str:
    """Return the text with words replaced, each of which must be there."""
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def m_lines(agreed: Agreed) -> list[str]:
    return [line for line in agreed.answer.splitlines() if line.startswith("m=")]


class TestClients:
    @CLIENT
    def test_publish_picture_and_sound_with_retransmissions(self, text: str) -> None:
        agreed = published(text)
        assert set(agreed.params) == {"audio", "video"}
        read = SessionDescription.parse(agreed.answer)
        assert [media.port for media in read.media] == [40000, 40000]
        assert {media.direction for media in read.media} == {"recvonly"}
        assert (agreed.params["video"].rtx is not None) is ("apt=" in text)
        assert agreed.params["video"].nack

    @CLIENT
    def test_are_asked_for_lost_sound_though_none_offers_to_send_it_again(self, text: str) -> None:
        sound = published(text).params["audio"]
        assert (sound.nack, sound.nack_untold) == (False, True)
        assert not sound.repairs_marked

    def test_are_not_asked_for_lost_sound_without_a_profile_for_feedback(self) -> None:
        agreed = published(edited(FIREFOX, ("m=audio 9 UDP/TLS/RTP/SAVPF", "m=audio 9 UDP/TLS/RTP/SAVP")))
        assert not agreed.params["audio"].requests

    def test_may_offer_to_send_lost_sound_again(self) -> None:
        opus = "a=rtpmap:109 opus/48000/2\r\n"
        agreed = published(edited(FIREFOX, (opus, f"{opus}a=rtcp-fb:109 nack\r\n")))
        assert "a=rtcp-fb:109 nack\r\n" in agreed.answer
        assert (agreed.params["audio"].nack, agreed.params["audio"].nack_untold) == (True, False)

    @CLIENT
    def test_watch_too(self, text: str) -> None:
        agreed = watched(edited(text.replace("42001f", "42e01f"), ("a=sendonly", "a=recvonly")))
        assert {media.direction for media in SessionDescription.parse(agreed.answer).media} == {"sendonly"}

    def test_bring_parameter_sets_in_their_offer(self) -> None:
        sets = published(GSTREAMER).params["video"].parameter_sets
        assert [nal[0] & 31 for nal in sets] == [7, 8]
        assert published(OBS).params["video"].parameter_sets == ()

    @CLIENT
    def test_may_order_attributes_in_any_way(self, text: str) -> None:
        head, *parts = re.split(r"(?=m=)", text)
        turned = head + "".join(part[: part.index("\r\n") + 2] + _turned(part) for part in parts)
        assert published(turned).params == published(text).params


def _turned(part: str) -> str:
    return "".join(reversed(part.splitlines(keepends=True)[1:]))


class TestWhereSomethingIsMissing:
    def test_a_profile_is_baseline_and_is_not_mentioned_in_the_answer(self) -> None:
        """RFC 6184 8.1: without profile-level-id it is baseline; the answer then leaves it out as well."""
        text = re.sub(";profile-level-id=[0-9a-fA-F]{6}", "", offer("whip-muxer-publish"))
        agreed = published(text)
        assert agreed.payload_types["video"] == 106
        assert "profile-level-id" not in agreed.answer
        assert "packetization-mode=1\r\n" in agreed.answer

    def test_a_profile_is_chosen_after_any_that_is_named(self) -> None:
        text = edited(OBS, ("SAVPF 96 97", "SAVPF 95 96 97")) + sdp(
            "a=rtpmap:95 H264/90000", "a=fmtp:95 packetization-mode=1"
        )
        assert published(text).payload_types["video"] == 96

    def test_the_packetization_mode_is_0_which_is_refused_with_what_to_offer(self) -> None:
        with pytest.raises(CodecMissing, match="packetization-mode=1") as caught:
            published(edited(OBS, ("packetization-mode=1;", "")))
        assert "packetization-mode=1" in caught.value.detail_zh

    def test_a_bundle_is_not_needed_for_one_m_line(self) -> None:
        text = without(offer("aiortc-sound-publish"), "^a=group")
        agreed = published(text)
        assert "BUNDLE" not in agreed.answer
        assert agreed.payload_types.keys() == {"audio"}
        assert "a=mid" not in published(without(text, "^a=mid")).answer

    def test_a_bundle_is_needed_for_two(self) -> None:
        with pytest.raises(MalformedSdp, match="bundled"):
            published(without(OBS, "BUNDLE"))
        with pytest.raises(MalformedSdp, match="bundled"):
            published(without(OBS, "^a=mid"))

    def test_one_port_for_rtp_and_rtcp_is_demanded(self) -> None:
        with pytest.raises(UnsupportedOffer, match="rtcp-mux") as caught:
            published(without(OBS, "^a=rtcp-mux"))
        assert "rtcp-mux" in caught.value.detail_zh
        assert caught.value.http_status == 422

    def test_one_port_may_be_offered_for_the_session(self) -> None:
        assert published(without(OBS, "^a=rtcp-mux").replace("t=0 0", "t=0 0\r\na=rtcp-mux")).params


class TestDisabledMedia:
    def test_are_answered_with_port_0_and_the_rest_goes_on(self) -> None:
        agreed = published(edited(OBS, ("m=video 60000", "m=video 0")))
        assert [line.split()[1] for line in m_lines(agreed)] == ["40000", "0"]
        assert agreed.params.keys() == {"audio"}
        assert "a=group:BUNDLE 0\r\n" in agreed.answer

    def test_do_not_stand_for_sound(self) -> None:
        with pytest.raises(CodecMissing) as caught:
            published(edited(OBS, ("m=audio 60000", "m=audio 0")))
        assert caught.value.extra["kind"] == "audio"

    def test_outside_the_bundle_keep_the_place_of_an_enabled_one(self) -> None:
        dead = sdp(
            "m=video 0 UDP/TLS/RTP/SAVPF 96", "a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=1", "a=sendonly"
        )
        head, *parts = re.split(r"(?=m=)", OBS)
        agreed = published(head + dead + "".join(parts))
        assert [line.split()[1] for line in m_lines(agreed)] == ["0", "40000", "40000"]


class TestSeveralMediaOfAKind:
    def test_give_the_first_that_has_a_codec(self) -> None:
        head, audio, video = re.split(r"(?=m=)", OBS)
        first = video.replace("H264", "VP8").replace("a=mid:1", "a=mid:2")
        agreed = published(head.replace("BUNDLE 0 1", "BUNDLE 0 1 2") + audio + first + video)
        assert [line.split()[1] for line in m_lines(agreed)] == ["40000", "0", "40000"]

    def test_give_one_even_where_two_are_written_alike(self) -> None:
        text = without(offer("aiortc-sound-publish"), "^a=(group|mid)")
        head, audio = re.split(r"(?=m=)", text)
        assert [line.split()[1] for line in m_lines(published(head + audio * 2))] == ["40000", "0"]


class TestProfilesOfMediaLines:
    @pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
    def test_that_mean_dtls_srtp_are_repeated_in_the_answer(self, protocol: str) -> None:
        agreed = published(edited(OBS, ("UDP/TLS/RTP/SAVPF", protocol)))
        assert {line.split()[2] for line in m_lines(agreed)} == {protocol}

    @pytest.mark.parametrize("protocol", ["RTP/XVPF", "UDP/RTP", "udp", "UDP/DTLS/SCTP", "TCP/MSRP"])
    def test_that_mean_something_else_are_refused_with_what_to_offer(self, protocol: str) -> None:
        with pytest.raises(UnsupportedOffer, match="UDP/TLS/RTP/SAVPF") as caught:
            published(edited(OBS, ("UDP/TLS/RTP/SAVPF", protocol)))
        assert "UDP/TLS/RTP/SAVPF" in caught.value.detail_zh
        assert caught.value.http_status == 422

    def test_of_what_is_declined_are_repeated_as_they_are(self) -> None:
        agreed = published(OBS + sdp("m=message 2855 TCP/MSRP *", "a=mid:7"))
        assert m_lines(agreed)[2] == "m=message 0 TCP/MSRP *"


class TestTheSessionLevel:
    def test_decides_whether_an_offer_publishes_or_watches(self) -> None:
        text = without(OBS, "^a=sendonly").replace("t=0 0", "t=0 0\r\na=recvonly")
        with pytest.raises(CodecMissing, match="sendonly audio"):
            published(text)
        assert watched(text).params.keys() == {"audio", "video"}

    def test_brings_extensions(self) -> None:
        text = edited(without(PION, "^a=extmap:1"), ("a=sendonly", "a=recvonly"), ("42001f", "42e01f"))
        text = text.replace("a=rtcp-fb:102 goog-remb ", "a=rtcp-fb:102 transport-cc")
        uri = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
        assert watched(text).params["video"].transport_wide is None
        assert watched(text.replace("t=0 0", f"t=0 0\r\na=extmap:4 {uri}")).params["video"].transport_wide == 4


@pytest.mark.parametrize(
    "text",
    [
        without(OBS, "^a=rtcp-mux"),
        OBS.replace("t=0 0", "t=0 0\r\na=ice-lite"),
        OBS.replace("UDP/TLS/RTP/SAVPF", "RTP/XVPF"),
        without(OBS, "BUNDLE"),
        without(OBS, "^a=fingerprint"),
        without(OBS, "H264"),
        OBS.replace("m=video 60000", "m=video"),
    ],
)
def test_every_refusal_is_a_problem_in_both_languages(text: str) -> None:
    with pytest.raises(VisitError) as caught:
        published(text)
    problem = caught.value.problem()
    assert problem["status"] in (400, 422)
    for words in (problem["title"], problem["detail"]):
        assert re.search("[\\u4e00-\\u9fff]{2}", words)
    for words in (problem["title_en"], problem["detail_en"]):
        assert words.isascii() and len(words) > 10

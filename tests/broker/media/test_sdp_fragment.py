"""SDP fragments of an ICE restart (RFC 8840): those of clients are parsed, those of the relay are written."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.kernel.errors import MalformedSdp
from broker.media.sdp_fragment import Fragment, check_trickle, parse_fragment
from broker.relay.negotiation.answer import answer_fragment
from tests.support.relay.sdp_samples import ENDPOINT

RESTART = """a=ice-options:trickle ice2
a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 0
a=mid:0
a=ice-ufrag:ysXw
a=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k
a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1
a=end-of-candidates
""".replace("\n", "\r\n")  # the example of RFC 9725 4.3.3


class TestTheFragmentOfTheStandard:
    def test_is_understood(self) -> None:
        assert parse_fragment(RESTART) == Fragment("ysXw", "vw5LmwG4y/e6dPP/zAP9Gp5k", "audio", "0")

    def test_may_have_its_credentials_at_the_session_level(self) -> None:
        lines = RESTART.splitlines()
        moved = lines[4:6] + lines[:4]
        assert parse_fragment("\n".join(moved)) == parse_fragment(RESTART)

    def test_is_answered_with_the_relays_credentials_and_all_its_candidates(self) -> None:
        lines = answer_fragment(parse_fragment(RESTART), ENDPOINT).split("\r\n")
        assert lines[:6] == [
            "a=ice-lite",
            "a=group:BUNDLE 0",
            "m=audio 9 UDP/TLS/RTP/SAVPF 0",
            "a=mid:0",
            f"a=ice-ufrag:{ENDPOINT.ufrag}",
            f"a=ice-pwd:{ENDPOINT.pwd}",
        ]
        assert [line.split()[4] for line in lines if "candidate:" in line and " udp " in line] == [
            host for host, _ in ENDPOINT.addresses
        ]
        assert lines[-2:] == ["a=end-of-candidates", ""]


class TestRefusals:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("a=ice-ufrag:ysXw", ""),
            ("a=ice-ufrag:ysXw", "a=ice-ufrag:abc"),
            ("a=ice-ufrag:ysXw", "a=ice-ufrag:会见会见"),
            ("a=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k", "a=ice-pwd:short"),
            ("a=mid:0", ""),
            ("a=mid:0", "a=mid:0 1"),
            ("m=audio 9", "m=application 9"),
            ("m=audio 9 UDP/TLS/RTP/SAVPF 0", ""),
            ("m=audio 9 UDP/TLS/RTP/SAVPF 0", "m="),
        ],
    )
    def test_of_a_fragment_without_what_a_restart_needs(self, old: str, new: str) -> None:
        with pytest.raises(MalformedSdp):
            parse_fragment(RESTART.replace(old, new))

    def test_of_a_fragment_that_is_too_long(self) -> None:
        with pytest.raises(MalformedSdp, match="64 KiB"):
            parse_fragment(RESTART + "a=x\r\n" * 20_000)

    @given(st.text(max_size=300), st.integers(0, len(RESTART)))
    def test_are_the_only_error_of_any_text(self, text: str, at: int) -> None:
        for given_ in (text, RESTART[:at] + text + RESTART[at:]):
            try:
                asked = parse_fragment(given_)
            except MalformedSdp:
                continue
            assert answer_fragment(asked, ENDPOINT).isascii()


class TestTrickledCandidates:
    """RFC 8840 9: candidates are not needed, and malformed ones are refused."""

    @pytest.mark.parametrize(
        "text",
        [
            RESTART,
            "a=end-of-candidates\r\n",
            "m=audio 9 UDP/TLS/RTP/SAVPF 0\na=mid:0\na=candidate:1 1 TCP 1 a.local 9 typ host tcptype active\n",
            "a=ice-ufrag:ysXw\r\na=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n",
            "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=candidate:\r\n",
        ],
    )
    def test_are_taken(self, text: str) -> None:
        check_trickle(text)

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "brings candidates"),
            ("hello", "a= and m= lines"),
            ('{"candidate": "x"}', "a= and m= lines"),
            ("v=0\r\na=end-of-candidates\r\n", "a= and m= lines"),
            ("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n", "brings candidates"),
            ("a=candidate:x\r\n", "a=candidate"),
            (f"a=candidate:1 1 udp {'1' * 5000} 192.0.2.1 9 typ host\r\n", "a=candidate"),
            ("a=candidate:1 1 udp 1 192.0.2.1 9\r\n" * 3000, "64 KiB"),
        ],
    )
    def test_are_refused_when_malformed(self, text: str, why: str) -> None:
        with pytest.raises(MalformedSdp, match=why):
            check_trickle(text)

    @given(st.text(max_size=200))
    def test_raise_no_other_error(self, text: str) -> None:
        with contextlib.suppress(MalformedSdp):
            check_trickle("a=candidate:" + text)

"""The first request, read from bytes in any pieces, and compared with aiohttp's own parser."""

import asyncio
from collections import Counter
from unittest.mock import Mock

import pytest
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParser
from hypothesis import example, given, settings
from hypothesis import strategies as st

from broker.kernel.errors import TooLarge, VisitError
from signaling.ingress.request_head import (
    MAX_BODY,
    MAX_CHUNKS,
    MAX_HEAD,
    HeadTooLarge,
    MalformedRequest,
    end_of_body,
    parse_head,
)

COOKIES = frozenset({"huijian"})


def request(*lines, body=b""):
    return "\r\n".join([*lines, "", ""]).encode() + body


def head_of(*lines):
    return parse_head(request(*lines, "Host: a"))


@pytest.fixture(scope="module")
def loop():
    made = asyncio.new_event_loop()
    yield made
    made.close()


def aiohttp_reads(loop, data):
    """Return what aiohttp's parser makes of the bytes: its first message, None, or HttpProcessingError."""
    parser = HttpRequestParser(Mock(), loop, 2**16, max_line_size=8190, max_field_size=8190)
    try:
        messages, _, _ = parser.feed_data(data)
    except HttpProcessingError as error:
        return error
    return messages[0][0] if messages else None


VALUE = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00"), max_size=20)
GOOD_HEADERS = [
    ("Host", "a.example"),
    ("Authorization", "Bearer usr_12345678"),
    ("authorization", "bearer  trm_x "),
    ("Cookie", "a=b; huijian=usr_1; c"),
    ("X-Forwarded-For", "10.1.2.3, 10.0.0.1"),
    ("Content-Length", "5"),
    ("Transfer-Encoding", "chunked"),
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("X-Empty", ""),
]
BAD_HEADERS = [
    *(("Content-Length", "+5"), ("Content-Length", "6"), ("Host", "b"), ("Authorization", "Bearer other")),
    *((" folded", "x"), ("no colon", ""), ("ctl", "a\x01b"), ("nul", "a\x00b"), ("名", "x"), ("", "")),
]
GOOD = {
    "method": st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "DELETE", "PATCH"]),
    "target": st.sampled_from(["/", "/api/v1/ws?x=1", "http://h/whip/x", "/%2e%2e/x", "//x", "/a?b=/c"]),
    "version": st.sampled_from(["HTTP/1.1", "HTTP/1.1", "HTTP/1.0"]),
    "headers": st.lists(st.sampled_from(GOOD_HEADERS), max_size=6, unique_by=lambda header: header[0].lower()),
    "colon": st.sampled_from([": ", ":", ":  ", ":\t"]),
    "end": st.just("\r\n"),
    "before": st.sampled_from(["", "", "\r\n"]),
}
BAD = {
    "method": st.sampled_from(["get", "BREW", "G ET", "", "G\tET", "GÉT"]),
    "target": st.text(st.characters(min_codepoint=32, max_codepoint=300), max_size=10).map(lambda text: "/" + text),
    "version": st.sampled_from(["HTTP/1.2", "HTTP/2.0", "http/1.1", "HTTP/1.1 ", "HTTP/1.11", ""]),
    "headers": st.lists(
        st.one_of(
            st.sampled_from(GOOD_HEADERS + BAD_HEADERS), st.tuples(st.text("abX-_!1", min_size=1, max_size=8), VALUE)
        ),
        max_size=8,
    ),
    "colon": st.sampled_from([" : ", ";", " "]),
    "end": st.sampled_from(["\n", "\r", "\r\r\n"]),
    "before": st.sampled_from(["\n", " ", "\r", "\r\n" * 5]),
}


@st.composite
def written(draw):
    """Bytes that are a request, or have one or two faults."""
    faults = draw(st.lists(st.sampled_from(sorted(BAD)), max_size=2))
    part = {name: draw((BAD if name in faults else GOOD)[name]) for name in GOOD}
    if "headers" not in faults:
        part["headers"] = [GOOD_HEADERS[0], *(each for each in part["headers"] if each[0] != "Host")]
    lines = [f"{part['method']} {part['target']} {part['version']}"]
    lines += [f"{name}{part['colon']}{value}" for name, value in part["headers"]]
    text = part["before"] + part["end"].join([*lines, "", ""])
    return text.encode("utf-8", "surrogateescape") + draw(st.sampled_from([b"", b"", b"12345", b"\x00\xff"]))


class TestBesideAiohttp:
    """The application reads the same bytes again. Where it would find another method or credential, the connection
    would go the wrong way."""

    def test_most_requests_of_this_comparison_are_read_by_both(self, loop):
        seen = Counter()

        @settings(max_examples=300, deadline=None, database=None)
        @given(written())
        def collect(data):
            try:
                ours = parse_head(data)
            except VisitError:
                ours = None
            theirs = aiohttp_reads(loop, data)
            seen[ours is not None and theirs is not None and not isinstance(theirs, Exception)] += 1

        collect()
        assert seen[True] > seen.total() / 5

    @settings(max_examples=1500, deadline=None)
    @given(data=written())
    @example(data=b"GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n")
    @example(data=b"GET http://h/healthz HTTP/1.1\r\nHost: h\r\n\r\n")
    def test_both_find_the_same_request(self, loop, data):
        theirs = aiohttp_reads(loop, data)
        try:
            ours = parse_head(data)
        except VisitError:
            return  # refused here, with a problem document
        if ours is None or theirs is None or isinstance(theirs, Exception):
            return
        assert (ours.method, ours.target, ours.minor) == (theirs.method, theirs.path, theirs.version.minor)
        for name in ("authorization", "cookie", "upgrade", "host", "content-length", "x-forwarded-for"):
            assert [value.strip(" \t") for value in theirs.headers.getall(name, [])] == ours.values(name)

    @settings(max_examples=1500, deadline=None)
    @given(data=written())
    def test_aiohttp_never_waits_for_more_of_a_head_that_is_complete_here(self, loop, data):
        try:
            ours = parse_head(data)
        except VisitError:
            return
        if ours is not None:
            assert aiohttp_reads(loop, data) is not None

    @given(st.binary(max_size=200))
    def test_any_bytes_are_a_head_the_beginning_of_one_or_refused(self, data):
        try:
            head = parse_head(data)
        except VisitError:
            return
        assert head is None or 0 < head.size <= len(data)


class TestHeads:
    @settings(deadline=None)
    @given(written(), st.lists(st.integers(1, 40), max_size=30))
    def test_pieces_make_the_same_head_as_the_whole(self, data, cuts):
        try:
            whole = parse_head(data)
        except VisitError:
            whole = "refused"
        if whole in (None, "refused"):
            return
        place = 0
        for cut in cuts:
            place += cut
            if place < whole.size:
                assert parse_head(data[:place]) is None, "the beginning of a good request was refused"
        assert parse_head(data[: whole.size]) == whole

    @pytest.mark.parametrize(
        "data",
        [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # a TLS greeting
            b"PRI * HTTP/2.0\r\n",
            b"SSH-2.0-OpenSSH_9.2\r\n",
            b"\x00",
            b" GET / HTTP/1.1\r\n",
            b"GET / HTTP/1.1\n\n",
            b"GET  / HTTP/1.1\r\n",
            b"GET / HTTP/1.1\r\n folded: x\r\n\r\n",
            b"GET / HTTP/1.1\r\nname : x\r\n\r\n",
            b"GET / HTTP/1.1\r\nname\r\n\r\n",
            b"GET / HTTP/1.1\r\na: b\x00c\r\n\r\n",
            b"GET / HTTP/1.1\r\nA: without a host\r\n\r\n",
            b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"GET / HTTP/1.1\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
            b"\xe4\xbc\x9a / HTTP/1.1\r\n\r\n",
        ],
    )
    def test_what_is_no_request_is_refused_at_once(self, data):
        with pytest.raises(MalformedRequest):
            parse_head(data)

    @pytest.mark.parametrize(
        "data",
        [
            b"GET /" + b"a" * MAX_HEAD,
            b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 4000,
            b"GET / HTTP/1.1\r\nA: " + b"a" * 9000 + b"\r\n\r\n",
            b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 101 + b"\r\n",
        ],
    )
    def test_a_head_over_its_limit_is_refused(self, data):
        with pytest.raises(HeadTooLarge):
            parse_head(data)

    def test_an_empty_line_before_the_request_does_not_count(self):
        assert parse_head(b"\r\nGET / HTTP/1.0\r\n\r\n").minor == 0

    @pytest.mark.parametrize(
        ("target", "path"),
        [
            ("/metrics?x=/y", "/metrics"),
            ("http://a.example:80/metrics?x", "/metrics"),
            ("HTTP://a.example", "/"),
            ("/api/v1/sign%2Din", "/api/v1/sign-in"),
            ("http://[bad", "/"),
        ],
    )
    def test_the_path_is_found_in_every_form_of_a_target(self, target, path):
        assert head_of(f"GET {target} HTTP/1.1").path == path

    def test_credentials_are_the_bearer_token_and_then_the_cookie(self):
        head = head_of("GET / HTTP/1.1", "Cookie: x=1; huijian=usr_a; huijian2=no", "Authorization: bEaReR  trm_b ")
        assert head.tokens(COOKIES) == ["trm_b", "usr_a"]
        assert head_of("GET / HTTP/1.1", "Authorization: Basic eDp5", "Cookie: huijian=").tokens(COOKIES) == []

    def test_an_upgrade_needs_both_headers_and_get(self):
        both = ("Upgrade: WebSocket", "Connection: keep-alive, Upgrade")
        assert head_of("GET / HTTP/1.1", *both).upgrades
        assert not head_of("POST / HTTP/1.1", *both).upgrades
        assert not head_of("GET / HTTP/1.1", both[0]).upgrades


class TestBodies:
    def end(self, data):
        return end_of_body(parse_head(data), data)

    def test_no_length_is_no_body(self):
        assert self.end(request("POST / HTTP/1.0", body=b"behind")) == len(request("POST / HTTP/1.0"))

    @given(st.integers(0, 100))
    def test_a_length_is_waited_for(self, arrived):
        data = request("POST / HTTP/1.0", "Content-Length: 50", body=b"x" * arrived)
        assert (self.end(data) is None) == (arrived < 50)

    @given(st.lists(st.binary(min_size=1, max_size=50), max_size=10), st.integers(0, 600), st.booleans())
    def test_chunks_are_waited_for(self, chunks, cut, trailer):
        body = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
        body += b"0\r\nSum: 1\r\n\r\n" if trailer else b"0\r\n\r\n"
        data = request("POST / HTTP/1.0", "Transfer-Encoding: chunked", body=body)
        assert self.end(data + b"GET /") == len(data)
        begin = len(data) - len(body)
        if cut < len(body):
            assert self.end(data[: begin + cut]) is None

    @pytest.mark.parametrize(
        "lines",
        [
            ("Content-Length: -1",),
            ("Content-Length: 1, 1",),
            ("Content-Length: ٣",),
            ("Content-Length: 5", "Transfer-Encoding: chunked"),
            ("Transfer-Encoding: gzip, chunked",),
            ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        ],
    )
    def test_lengths_that_readers_may_take_differently_are_refused(self, lines):
        with pytest.raises(MalformedRequest):
            self.end(request("POST / HTTP/1.0", *lines, body=b"0\r\n\r\n"))

    @pytest.mark.parametrize("body", [b"zz\r\n", b"5\r\nabcdeXX", b"-1\r\n", b"0\r\nbad trailer\r\n\r\n", b"1" * 400])
    def test_broken_chunks_are_refused(self, body):
        with pytest.raises(MalformedRequest):
            self.end(request("POST / HTTP/1.0", "Transfer-Encoding: chunked", body=body))

    def test_a_body_over_its_limit_is_refused_before_it_comes(self):
        with pytest.raises(TooLarge):
            self.end(request("POST / HTTP/1.0", f"Content-Length: {MAX_BODY + 1}"))
        with pytest.raises(TooLarge):
            self.end(request("POST / HTTP/1.0", "Transfer-Encoding: chunked", body=b"%x\r\n" % (MAX_BODY + 1)))
        long = b"400\r\n%s\r\n" % (b"x" * 1024) * (MAX_BODY // 1024 + 1)
        with pytest.raises(TooLarge):
            self.end(request("POST / HTTP/1.0", "Transfer-Encoding: chunked", body=long))

    def test_more_chunks_than_a_sender_needs_are_refused_however_short(self):
        last = b"0\r\n\r\n"
        enough = request("POST / HTTP/1.0", "Transfer-Encoding: chunked", body=b"1\r\nx\r\n" * (MAX_CHUNKS - 1) + last)
        assert self.end(enough) == len(enough)
        many = b"1\r\nx\r\n" * MAX_CHUNKS + last
        with pytest.raises(TooLarge):
            self.end(request("POST / HTTP/1.0", "Transfer-Encoding: chunked", body=many))

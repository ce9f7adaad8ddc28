"""Malformed requests by the hundred, each with a token, a cookie and a name that no log may hold afterwards."""

import asyncio
from collections.abc import Iterator

TOKEN = "usr_CANARYcanaryCANARYcanaryCANARYcanaryCANARY"
COOKIE = "usr_KANARIkanariKANARIkanariKANARIkanariKANARI"
NAME, NUMBER = "刘某甲金丝雀", "530102198501010011"
ADDRESS, MAIL = "203.0.113.77", "canary@example.cn"
PLAIN = "canarybird"
CANARIES = ("canary", "kanari", NAME, NUMBER, ADDRESS, NAME.encode().hex(), ascii(NAME)[1:-1].replace("\\", "\\\\"))
"""What is looked for, in small letters: the token and the cookie in parts, too."""

SECRETS = (
    f"Authorization: Bearer {TOKEN}\r\nCookie: huijian={COOKIE}\r\nX-Forwarded-For: {ADDRESS}\r\n"
    f"From: {MAIL}\r\nX-Name: {NAME}\r\nX-Number: {NUMBER}\r\n"
).encode()
HOST = b"Host: huijian.example\r\n"
WS = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: huijian.v1\r\n"
KEY = b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
PATHS = (
    "/",
    "/api/v1/me",
    "/api/v1/sign-in",
    "/api/v1/ws",
    "/whip/x",
    "/web/monitor.js",
    "/api/v1/slots/x",
    "/metrics",
)


def requests(secrets: bytes = SECRETS) -> Iterator[bytes]:
    """Yield the bytes of each request; `secrets` are the headers that each carries where it has headers."""
    for line in _lines():
        yield line + b"\r\n" + HOST + secrets + b"\r\n"
    for header in _headers():
        for path in (
            "/api/v1/me",
            "/api/v1/sign-in",
        ):
            yield f"GET {path} HTTP/1.1\r\n".encode() + HOST + secrets + header + b"\r\n\r\n"
            yield f"POST {path} HTTP/1.1\r\n".encode() + header + b"\r\n" + HOST + secrets + b"\r\n"
    for body in _bodies():
        for path in (
            "/api/v1/sign-in",
            "/api/v1/slots",
            "/whip/x",
            "/nowhere",
        ):
            head = f"POST {path} HTTP/1.1\r\n".encode() + HOST + secrets + b"Content-Type: application/json\r\n"
            yield head + body
    for upgrade in _upgrades():
        yield b"GET /api/v1/ws HTTP/1.1\r\n" + HOST + secrets + upgrade + b"\r\n"
    yield from _raw()


def _lines() -> Iterator[bytes]:
    bird, name = PLAIN.encode(), NAME.encode()
    for method in (
        b"",
        b"get",
        b"G\x00T",
        b"G(T",
        b"GE\tT",
        name,
        b"\xff\xfe",
        bird * 500,
        b"GET GET",
        b"CONNECT",
        b"PRI",
    ):
        yield method + b" /" + bird + b" HTTP/1.1"
    for version in (
        b"",
        b"HTTP/9.9",
        b"HTTP/1",
        b"HTTP/1.10",
        b"HTTP/0.9",
        b"http/1.1",
        b"HTTP/1.1 x",
        b"ICY/1.1",
        b"\x00",
    ):
        yield b"GET /" + bird + b" " + version
        yield b"POST /whip/" + TOKEN.encode() + b" " + version
    targets = [
        *(
            b"*",
            b"/%",
            b"/%zz",
            b"/%f",
            b"/%ff%fe",
            b"/%00" + bird,
            b"/%u1234",
            b"/%ed%a0%80",
            b"//",
            b"//" + bird,
            b"/../..",
        ),
        *(
            b"/\x00" + bird,
            b"/\x7f",
            b"/\xff\xfe",
            name,
            b"/" + name,
            b"/" + bird * 2000,
            b"?" + bird,
            b"#",
            b"/ /",
            b"",
        ),
        *(
            b"http://" + bird,
            b"http://[::1",
            b"http://a:b@c:d/",
            b"http://%zz/",
            b"https://[v1.x]/",
            b"ws://x/",
            b"data:,x",
        ),
        *(
            b"http://user:" + TOKEN.encode() + b"@x/",
            b"mailto:" + MAIL.encode(),
            b"urn:x",
            b"x:y:z",
            b"://",
            b"http:///",
            b"a b",
        ),
        *(
            b"/?token=" + TOKEN.encode(),
            b"/?" + b"&" * 3000,
            b"/?a=%zz&a=%ff",
            b"/api/v1/slots?day=%ff",
            b"/web/" + b"a" * 300,
        ),
        *(
            b"/web/%2e%2e/%2e%2e/etc",
            b"/web/" + b"%00.js",
            b"/web/..%2fx.js",
            b"/web/" + b"x/" * 2000 + b".js",
            b"/web/\\..\\a.js",
        ),
    ]
    for target in targets:
        for method in (
            b"GET",
            b"OPTIONS",
            b"DELETE",
            b"PROPFIND",
        ):
            yield method + b" " + target + b" HTTP/1.1"


def _headers() -> Iterator[bytes]:
    bird = PLAIN.encode()
    yield from (
        b": " + bird,
        b" x: " + bird,
        b"x : " + bird,
        b"x",
        b"x\x00y: a",
        b"x: a\x00" + bird,
        b"\xff: " + bird,
        b"a b: c",
        b"x: a\rb",
        b"x: a\nb",
        b"x: a\r\n " + bird,
        b"x: " + bird * 2000,
        bird * 2000 + b": a",
        b"(x): y",
        b"x: \x7f",
        b"Content-Length: -1",
        b"Content-Length: +1",
        b"Content-Length: 1_0",
        b"Content-Length: 0x1",
        b"Content-Length: ",
        b"Content-Length: 1\r\nContent-Length: 2",
        b"Content-Length: 1, 1",
        b"Content-Length: 9" + b"9" * 5000,
        b"Content-Length: 99999999999999999999",
        "Content-Length: ²".encode(),
        "Content-Length: ٣".encode(),
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5",
        b"Transfer-Encoding: gzip",
        b"Transfer-Encoding: chunked, chunked",
        b"Transfer-Encoding: xchunked",
        b"Transfer-Encoding:",
        b"Transfer-Encoding: identity",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        b"Content-Encoding: " + bird,
        b"Host: other",
        b"Host: [::1",
        b"Host: a:b",
        b"Host: @",
        b"Host: " + NAME.encode(),
        b"Host:",
        b"Expect: " + bird,
        b"Expect: 100-continue",
        b"Connection: " + bird,
        b"Upgrade: " + bird,
        b"Upgrade: h2c\r\nConnection: upgrade",
        b"Authorization: " + bird,
        b"Authorization: Bearer",
        b"Authorization: Bearer " + NAME.encode(),
        b"Authorization:",
        b"Authorization: Bearer \xff\xfe",
        b"Authorization: Basic !!!",
        b"Cookie: =;=;" + bird,
        b'Cookie: huijian="',
        b"Cookie: \xff=\xff",
        b"Cookie: " + b"a=b; " * 1500,
        b"Content-Type: " + bird,
        b"Content-Type: ;;;=",
        b"Content-Type: \xff/\xff",
        b"Accept: \xff",
        b"X-Forwarded-For: " + bird,
        b"X-Forwarded-For: " + b"," * 5000,
        b'Forwarded: for="' + bird,
        b"X-Forwarded-Port: " + b"9" * 5000,
        b"Origin: http://[",
        b"Origin: " + bird,
        b"Origin: \xff",
        b"Range: bytes=" + b"9" * 5000,
        b"If-None-Match: " + bird,
        b"If-Modified-Since: " + bird,
        b"If-Modified-Since: Fri, 31 Feb 99999 99:99:99 GMT",
        b"Sec-Fetch-Site: \xff",
    )
    yield b"\r\n".join(b"x%d: y" % number for number in range(300))


def _bodies() -> Iterator[bytes]:
    chunked, bird = b"Transfer-Encoding: chunked\r\n\r\n", PLAIN.encode()
    yield from (
        chunked + b"zz\r\n" + bird,
        chunked + b"-1\r\n",
        chunked + b"\r\n",
        chunked + b"5;" + bird * 2000 + b"\r\n",
        chunked + b"fffffffffffffffff\r\n" + bird,
        chunked + b"3\r\nabcd\r\n0\r\n\r\n",
        chunked + b"0\r\n" + bird,
        chunked + b"1\nx\n",
        chunked + b"0\r\n: x\r\n\r\n",
        chunked + b"2\r\n{}\r\n0\r\nx\x00: y\r\n\r\n",
        chunked + b"5\r\n{",
        b"Content-Length: 4\r\n\r\n\xff\xfe\x00\x01",
        b"Content-Length: 2\r\n\r\n{}" + bird,
        b"Content-Length: 9\r\n\r\n{}",
        b"Content-Length: 3\r\nContent-Encoding: gzip\r\n\r\nabc",
        b"Content-Length: 3\r\nContent-Encoding: br\r\n\r\nabc",
        b"Content-Length: 20\r\nContent-Encoding: deflate\r\n\r\n" + b"\x78\x9c" + b"\x00" * 18,
        b"\r\n",
        b"\r\n" + bird,
        b"Content-Length: 2\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    )
    for text in (
        f'{{"user":"{NAME}","password":"{TOKEN}"',
        '{"user":"\\ud800","password":"x"}',
        "[" * 9000,
        "1e999",
        "NaN",
        '"',
    ):
        data = text.encode()
        yield b"Content-Length: %d\r\n\r\n" % len(data) + data


def _upgrades() -> Iterator[bytes]:
    bird = PLAIN.encode()
    yield from (
        WS,
        WS + b"Sec-WebSocket-Key: x\r\n",
        WS + b"Sec-WebSocket-Key: " + NAME.encode() + b"\r\n",
        WS + KEY + KEY,
    )
    yield from (
        WS + b"Sec-WebSocket-Key: \xff\xff\r\n",
        WS + b"Sec-WebSocket-Key: " + TOKEN.encode() + b"\r\n",
    )
    yield WS.replace(b"13", b"8") + KEY
    yield WS.replace(b"13", b"x" * 50) + KEY
    yield WS.replace(b"huijian.v1", b"\xff") + KEY
    yield WS.replace(b"huijian.v1", PLAIN.encode()) + KEY
    yield (
        WS
        + KEY
        + b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=\xff"
        + PLAIN.encode()
        + b"\r\n"
    )
    yield WS + KEY + b"Origin: http://" + bird + b"\r\n"
    yield WS + KEY + b"Origin: http://x\r\nX-Forwarded-Port: " + b"9" * 5000 + b"\r\n"
    yield WS + KEY + b"Content-Length: 5\r\n"


def _raw() -> Iterator[bytes]:
    bird = PLAIN.encode()
    yield from (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bird,
        b"\x00" * 50 + bird,
        b"SSH-2.0-" + bird + b"\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\r\n" * 2000 + bird,
        bird + b"\r\n\r\n",
        b"\x05\x01\x00",
        b"PROXY TCP4 1 2 3 4\r\n",
        b"GET / HTTP/1.1\n" + SECRETS.replace(b"\r\n", b"\n") + b"\n",
        b"GET / HTTP/1.1\r\r\n" + SECRETS,
        b"\r\n\r\nGET",
        b"GET / HTTP/1.1\r\n" + HOST + SECRETS + b"\r\nGET /" + bird + b" HTTP/9\r\n" + SECRETS + b"\r\n",
        b"GET / HTTP/1.1\r\n" + SECRETS * 200 + b"\r\n",
    )


def frames() -> Iterator[bytes]:
    """Yield the bytes of broken frames that follow a good upgrade."""
    bird, mask = PLAIN.encode(), b"\x00\x00\x00\x00"
    masked = bytes([0x80 | len(bird)]) + mask + bird
    yield from (
        b"\xf1" + masked,
        b"\xc1" + masked,
        b"\xa1" + masked,
        b"\x91" + masked,
        b"\x83" + masked,
        b"\x8b" + masked,
    )
    yield from (
        b"\x81" + bytes([len(bird)]) + bird,
        b"\x09" + masked,
        b"\x89\xfe\x00\x80" + mask + b"x" * 128,
    )
    yield from (
        b"\x81\xff" + b"\x7f" + b"\xff" * 7 + mask,
        b"\x81\xff" + b"\xff" * 8 + mask,
        b"\x80" + masked,
        b"\x00" + masked,
    )
    yield from (
        b"\x81\x82" + mask + b"\xff\xfe",
        b"\x01" + masked + b"\x81" + masked,
        b"\x82" + masked,
        b"\x81\x80" + mask,
    )
    for code in (
        0,
        999,
        1004,
        1005,
        1006,
        1015,
        2999,
        5000,
        65535,
    ):
        yield b"\x88\x82" + mask + code.to_bytes(2, "big")
    yield from (
        b"\x88\x81" + mask + b"\x03",
        b"\x88\x84" + mask + b"\x03\xe8\xff\xfe",
        b"\x88" + masked,
    )
    for text in (
        bird,
        f'{{"type":"hello","token":"{TOKEN}"}}'.encode(),
        b"[" * 100,
        b"{}",
        b"1e999",
        b'"\\ud800"',
        b"\x00",
    ):
        yield b"\x81" + bytes([0x80 | min(len(text), 125)]) + mask + text[:125]
    yield b"\x81\xfe\xff\xff" + mask + b"x" * 65535
    yield b"\x81\xff" + (10**6).to_bytes(8, "big") + mask + b"x" * 70000


async def ask(host: str, port: int, data: bytes, seconds: float = 2.0, first: bytes = b"") -> bytes:
    """Return all that a server answers to these bytes until it closes, or is silent for so long. They are sent once a
    good request before them, `first`, has been answered."""
    reader, writer = await asyncio.open_connection(host, port)
    answer = b""
    try:
        if first:
            writer.write(first)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split()[0]))
        writer.write(data)
        async with asyncio.timeout(seconds):
            while piece := await reader.read(65536):
                answer += piece
    except (TimeoutError, ConnectionError):
        pass  # what has come until then is the answer
    finally:
        writer.close()
    return answer

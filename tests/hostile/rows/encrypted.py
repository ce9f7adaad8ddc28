"""Attacks of those who have no credential, at the port of the pages behind TLS."""

from tests.hostile.rows.row import Row, holds

HELLO = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
"""The beginning of a ClientHello (RFC 8446, 4.1.2), which announces 512 bytes."""
REQUEST = "GET /api/v1/openapi.json HTTP/1.1\nHost: x\nConnection: close\n\n"

ROWS = (
    Row("tls-handshakes", "反复进行 TLS 握手", "tls.shake", {"connections": 100}, brief=True),
    Row("tls-requests", "经 TLS 匿名读取，每次新建连接", "tls.shake", {"first": REQUEST, "stay": True}),
    Row("tls-quiet", "握手后静默", "tls.shake", {"connections": 1000, "stay": True}),
    Row(
        "tls-half-header",
        "握手后只发一半的请求头",
        "tls.shake",
        {"connections": 500, "stay": True, "first": "GET / HTTP/1.1\nHost: x\nX-Half: "},
    ),
    holds("tls-silent", "TLS 端口静默连接", at="tls", connections=5000),
    holds("tls-half-hello", "只发一半的 TLS 握手", at="tls", first=HELLO),
    holds("tls-byte-a-second", "每秒一个字节的 TLS 握手", at="tls", first=HELLO, drip="\x00"),
    holds("tls-plain", "在 TLS 端口发明文请求", at="tls", first=REQUEST),
    Row("tls-knock", "TLS 端口新建连接即断开", "slow.knock", {"at": "tls", "connections": 100}),
)

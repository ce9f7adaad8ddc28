"""Attacks of those who have no credential, at the pages' port."""

from base64 import b64encode

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.hostile.rows.row import HASHING, JSON, OFFER, SDP, Limits, Row, asks, holds

GUESSED = Limits(memory=HASHING.memory, new_device=13.0)  # the device that is known goes first
_KEY = ec.generate_private_key(ec.SECP256R1())
_SPKI = b64encode(_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
"""A true public key: what is sent with it is refused for its signature, after the work of looking at it."""
_PROOF = f'"key": "{_SPKI}", "key_kind": "file", "origin": "http://x", "signature": "MEUCIQ{{r}}{{r}}{{r}}"'
ENROLMENT = f'{{"code": "K7QF-9MPA-X3TC-W8HN", {_PROOF}}}'
MIGRATION = f'{{"token": "trm_{{r}}{{r}}", {_PROOF}}}'
HALF_POST = "POST /api/v1/sign-in HTTP/1.1\nHost: x\nContent-Type: application/json\n"

ROWS = (
    asks("anonymous-openapi", "匿名读取接口文档，900 个连接", "GET", "/api/v1/openapi.json", True, connections=900),
    asks(
        "anonymous-openapi-new",
        "匿名读取接口文档，每次新建连接",
        "GET",
        "/api/v1/openapi.json",
        headers={"Connection": "close"},
    ),
    asks("anonymous-page", "匿名读取页面", "GET", "/monitor"),
    asks("anonymous-static", "匿名读取页面文件", "GET", "/web/app/monitor.js"),
    asks("anonymous-static-missing", "匿名读取不存在的文件", "GET", "/web/{r}.js"),
    asks("anonymous-health", "匿名读取健康状况", "GET", "/healthz"),
    asks("anonymous-metrics", "经代理匿名读取指标", "GET", "/metrics", source="127.0.0.2", forwarded=True),
    asks("anonymous-metrics-local", "本机匿名读取指标", "GET", "/metrics", connections=20),
    asks("anonymous-paths", "匿名请求不存在的地址", "GET", "/{r}/{r}?{r}={r}"),
    asks("anonymous-options", "匿名 OPTIONS", "OPTIONS", "/whip/{r}"),
    asks("anonymous-me", "无凭证读取身份", "GET", "/api/v1/me"),
    asks("anonymous-orders", "无凭证下达指令", "POST", "/api/v1/sessions/{session visit}/end", body="{}", headers=JSON),
    asks("anonymous-whip", "无凭证发布", "POST", "/whip/x", True, body=OFFER, headers=SDP),
    asks("anonymous-whep", "无凭证观看", "POST", "/whep/{session visit}/prison", body=OFFER, headers=SDP),
    asks(
        "anonymous-proxied",
        "经反向代理匿名发布",
        "POST",
        "/whip/x",
        body=OFFER,
        headers=SDP,
        source="127.0.0.2",
        forwarded=True,
    ),
    asks("anonymous-neighbour", "与终端同一网段的匿名请求", "GET", "/api/v1/openapi.json", network="127.77.1"),
    asks(
        "sign-in-random",
        "随机用户名登录",
        "POST",
        "/api/v1/sign-in",
        limits=HASHING,
        body='{"user": "{r}", "password": "{r}"}',
        headers=JSON,
    ),
    asks(
        "sign-in-proxied",
        "经反向代理随机用户名登录",
        "POST",
        "/api/v1/sign-in",
        limits=HASHING,
        source="127.0.0.2",
        forwarded=True,
        body='{"user": "{r}", "password": "{r}"}',
        headers=JSON,
    ),
    asks(
        "sign-in-officer",
        "猜测一名管理员的密码，来自许多地址",
        "POST",
        "/api/v1/sign-in",
        limits=GUESSED,
        body='{"user": "demo-prison-officer-3", "password": "{r}"}',
        headers=JSON,
    ),
    asks(
        "sign-in-officer-slow",
        "猜测一名管理员的密码，每秒 2 次",
        "POST",
        "/api/v1/sign-in",
        limits=GUESSED,
        rate=2,
        connections=6,
        body='{"user": "demo-prison-officer-3", "password": "{r}"}',
        headers=JSON,
    ),
    asks("sign-in-malformed", "格式错误的登录", "POST", "/api/v1/sign-in", body='{"user": 1, "x": [[[[', headers=JSON),
    asks(
        "sign-in-long",
        "密码很长的登录",
        "POST",
        "/api/v1/sign-in",
        limits=HASHING,
        connections=50,
        body='{"user": "{r}", "password": "' + 100_000 * "x" + '"}',
        headers=JSON,
    ),
    asks(
        "terminal-challenges",
        "匿名为随机终端取验证码",
        "POST",
        "/api/v1/terminals/challenges",
        body='{"terminal": "trm_{r}"}',
        headers=JSON,
    ),
    asks(
        "terminal-sessions",
        "匿名以伪造签名登录终端",
        "POST",
        "/api/v1/terminals/sessions",
        body='{"terminal": "trm_{r}", "instance": "{r}{r}", "nonce": "{r}{r}{r}", "origin": "http://x", "signature": "'
        + 'MEUCIQ{r}{r}{r}"}',
        headers=JSON,
    ),
    asks(
        "terminal-enrolments",
        "匿名猜测登记码",
        "POST",
        "/api/v1/terminals/enrolments",
        body=ENROLMENT,
        headers=JSON,
    ),
    asks(
        "terminal-migrations",
        "匿名猜测旧令牌",
        "POST",
        "/api/v1/terminals/migrations",
        body=MIGRATION,
        headers=JSON,
    ),
    asks("token-random-user", "随机的用户令牌", "GET", "/api/v1/sessions", token="usr_{r}{r}{r}"),
    asks(
        "token-random-terminal", "随机的终端令牌", "POST", "/whip/{r}", token="trs_{r}{r}{r}", body=OFFER, headers=SDP
    ),
    asks("token-random-key", "随机的密钥", "POST", "/api/v1/slots", token="key_{r}{r}{r}", body="{}", headers=JSON),
    asks(
        "token-random-cookie",
        "随机的 Cookie",
        "GET",
        "/api/v1/me",
        headers={"Cookie": "huijian=usr_{r}{r}; __Host-huijian=usr_{r}{r}"},
    ),
    Row("socket-no-hello", "WebSocket 不发 hello", "sockets.converse", {"connections": 500}),
    Row(
        "socket-wrong-hello",
        "WebSocket 发错误的 hello",
        "sockets.converse",
        {"connections": 200, "messages": ('{"type": "hello", "token": "usr_{r}{r}"}',), "stay": False},
    ),
    Row(
        "socket-garbage",
        "WebSocket 首条消息为乱码",
        "sockets.converse",
        {"connections": 200, "messages": ("{r}" * 3000,)},
    ),
    holds("silent", "静默连接", connections=5000),
    holds("half-header", "只发一半的请求头", first="GET / HTTP/1.1\nHost: x\nX-Half: "),
    holds("byte-a-second", "每秒一个字节的请求头", first="GET / HT", drip="TP/1.1\nHost: x\nX-A: " + 500 * "a"),
    holds("half-body", "每秒一个字节的请求内容", first=HALF_POST + "Content-Length: 60000\n\n{", drip=" "),
    holds("chunk-trickle", "每秒一个字节的分块内容", first=HALF_POST + "Transfer-Encoding: chunked\n\n", drip="1\n \n"),
    holds("expect-continue", "只问可否发送内容", first=HALF_POST + "Expect: 100-continue\nContent-Length: 60000\n\n"),
    holds("tls-hello", "在明文端口开始 TLS", first="\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    Row("knock", "新建连接即断开", "slow.knock", {"connections": 100}),
    Row(
        "knock-whip",
        "发出请求即断开",
        "slow.knock",
        {"connections": 100, "first": "POST /whip/x HTTP/1.1\nHost: x\nContent-Length: 0\n\n"},
    ),
    Row("unread-openapi", "不读取回答", "http.unread", {"connections": 500}),
    Row("pipelined", "连续请求不等回答", "http.unread", {"path": "/healthz", "depth": 200, "connections": 100}),
    Row(
        "endless-header",
        "没有尽头的请求头",
        "http.endless",
        {"head": "GET / HTTP/1.1\nHost: x\n", "piece": "X-A: " + 1000 * "b" + "\n"},
    ),
    Row(
        "endless-body",
        "很大的请求内容",
        "http.endless",
        {"head": HALF_POST + "Content-Length: 1000000000\n\n", "piece": 65536 * "x"},
    ),
    Row(
        "endless-chunks",
        "没有尽头的分块",
        "http.endless",
        {"head": HALF_POST + "Transfer-Encoding: chunked\n\n", "piece": "1\nx\n", "times": 500},
    ),
    Row("endless-garbage", "不是 HTTP 的数据", "http.endless", {"head": "{r}", "piece": 1000 * "\0\xff"}),
)

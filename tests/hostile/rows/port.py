"""Attacks at a relay worker's port, by UDP and by TCP."""

from tests.hostile.rows.row import Row, datagrams, holds

ROWS = (
    datagrams("udp-tiny", "极小的数据包，每秒五万", True, shape="tiny", size=1, rate=50_000),
    datagrams("udp-small", "小数据包，每秒十万", shape="tiny", size=32, rate=100_000, ports=200),
    datagrams("udp-large", "大数据包，每秒两万", shape="tiny", size=1400, rate=20_000),
    datagrams("udp-rtp", "伪造 SSRC 的媒体包", shape="rtp", size=200, rate=50_000),
    datagrams("udp-rtcp", "伪造的 RTCP", shape="rtcp", size=200, rate=50_000),
    datagrams("udp-dtls", "DTLS 握手", shape="dtls", size=200, rate=30_000),
    datagrams("udp-stun-header", "无效的 STUN", shape="stun-header", size=100, rate=30_000),
    datagrams("udp-stun-unknown", "未知用户段的 STUN", shape="stun-unknown", rate=30_000),
    datagrams(
        "udp-stun-known",
        "已知用户段、错误密码的 STUN",
        shape="stun-wrong-key",
        rate=30_000,
        user="demo-prison-officer-4",
    ),
    datagrams(
        "udp-stun-many",
        "已知用户段的 STUN，来自 500 个地址",
        shape="stun-wrong-key",
        rate=20_000,
        ports=500,
        user="demo-prison-officer-4",
    ),
    datagrams(
        "udp-stun-roaming",
        "密码正确、不断换地址的 STUN",
        shape="stun-right-key",
        rate=10_000,
        ports=500,
        user="demo-prison-officer-4",
    ),
    datagrams("udp-mixed", "各种数据包，来自 500 个地址", shape="mixed", rate=50_000, ports=500),
    holds("tcp-idle", "ICE-TCP 静默连接，来自许多地址", at="relay", connections=2000),
    holds("tcp-half", "ICE-TCP 只发一半的长度", at="relay", first="\x00", connections=2000),
    holds("tcp-drip", "ICE-TCP 每秒一个字节", at="relay", first="\x05\x00", drip="\x00", connections=1000),
    Row(
        "tcp-proven",
        "ICE-TCP 已验证的连接，不读取",
        "tcp.proven",
        {"user": "demo-prison-officer-4", "session": "visit", "connections": 300},
    ),
    Row(
        "tcp-proven-junk",
        "ICE-TCP 已验证的连接，大量一字节的包",
        "tcp.proven",
        {"user": "demo-prison-officer-4", "connections": 50, "junk": 20_000},
    ),
    Row("tcp-knock", "ICE-TCP 新建连接即断开", "slow.knock", {"at": "relay", "connections": 100}),
    Row(
        "tcp-garbage",
        "ICE-TCP 错误的首个包",
        "slow.knock",
        {"at": "relay", "connections": 100, "first": "\x00\x04abcd"},
    ),
)

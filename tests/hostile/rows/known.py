"""Attacks of those who have a credential: a terminal's token, an officer's, an auditor's, a booking system's key."""

from typing import Any

from tests.hostile.rows.row import HASHING, JSON, OFFER, SDP, Row, asks

ATTACKER, FAR_ATTACKER = "{user demo-prison-officer-4}", "{user demo-bureau-officer-4}"
TERMINAL = "{terminal attack prison}"
OPENING = {"method": "GET", "path": "/api/v1/me", "token": TERMINAL}
GUESS = '{"user": "{r}", "password": "{r}"}'
AUDITOR, KEY = "{user auditor}", "{key attacker}"
FILM = "/api/v1/recordings/{film}/film"
ATTENTIVE = '{"type": "attentive", "id": {n}, "prompt": "att_{r}"}'
OBSERVED = '{"type": "observed", "session": "{session attack}", "black": true, "frozen": false, "silent": true}'
PRESENCE = '{"type": "presence", "page": "attacker{r}", "visible": true, "showing": [], "duty": ["{session visit}"]}'
SELF_TEST = '{"figures": {"width": 640, "rate": 25, "level": -40, "answer": 12}}'
SLOT = '{"prison_room": "demo-prison-3", "visitor_room": "demo-bureau-3", "starts_at": "2031-01-0{d}T0{h}:00:00+08:00"}'


def reports(shape: str, zh: str, brief: bool = False, **arguments: Any) -> Row:
    """Return a row of RTCP from an officer's window on the visit itself."""
    more = {"token": ATTACKER, "shape": shape, "rate": 300, **arguments}
    return Row(f"officer-rtcp-{shape}", zh, "peers.reports", more, brief=brief)


ROWS = (
    asks(
        "terminal-self-test",
        "终端以 REST 反复自检，900 个连接",
        "POST",
        "/api/v1/sessions/{session attack}/self-test",
        token=TERMINAL,
        body=SELF_TEST,
        headers=JSON,
        connections=900,
    ),
    asks(
        "terminal-refused-orders",
        "终端下达被拒绝的指令",
        "POST",
        "/api/v1/sessions/{session visit}/end",
        token=TERMINAL,
        body='{"article": "YN-18"}',
        headers=JSON,
    ),
    asks("terminal-reads", "终端反复读取会见", "GET", "/api/v1/sessions/{session attack}", token=TERMINAL),
    asks(
        "terminal-whip-churn", "终端反复发布", "POST", "/whip/{session attack}", token=TERMINAL, body=OFFER, headers=SDP
    ),
    asks(
        "terminal-whep-missing",
        "终端观看不存在的会见",
        "POST",
        "/whep/ses_{r}/prison",
        token=TERMINAL,
        body=OFFER,
        headers=SDP,
    ),
    Row(
        "terminal-socket-reports",
        "终端以 WebSocket 反复上报",
        "sockets.converse",
        {"token": TERMINAL, "messages": (OBSERVED,), "depth": 20, "connections": 20},
    ),
    Row(
        "terminal-socket-pings",
        "终端发送大量 ping",
        "sockets.converse",
        {"token": TERMINAL, "messages": ("x" * 100,), "ping": True, "depth": 100, "connections": 20},
    ),
    Row(
        "terminal-socket-churn",
        "终端反复重建连接",
        "sockets.converse",
        {"token": TERMINAL, "stay": False, "connections": 100},
    ),
    Row("terminal-media", "终端发送大量随机媒体", "peers.media", {"token": TERMINAL, "rate": 8000}),
    Row("terminal-ssrcs", "终端以许多 SSRC 发送媒体", "peers.media", {"token": TERMINAL, "rate": 4000, "ssrcs": 5000}),
    *(
        asks(f"known-then-{name}", zh, method, path, opening=OPENING, connections=400, **more)
        for name, zh, method, path, more in (
            ("openapi", "已知连接上的匿名请求", "GET", "/api/v1/openapi.json", {}),
            ("whip", "已知连接上的匿名发布", "POST", "/whip/x", {"body": OFFER, "headers": SDP}),
            (
                "sign-in",
                "已知连接上的随机登录",
                "POST",
                "/api/v1/sign-in",
                {"body": GUESS, "headers": JSON, "limits": HASHING},
            ),
            ("token", "已知连接上的随机令牌", "GET", "/api/v1/me", {"token": "usr_{r}{r}{r}"}),
        )
    ),
    asks("officer-reads", "管理员反复读取会见列表", "GET", "/api/v1/sessions", token=ATTACKER),
    asks(
        "officer-refused-orders",
        "管理员反复下达被拒绝的指令",
        "POST",
        "/api/v1/sessions/{session visit}/hold",
        token=ATTACKER,
        body='{"article": "NO-SUCH"}',
        headers=JSON,
    ),
    asks(
        "officer-remarks",
        "管理员反复作记录",
        "POST",
        "/api/v1/sessions/{session attack}/remark",
        token=ATTACKER,
        body='{"text": "{r}"}',
        headers=JSON,
    ),
    asks(
        "officer-ticks",
        "管理员反复勾选又取消",
        "POST",
        "/api/v1/sessions/{session attack}/seat",
        token=ATTACKER,
        body='{"side": "prison", "ready": true}',
        headers=JSON,
    ),
    asks(
        "officer-whep-churn",
        "管理员反复建立观看",
        "POST",
        "/whep/{session visit}/prison?page=attacker{r}",
        token=FAR_ATTACKER,
        body=OFFER,
        headers=SDP,
    ),
    Row(
        "officer-socket-reports",
        "管理员页面反复上报",
        "sockets.converse",
        {"token": ATTACKER, "messages": (PRESENCE, ATTENTIVE), "depth": 20, "connections": 20},
    ),
    Row(
        "officer-socket-unread",
        "管理员页面不读取消息",
        "sockets.converse",
        {"token": ATTACKER, "messages": (PRESENCE,), "connections": 20, "read": False, "rate": 20},
    ),
    Row(
        "officer-held",
        "带凭证的静默连接",
        "slow.hold",
        {"first": "GET /api/v1/me HTTP/1.1\nHost: x\nAuthorization: Bearer " + ATTACKER + "\n\n", "connections": 2000},
    ),
    reports("twcc", "一个窗口的全程反馈（TWCC）"),
    reports("twcc-many", "一个数据包内五十份 TWCC", True),
    reports("twcc-chunks", "逐包状态的 TWCC"),
    reports("twcc-lost", "声称全部丢失的 TWCC"),
    reports("nack", "请求重发四千个包"),
    reports("nacks", "许多小的重发请求"),
    reports("pli", "请求关键帧"),
    reports("fir", "请求完整画面"),
    reports("rr", "接收报告"),
    reports("remb", "码率估计"),
    reports("crumbs", "极小的 RTCP 包"),
    reports("mixed", "各种 RTCP，每秒 2000 个", rate=2000),
    Row(
        "officer-media",
        "观看者发送媒体",
        "peers.media",
        {
            "token": ATTACKER,
            "path": "/whep/{session visit}/prison?page=attack{r}",
            "direction": "recvonly",
            "rate": 8000,
        },
    ),
    asks(
        "auditor-plays", "审计员反复播放片段", "GET", FILM, token=AUDITOR, headers={"Range": "bytes=0-0"}, needs="film"
    ),
    Row(
        "auditor-unread",
        "审计员不读取的播放",
        "http.unread",
        {"path": FILM, "token": AUDITOR, "depth": 1, "connections": 300},
        needs="film",
    ),
    asks("auditor-lists", "审计员反复列出录像", "GET", "/api/v1/recordings", token=AUDITOR, needs="film"),
    asks("integrator-malformed", "预约系统提交错误的时段", "POST", "/api/v1/slots", token=KEY, body="{}", headers=JSON),
    asks("integrator-reads", "预约系统反复列出时段", "GET", "/api/v1/slots", token=KEY),
)

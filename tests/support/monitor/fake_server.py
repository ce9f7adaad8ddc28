"""Stand-in for the control process in tests of the supervisors' page.

It serves the page's own files under a strict CSP, speaks the REST and WebSocket shapes that the page uses, and answers
WHEP by aiortc with a moving picture and a tone, so that frames really decode in the browser. Tests change sessions by
`put` and read what the page asked for."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aioice.ice
from aiohttp import WSMsgType, web
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from tests.support.monitor.fake_archive import FakeArchive
from tests.support.monitor.senders import Image, Loop, Tone, moving_bar
from tests.support.patience import PATIENCE

PAGES = Path(__file__).resolve().parents[3] / "signaling" / "web"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; media-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
TOKEN = "usr-fake"
COOKIE = f"huijian={TOKEN}; HttpOnly; SameSite=Strict; Path=/"
OFFICER = {"kind": "user", "id": "li-ming", "name": "李明", "role": "supervisor", "site": "yunnan-1"}
GROUNDS = (
    ("YN-16-2", "使用隐语、暗语、非规定语种交谈或以手势等方式交流", "coded speech or signs", "云南 第十六条", True),
    ("YN-16-6", "影响会见场所正常秩序", "disturbs the order of the visiting place", "云南 第十六条", True),
    ("YN-17-6", "谈论监狱警力配备、监管警戒设施等安全防范内容", "talks about guards or posts", "云南 第十七条", False),
    ("YN-17-8", "谈论案情，涉嫌串供、通风报信", "talks about the case", "云南 第十七条", False),
    ("YN-18", "网络故障、停电、设备故障不能及时修复", "a fault that cannot be mended in time", "云南 第十八条", True),
    ("SAY-GUIDE", "解答、说明", "explains or answers", "云南 第二十六条第一项、第二项", True),
)
WARNINGS = [
    {
        "id": "dont-4",
        "code": "YN-16-2",
        "zh": "不准使用隐语、暗语交谈。",
        "en": "No coded speech.",
        "article": "云南 须知",
    },
    {
        "id": "dont-3",
        "code": "YN-17-6",
        "codes": ["YN-17-6", "YN-16-6"],
        "notice": True,
        "zh": "不准谈论警力配备。",
        "en": "Do not talk about the strength of the police.",
        "article": "云南 须知",
    },
    {"id": "dont-7", "code": "YN-16-6", "zh": "不准大声喧哗、吵闹。", "en": "Do not shout.", "article": "云南 须知"},
]
SIDES = ("prison", "visitor")


class FakeMonitor:
    """Server of one page at a time; `reset` makes it forget everything between two tests.

    `orders` are the page's orders by socket, `by_rest` those by REST, `watched` the sides that it receives now."""

    url = ""

    def __init__(self, images_of: Callable[[str], Sequence[Image]]) -> None:
        self._images_of = images_of  # of "session/side"
        self._sockets: set[web.WebSocketResponse] = set()
        self._peers: dict[str, tuple[str, RTCPeerConnection]] = {}
        self._talkback: dict[str, RTCPeerConnection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Condition()
        self._pages = {path.relative_to(PAGES).as_posix(): path for path in PAGES.rglob("*.*")}
        self.archive = FakeArchive()
        self._turn = 0  # of the test: an offer of an earlier one is answered but not counted
        self._forget()

    def _forget(self) -> None:
        self.archive.forget()
        self.sessions: dict[str, dict[str, Any]] = {}
        self.me: dict[str, Any] = OFFICER
        self.orders: list[dict[str, Any]] = []
        self.taken_back: list[str] = []  # the ids of orders that came too late
        self.order_ids: list[str] = []  # the ids of the orders, by socket and by REST, as often as they came
        self.carried_out: set[str] = set()  # the ids of orders that the page is told to have arrived
        self.handover: dict[str, Any] = {}
        self.announcements: list[dict[str, Any]] = []
        self.due: list[dict[str, Any]] = []
        self.colleagues: list[dict[str, Any]] = []
        self.deaf = False  # while true, orders by socket and by REST are taken and get no answer
        self.by_rest: list[tuple[str, str, dict[str, Any] | None]] = []
        self.suspensions: list[dict[str, Any]] = []
        self.terminals: list[dict[str, Any]] = []
        self.rebookings: list[dict[str, Any]] = []
        self.absences: list[dict[str, Any]] = []
        self.tests: dict[str, list[dict[str, Any]]] = {}  # of equipment, by room, the newest first
        self.more_grounds: list[dict[str, Any]] = []
        self.notes: dict[str, list[dict[str, Any]]] = {}
        self.documents: dict[str, dict[str, Any]] = {}  # kind and last_four, by person
        self.documents_read: list[str] = []  # sessions, each time that they were asked for
        self.done_alerts: dict[str, list[dict[str, Any]]] = {}  # by session
        self.conditions: dict[str, dict[str, Any]] = {}  # members of a ground beyond the usual, by its code
        self.refuse: dict[str, dict[str, Any]] = {}  # by the order's type, or "whep", "whip"
        self.posts = 0
        self.presence: list[dict[str, Any]] = []  # the page's reports
        self.closed = False  # sockets are refused while true
        self.spoken = 0  # frames of an officer's microphone
        self._flows: dict[str, asyncio.Event] = {}
        self._numbers = itertools.count(1)
        # resources that a later offer replaced: their page may still delete them without an error
        self._replaced: set[str] = set()

    async def reset(self) -> None:
        """Close every connection and forget every session, order and refusal."""
        self._turn += 1
        await self.close()
        self._forget()

    @property
    def watched(self) -> list[str]:
        """`session/side` of every resource, sorted."""
        return sorted(where for where, _ in self._peers.values())

    @property
    def talkback(self) -> list[str]:
        """Paths of the talkback resources that exist, sorted, without the resource's own name."""
        return sorted(name.rpartition("/")[0] for name in self._talkback)

    async def put(self, view: dict[str, Any], **changes: Any) -> None:
        """Store a session and send it to every socket."""
        view = {**self.sessions.get(view["id"], {}), **view, **changes}
        self.sessions[view["id"]] = view
        for which in SIDES:
            self._flow(f"{view['id']}/{which}", view["sides"][which]["media"])
        if view["state"] == "ended":
            await self._release(lambda where: where.startswith(f"{view['id']}/"))
        await self.send("session", session=view)

    async def quality(self, name: str, loss: float, *viewers: dict[str, Any]) -> None:
        """Send what the rooms of a session send, and which viewers receive it."""
        sent = {"video": {"bitrate": 1.2e6, "loss": loss, "fps": 25.0}, "audio": {"bitrate": 4e4, "loss": 0.0}}
        await self.send("quality", session=name, sides=dict.fromkeys(SIDES, sent), viewers=list(viewers))

    async def send(self, kind: str, **members: Any) -> None:
        """Send a message to every socket."""
        for socket in list(self._sockets):
            await socket.send_json({"type": kind, **members})

    async def drop_sockets(self) -> None:
        """Abort every socket without a close frame."""
        for socket in list(self._sockets):
            if (transport := socket._req.transport) is not None:  # type: ignore[union-attr]
                transport.abort()

    def mute(self, where: str) -> None:
        """Stop a side's media although its room is reported to send."""
        self._flow(where, False)

    def freeze(self, where: str) -> None:
        """Freeze a side's picture while its sound goes on."""
        self._event(f"{where}#picture").clear()

    def unmute(self, where: str) -> None:
        """Let a side's picture and sound flow again."""
        self._flow(where, True)

    async def until(self, reached: Any, patience: float = PATIENCE) -> None:
        """Wait until `reached()`; checked after each request. Raises TimeoutError."""
        async with asyncio.timeout(patience), self._changed:
            await self._changed.wait_for(reached)

    async def _touch(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _release(self, chosen: Callable[[str], bool]) -> None:
        for name in [name for name, (where, _) in self._peers.items() if chosen(where)]:
            self._replaced.add(name)
            await self._peers.pop(name)[1].close()

    def _event(self, where: str) -> asyncio.Event:
        return self._flows.setdefault(where, asyncio.Event())

    def _flow(self, where: str, on: bool) -> None:
        for flows in (self._event(where), self._event(f"{where}#picture")):
            flows.set() if on else flows.clear()

    # ---- pages and REST

    @web.middleware
    async def guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Send the CSP with every answer, and demand the cookie for all that is not a page."""
        is_open = request.path.startswith(("/monitor", "/terminals", "/audit", "/web/", "/api/v1/sign-in"))
        if not is_open and "huijian" not in request.cookies:
            response: web.StreamResponse = problem(401, "not_signed_in", "尚未登录", "请先登录。")
        else:
            response = await handler(request)
        if not response.prepared:
            # scripts and styles are fetched once a browser context: pages load in a third of the time
            keep = "max-age=3600" if request.path.startswith("/web/") else "no-store"
            response.headers.update({"Content-Security-Policy": CSP, "Cache-Control": keep})
        await self._touch()
        return response

    async def page(self, request: web.Request) -> web.StreamResponse:
        """Serve a file of the page that existed at the start."""
        path = self._pages.get(request.match_info.get("path", f"{request.path.strip('/')}.html"))
        return web.FileResponse(path) if path else problem(404, "not_found", "不存在", "")

    async def sign_in(self, request: web.Request) -> web.Response:
        """Sign in any user with the password `right`."""
        body = await request.json()
        if body["password"] != "right":
            return problem(401, "not_signed_in", "尚未登录", "用户名或密码错误。")
        user = {key: self.me[key] for key in ("id", "name", "role", "site")}
        answer = {"token": "usr-fake-token", "expires_at": datetime.now(UTC).isoformat(), "user": user}
        return web.json_response(answer, headers={"Set-Cookie": COOKIE})

    async def providers(self, request: web.Request) -> web.Response:
        """Offer no identity service beside the password."""
        return web.json_response({"providers": []})

    async def sign_out(self, request: web.Request) -> web.Response:
        """Delete the session cookie of the browser."""
        response = web.json_response({"ok": True})
        response.del_cookie("huijian")
        return response

    async def signed_in(self, request: web.Request) -> web.Response:
        """Return the officer that the cookie belongs to."""
        return web.json_response({"who": self.me})

    async def day(self, request: web.Request) -> web.Response:
        """Return all sessions, whatever the day: tests put only today's."""
        return web.json_response({"sessions": list(self.sessions.values())})

    async def grounds(self, request: web.Request) -> web.Response:
        """Return a few grounds of the Yunnan pack."""
        rows = [
            {"code": code, "zh": zh, "en": en, "article": article, "may_warn": warns, "may_hold": code[:3] != "SAY"}
            | {"must_end": not warns, "may_suspend": code in ("YN-17-6", "YN-17-8")}
            | self.conditions.get(code, {})
            for code, zh, en, article, warns in GROUNDS
        ]
        rows = [*rows, *self.more_grounds]
        rules: dict[str, Any] = {"policy": "yunnan", "version": "2023.1", "interventions": rows, "warnings": WARNINGS}
        rules["suspension"] = {"subject": "prison", "least": 1, "most": 3}
        return web.json_response(rules)

    async def listed(self, request: web.Request) -> web.Response:
        """Return the notes of a session."""
        return web.json_response({"notes": self.notes.get(request.match_info["id"], [])})

    async def documents_of(self, request: web.Request) -> web.Response:
        """Return what the documents of the own side's people are checked against; each reading is counted."""
        session = request.match_info["id"]
        self.documents_read.append(session)
        side = next(which for which in SIDES if self.sessions[session]["sides"][which]["site"] == self.me["site"])
        people = [person["id"] for person in self.sessions[session]["sides"][side]["people"]]
        unknown = {"kind": None, "last_four": None}
        views = [{"person": id, **self.documents.get(id, unknown)} for id in people]
        return web.json_response({"side": side, "people": views})

    async def proposals(self, request: web.Request) -> web.Response:
        """Return the suspensions that were proposed."""
        return web.json_response({"suspensions": self.suspensions})

    async def tested(self, request: web.Request) -> web.Response:
        """Return the tests of a room's equipment."""
        return web.json_response({"tests": self.tests.get(request.match_info["room"], [])})

    async def decided(self, request: web.Request) -> web.Response:
        """Take the decision on one suspension."""
        self.by_rest.append(("decide", request.match_info["id"], await request.json()))
        return web.json_response({"ok": True})

    async def follow_ups(self, request: web.Request) -> web.Response:
        """Return the re-booking requests, or the absences."""
        kind = request.path.rpartition("/")[2]
        return web.json_response({kind: getattr(self, kind)})

    async def extensions(self, request: web.Request) -> web.Response:
        """Return what the Yunnan pack allows of longer visits."""
        grounds = [{"code": "YN-14-FAMILY", "zh": "罪犯家庭出现变故", "en": "a change", "article": "云南 第十四条"}]
        rules = {"times": 1, "steps": [300, 600, 900], "most": 900, "until": "limit", "role": "approver"}
        return web.json_response({**rules, "site": "yunnan-1", "grounds": grounds, "given": [], "stops_at": None})

    async def ordered(self, request: web.Request) -> web.Response:
        """Take an order that came by REST."""
        match = request.match_info
        self.order_ids += request.headers.getall("Idempotency-Key", [])
        if self.deaf:
            await self._touch()
            return problem(503, "busy", "暂停服务", "")
        self.by_rest.append((match["order"], match["id"], await request.json()))
        return web.json_response({"ok": True})

    async def outcome(self, request: web.Request) -> web.Response:
        """Say whether an order arrived; it may be taken back by that."""
        order = request.match_info["order"]
        if self.deaf:
            return problem(503, "busy", "暂停服务", "")
        if request.method == "DELETE":
            self.taken_back.append(order)
        return web.json_response({"order": order, "carried_out": order in self.carried_out, "at": None})

    async def free_colleagues(self, request: web.Request) -> web.Response:
        """Return the colleagues who could take over."""
        return web.json_response({"colleagues": self.colleagues, "most": 2})

    async def handed_over(self, request: web.Request) -> web.Response:
        """Take a handover, or an answer to one."""
        word = request.match_info.get("word", "offer")
        stage = {"offer": "offered", "accept": "accepted", "decline": "declined", "withdraw": "withdrawn"}[word]
        body = await request.json()
        if word == "offer":
            taker = next(one for one in self.colleagues if one["id"] == body["to"])
            self.handover = {"id": body["id"], "sessions": body["sessions"], "until": None}
            self.handover |= {"giver": {"id": self.me["id"], "name": self.me["name"]}, "taker": taker}
        self.handover["stage"] = stage
        self.by_rest.append((word, self.handover["id"], body))
        return web.json_response(self.handover)

    async def handing_over(self, **changes: Any) -> None:
        """Send the page a step of a handover."""
        self.handover = {**self.handover, **changes}
        await self.send("handover", handover=self.handover)

    async def announced(self, request: web.Request) -> web.Response:
        """Return the announcements, and the sessions whose stop is to be announced."""
        return web.json_response({"announcements": self.announcements, "due": self.due})

    async def announce(self, request: web.Request) -> web.Response:
        """Take an announcement that the page sends."""
        self.by_rest.append(("announce", "", await request.json()))
        return web.json_response({"ok": True})

    async def fleet(self, request: web.Request) -> web.Response:
        """Return the terminals of the test."""
        return web.json_response({"server_time": datetime.now(UTC).isoformat(), "terminals": self.terminals})

    async def sites(self, request: web.Request) -> web.Response:
        """Return the sites of the test's terminals."""
        named = {each["site"]: each["site_name"] for each in self.terminals if "site_name" in each}
        return web.json_response({"sites": [{"id": id, "name": name} for id, name in named.items()]})

    async def rooms(self, request: web.Request) -> web.Response:
        """Return the rooms of the test's terminals."""
        found = [each for each in self.terminals if each.get("room")]
        rooms = [{"id": each["room"], "name": each["room_name"], "site": each["site"]} for each in found]
        return web.json_response({"rooms": rooms})

    async def terminal_ordered(self, request: web.Request) -> web.Response:
        """Take an order to a terminal."""
        match, text = request.match_info, await request.text()
        if match["order"] in self.refuse:
            refusal = self.refuse[match["order"]]
            return web.json_response(refusal, status=refusal["status"])
        self.by_rest.append((match["order"], match["id"], json.loads(text) if text else None))
        return web.json_response({"ok": True})

    async def kept_alerts(self, request: web.Request) -> web.Response:
        """Return the open alerts of a session, and those that the test has let be done."""
        name = request.match_info["id"]
        return web.json_response({"alerts": [*self.sessions[name].get("alerts", []), *self.done_alerts.get(name, [])]})

    async def room_tests(self, request: web.Request) -> web.Response:
        """Return the history of a room's tests."""
        return web.json_response({"tests": self.tests.get(request.match_info["room"], [])})

    # ---- socket

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """Serve one page's socket: welcome, all sessions, then the messages of the test."""
        if self.closed:
            return problem(503, "closed", "暂停服务", "")
        socket = web.WebSocketResponse(protocols=("huijian.v1",))
        await socket.prepare(request)
        now = datetime.now(UTC).isoformat()
        await socket.send_json({"type": "welcome", "who": self.me, "server_time": now, "protocol": 1})
        await socket.send_json({"type": "sessions", "sessions": list(self.sessions.values())})
        self._sockets.add(socket)
        await self._touch()
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._answer(socket, message.json())
        finally:
            self._sockets.discard(socket)
        return socket

    async def _answer(self, socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        if message["type"] == "presence":  # the protocol has no answer to it
            self.presence.append(message)
            return await self._touch()
        self.orders.append({key: value for key, value in message.items() if key != "order"})
        self.order_ids += [message["order"]] if "order" in message else []
        if self.deaf:
            return await self._touch()
        refusal = self.refuse.get(message["type"])
        answer = {"type": "error", "problem": refusal} if refusal else {"type": "ack"}
        await socket.send_json({**answer, "re": message["id"]})
        await self._touch()

    # ---- talkback

    async def microphone(self, request: web.Request) -> web.Response:
        """Receive an officer's microphone; `spoken` counts its frames."""
        if "whip" in self.refuse:
            return web.json_response(self.refuse["whip"], status=self.refuse["whip"]["status"])
        peer = RTCPeerConnection()
        await peer.setRemoteDescription(RTCSessionDescription(reachable(await request.text()), "offer"))
        self._tasks.add(asyncio.create_task(self._receive(peer.getTransceivers()[0].receiver.track)))
        return await self._answered(peer, f"/whip/{request.match_info['id']}/voice")

    async def _receive(self, track: Any) -> None:
        while True:
            try:
                await track.recv()
            except MediaStreamError:
                return
            self.spoken += 1
            await self._touch()

    async def play(self, request: web.Request) -> web.Response:
        """Send the talkback of colleagues to a page that listens to it."""
        peer = RTCPeerConnection()
        peer.addTrack(Tone(self._event(f"{request.match_info['id']}/voice")))
        await peer.setRemoteDescription(RTCSessionDescription(reachable(await request.text()), "offer"))
        return await self._answered(peer, f"/whep/{request.match_info['id']}/voice")

    async def _answered(self, peer: RTCPeerConnection, path: str) -> web.Response:
        await peer.setLocalDescription(await peer.createAnswer())
        name = f"{path}/res_{next(self._numbers)}"
        self._talkback[name] = peer
        headers = {"Location": name, "ETag": f'"{name}"', "Content-Type": "application/sdp"}
        return web.Response(status=201, text=peer.localDescription.sdp, headers=headers)

    async def leave_talkback(self, request: web.Request) -> web.Response:
        """Delete a talkback resource for the page."""
        peer = self._talkback.pop(request.path, None)
        if peer is None:
            return problem(404, "not_found", "不存在", "")
        await peer.close()
        return web.Response(status=200)

    # ---- WHEP

    async def whep(self, request: web.Request) -> web.Response:
        """Answer an offer; the same side again replaces the old resource."""
        turn = self._turn
        self.posts += 1
        if "whep" in self.refuse:
            return web.json_response(self.refuse["whep"], status=self.refuse["whep"]["status"])
        where = f"{request.match_info['id']}/{request.match_info['side']}"
        await self._release(lambda other: other == where)
        peer = RTCPeerConnection()
        peer.addTrack(Tone(self._event(where)))
        peer.addTrack(Loop(self._event(f"{where}#picture"), self._images_of(where)))
        name = f"/whep/{where}/res_{next(self._numbers)}"
        await peer.setRemoteDescription(RTCSessionDescription(reachable(await request.text()), "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        if turn != self._turn:
            await peer.close()
            return problem(410, "gone", "已结束", "")
        self._peers[name] = (where, peer)  # watched from here on: one that is ended before would break in the middle
        headers = {"Location": name, "ETag": f'"{name}"', "Content-Type": "application/sdp"}
        return web.Response(status=201, text=peer.localDescription.sdp, headers=headers)

    async def leave(self, request: web.Request) -> web.Response:
        """Delete a WHEP resource for the page."""
        found = self._peers.pop(request.path, None)
        if found is not None:
            await found[1].close()
        elif request.path not in self._replaced:
            return problem(404, "not_found", "不存在", "")
        return web.Response(status=204)

    def app(self) -> web.Application:
        """Return the application with every address that the page uses."""
        app = web.Application(middlewares=[self.guard])
        app.add_routes(
            [
                web.get("/monitor", self.page),
                web.get("/terminals", self.page),
                web.get("/audit", self.page),
                *self.archive.routes(),
                web.get("/api/v1/terminals", self.fleet),
                web.get("/api/v1/sites", self.sites),
                web.get("/api/v1/rooms", self.rooms),
                web.post("/api/v1/terminals/{id}/{order}", self.terminal_ordered),
                web.get("/api/v1/rooms/{room}/tests", self.room_tests),
                web.get("/web/{path:.+}", self.page),
                web.post("/api/v1/sign-in", self.sign_in),
                web.get("/api/v1/sign-in/providers", self.providers),
                web.post("/api/v1/sign-out", self.sign_out),
                web.get("/api/v1/me", self.signed_in),
                web.get("/api/v1/sessions", self.day),
                web.get("/api/v1/sessions/{id}/interventions", self.grounds),
                web.get("/api/v1/sessions/{id}/notes", self.listed),
                web.get("/api/v1/sessions/{id}/extensions", self.extensions),
                web.get("/api/v1/sessions/{id}/identities", self.documents_of),
                web.get("/api/v1/sessions/{id}/alerts", self.kept_alerts),
                web.get("/api/v1/sessions/{id}/orders/{order}", self.outcome),
                web.delete("/api/v1/sessions/{id}/orders/{order}", self.outcome),
                web.get("/api/v1/announcements", self.announced),
                web.post("/api/v1/announcements", self.announce),
                web.post("/api/v1/announcements/{id}/{order}", self.ordered),
                web.post("/api/v1/slots/{id}/{order}", self.ordered),
                web.get("/api/v1/colleagues", self.free_colleagues),
                web.post("/api/v1/handovers", self.handed_over),
                web.post("/api/v1/handovers/{id}/{word}", self.handed_over),
                web.post("/api/v1/sessions/{id}/{order}", self.ordered),
                web.get("/api/v1/rooms/{room}/tests", self.tested),
                web.get("/api/v1/suspensions", self.proposals),
                web.get("/api/v1/rebookings", self.follow_ups),
                web.get("/api/v1/absences", self.follow_ups),
                web.post("/api/v1/rebookings/{id}/{order}", self.ordered),
                web.post("/api/v1/absences/{id}/{order}", self.ordered),
                web.post("/api/v1/suspensions/{id}/decide", self.decided),
                web.get("/api/v1/ws", self.socket),
                web.post("/whip/{id}/voice", self.microphone),
                web.delete("/whip/{id}/voice/{resource}", self.leave_talkback),
                web.post("/whep/{id}/voice", self.play),
                web.delete("/whep/{id}/voice/{resource}", self.leave_talkback),
                web.post("/whep/{id}/{side}", self.whep),
                web.delete("/whep/{id}/{side}/{resource}", self.leave),
            ]
        )
        return app

    async def close(self) -> None:
        """Abort every socket and close every media connection."""
        await self.drop_sockets()
        peers = [peer for _, peer in self._peers.values()] + list(self._talkback.values())
        self._peers.clear()
        self._talkback.clear()
        for peer in peers:  # pages go on deleting their resources meanwhile
            await peer.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()


def problem(status: int, code: str, title: str, detail: str, **english: str) -> web.Response:
    """Return a refusal as an RFC 9457 document."""
    body = {"type": f"urn:huijian:problem:{code}", "title": title, "detail": detail, "status": status, "code": code}
    body |= {"title_en": english.get("title_en", code), "detail_en": english.get("detail_en", "")}
    return web.json_response(body, status=status, content_type="application/problem+json")


def reachable(offer: str) -> str:
    """Return the offer without mDNS names and with one candidate that is an address.

    No resolver answers mDNS names here, and aioice gives up at once when it has no candidate to wait for."""
    lines = [line for line in offer.splitlines() if ".local " not in line]
    first = next(at for at, line in enumerate(lines) if line.startswith("m="))
    lines.insert(first + 2, "a=candidate:1 1 udp 1 127.0.0.1 9 typ host")
    return "\r\n".join(lines) + "\r\n"


@asynccontextmanager
async def fake_monitor(images_of: Callable[[str], Sequence[Image]] | None = None) -> AsyncIterator[FakeMonitor]:
    """Run a server on a free port of loopback, an interface that aioice leaves out by default.

    `images_of("session/side")` are the images that a side repeats; without it every side sends a moving bar."""
    usual = aioice.ice.get_host_addresses
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]
    bar = moving_bar()
    server = FakeMonitor(images_of or (lambda where: bar))
    runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await server.close()
        await runner.cleanup()
        aioice.ice.get_host_addresses = usual

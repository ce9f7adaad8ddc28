"""Stand-in for the auditors' addresses: a few visits of which one was recorded, with films that a browser plays. Each
film says by its brightness which side it is; both sides have one zero. Tests read what the page asked for."""

import asyncio
import base64
import hashlib
import io
import json
import tempfile
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from aiohttp import web
from PIL import Image

SECONDS, RATE, SOUND_RATE = 40, 25, 48_000
SHADES = {"view": (120, 440), "prison": (70, 330), "visitor": (180, 550), "supervisors": (0, 660)}
"""Brightness of each film's picture, and the pitch of its sound."""
BEGAN = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)
"""A Tuesday, ten o'clock in Shanghai."""
RECORDED = "ses_recorded"


@cache
def film(name: str) -> bytes:
    """Return a film of SECONDS as an MP4 with its index at the front; of the officers' voices only the sound."""
    shade, pitch = SHADES[name]
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        with av.open(file.name, "w", format="mp4", options={"movflags": "+faststart"}) as out:
            video: Any = out.add_stream("libx264", rate=RATE, options={"preset": "ultrafast"}) if shade else None
            audio: Any = out.add_stream("libopus", rate=SOUND_RATE, layout="mono")
            if video:
                video.width, video.height, video.pix_fmt = 320, 110 if name == "view" else 180, "yuv420p"
                video.gop_size = RATE
                for number in range(SECONDS * RATE):
                    out.mux(video.encode(_picture(video.width, video.height, shade, number)))
                out.mux(video.encode(None))
            for number in range(SECONDS * 50):
                out.mux(audio.encode(_tone(pitch, number)))
            out.mux(audio.encode(None))
        return Path(file.name).read_bytes()


def _picture(width: int, height: int, shade: int, number: int) -> av.VideoFrame:
    image = np.full((height * 3 // 2, width), 128, np.uint8)
    image[:height] = shade
    image[: height // 8, : max(1, width * number // (SECONDS * RATE))] = 235  # a bar that grows with time
    frame = av.VideoFrame.from_ndarray(image, format="yuv420p")
    frame.pts, frame.time_base = number, Fraction(1, RATE)
    return frame


def _tone(pitch: int, number: int) -> av.AudioFrame:
    at = (np.arange(960) + number * 960) / SOUND_RATE
    samples = (np.sin(at * pitch * 2 * np.pi) * 3000).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, number * 960, Fraction(1, SOUND_RATE)
    return frame


def _place(site: str, room: str) -> dict[str, str]:
    names = {"yunnan-1": "云南第一监狱", "guandu": "官渡区司法局"}
    return {"site": site, "site_name": names[site], "room": room, "room_name": f"{room} 会见室"}


def row(session: str = RECORDED, **changes: Any) -> dict[str, Any]:
    """Return a visit as the server lists it: recorded, with a warning, and due to be heard again."""
    ending = {"code": "time_limit", "article": None, "zh": "会见时间已到", "en": "The visit reached its time limit"}
    recording = {"state": "archived", "seconds": 40.0, "due_at": (BEGAN + timedelta(days=184)).isoformat()}
    recording |= {"held": False, "poster": True, "view": "ready"}
    made: dict[str, Any] = {"session": session, "slot": "slt_1", "external_id": "YN-2026-0301", "state": "archived"}
    made |= {"starts_at": BEGAN.isoformat(), "ends_at": (BEGAN + timedelta(minutes=30)).isoformat()}
    made |= {"began_at": BEGAN.isoformat(), "ended_at": (BEGAN + timedelta(seconds=40)).isoformat(), "seconds": 38.5}
    made |= {"prison": _place("yunnan-1", "3-1"), "visitor": _place("guandu", "2"), "named": True}
    made |= {"inmate": "王建国", "visitors": ["王秀兰", "张丽"], "language": "zh", "ending": ending}
    made |= {"interventions": [{"kind": "warning", "article": "YN-16-2", "count": 1}], "alerts": 2}
    made |= {"coverage": {"prison": 1.0, "visitor": 0.94}, "quality": {"prison": "good", "visitor": "fair"}}
    made |= {"recording": recording, "marks": 1}
    made |= {"relisten": {"state": "due", "due_at": (BEGAN + timedelta(days=7)).isoformat(), "rated": 0}}
    return made | changes


def _officers() -> list[dict[str, Any]]:
    people = (
        ("li", "李明", "prison"),
        ("zhao", "赵强", "prison"),
        ("liu", "刘芳", "visitor"),
        ("chen", "陈静", "visitor"),
    )
    spans = [[0.0, 40.0]]
    made = [{"id": i, "name": name, "side": side, "present": spans, "seconds": 40.0} for i, name, side in people]
    made[3] |= {"present": [[0.0, 12.0], [15.0, 40.0]], "seconds": 37.0}
    return made


def _lanes() -> dict[str, Any]:
    warned = {"at": 9.0, "to": None, "kind": "warning", "article": "YN-16-2", "zh": "不准使用隐语、暗语交谈。"}
    warned |= {"en": "No coded speech.", "by": "li", "by_name": "李明", "sides": ["prison"], "text": ""}
    held = {"at": 20.0, "to": 26.0, "reason": "room_lost", "article": None}
    held |= {"zh": "会见室线路中断", "en": "The line of a room broke"}
    gap = {"at": 20.5, "to": 25.0, "side": "visitor", "cause": "line"}
    gap |= {"zh": "线路中断，会见人一方画面和声音缺失；其间双方未互通。"}
    gap |= {"en": "The line was down: the visitors' picture and sound are missing; nothing crossed meanwhile."}
    gap |= {"crossed": {"code": "nothing", "zh": "未互通", "en": "nothing"}}
    alert = {"kind": "room_lost", "side": "visitor", "zh": "会见室线路中断", "en": "The line of the room is broken"}
    states = [
        (0.0, 1.0, "ready"),
        (1.0, 20.0, "live"),
        (20.0, 26.0, "held"),
        (26.0, 39.5, "live"),
        (39.5, 40.0, "ended"),
    ]
    speech = {"prison": [[2.0, 6.0], [10.0, 14.0], [30.0, 36.0]], "visitor": [[6.5, 9.0], [15.0, 19.0]]}
    quality = {"prison": [], "visitor": [{"at": 16.0, "to": 20.0, "level": "fair"}]}
    longer = {"at": 30.0, "seconds": 300.0, "by": "warden", "by_name": "周监狱长", "article": "YN-14-FAMILY"}
    return {
        "states": [{"at": at, "to": to, "state": state} for at, to, state in states],
        "holds": [held],
        "interventions": [warned],
        "alerts": [{"at": 20.2, **alert}],
        "gaps": [gap],
        "speech": {**speech, "supervisors": [[9.0, 10.0]]},
        "quality": quality,
        "extension": [longer],
    }


def detail(session: str = RECORDED, **changes: Any) -> dict[str, Any]:
    """Return a visit in full."""
    people = [
        {"id": "i1", "name": "王建国", "relation": "", "side": "prison", "part": "inmate"},
        {"id": "v1", "name": "王秀兰", "relation": "母亲", "side": "visitor", "part": "visitor"},
        {"id": "v2", "name": "张丽", "relation": "配偶", "side": "visitor", "part": "visitor"},
    ]
    pack = {"name": "yunnan", "version": "2023.1", "sha256": "ab" * 32}
    made = row(session) | {"zero_at": BEGAN.isoformat(), "film_seconds": 40.0, "people": people}
    made |= {"supervisors": _officers(), "approved_by": "周监狱长", "article": "云南 第十四条", "pack": pack}
    made |= {
        "lanes": _lanes(),
        "marks": [mark("mrk_1", 11.0, "提到他人姓名")],
        "ratings": [],
        "verification": None,
        "holds": [],
        "inspections": [],
    }
    return made | changes


def mark(id: str, at: float, text: str, **changes: Any) -> dict[str, Any]:
    """Return a mark as the server gives it."""
    made: dict[str, Any] = {"id": id, "at": at, "to": None, "text": text, "kind": "concern", "by": "sun"}
    made |= {"by_name": "孙审计", "created_at": BEGAN.isoformat(), "withdrawn_at": None}
    return made | {"withdrawn_by": None, "withdrawn_why": None} | changes


def purge_run(state: str, **changes: Any) -> dict[str, Any]:
    """Return how far a purge is."""
    made: dict[str, Any] = {"state": state, "by": "li-ming", "second": "sun", "recordings": 0, "deleted": 0}
    made |= {"bytes": 0, "kept": [], "failed": [], "begun_at": None, "ended_at": None, "zh": None, "en": None}
    return made | changes


def handed(id: str, **changes: Any) -> dict[str, Any]:
    """Return a request for an export by another auditor."""
    made: dict[str, Any] = {"id": id, "session": RECORDED, "site": "yunnan-1", "state": "requested"}
    made |= {"state_zh": "待批准", "reason": "法院调取", "receiver": "昆明市中级人民法院", "downloaders": []}
    made |= {"by": {"id": "sun", "name": "孙审计"}, "at": BEGAN.isoformat(), "decided_by": None, "decided_at": None}
    made |= {"note": "", "progress": 0.0, "failure": None, "failure_zh": "", "failure_en": "", "bytes": None}
    made |= {"sha256": None, "sound": None, "ready_at": None, "expires_at": None, "mine": True}
    return made | changes


class FakeArchive:
    """The archive of one test: its `visits`, and the requests that the page has sent."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew with one visit that was recorded."""
        self.visits = [row()]
        self.details: dict[str, dict[str, Any]] = {RECORDED: detail()}
        self.copy: dict[str, Any] = {"state": "ready", "progress": 1.0, "bytes": 1, "reason": None}
        self.searches: list[dict[str, Any]] = []
        self.opened: list[str] = []
        self.orders: list[tuple[str, str, dict[str, Any]]] = []
        self.duties: dict[str, list[dict[str, Any]]] = {}
        self.verifications: list[dict[str, Any]] = []
        self.refuse: dict[str, dict[str, Any]] = {}  # problem documents, by order
        self.plan: dict[str, Any] = {"as_of": BEGAN.isoformat(), "site": None, "recordings": 0, "bytes": 0}
        self.plan |= {"sites": [], "kept": [], "broken": []}
        self.exports: list[dict[str, Any]] = []
        self.changes: list[dict[str, Any]] = []
        self.ledgers: list[dict[str, str]] = []
        self.spoiled = False
        self.runs: list[dict[str, Any]] = [purge_run("none")]

    def routes(self) -> list[web.RouteDef]:
        """Return every address of the auditors' page."""
        visit, recording = "/api/v1/visits/{session}", "/api/v1/recordings/{session}"
        return [
            web.post("/api/v1/visits/search", self.search),
            web.get(visit, self.open),
            web.post("/api/v1/sessions/{session}/inspections", self.inspect),
            web.post("/api/v1/sessions/{session}/inspections/{id}/end", self.end_inspection),
            web.get(f"{visit}/poster", self.poster),
            web.get("/api/v1/relisten", self.relisten),
            web.get(f"{visit}/verification", self.verification),
            web.get(f"{recording}/copy", self.copied),
            web.get(f"{recording}/view", self.play),
            web.get(f"{recording}/sides/{{film}}", self.play),
            web.get("/api/v1/holds", self.holds),
            web.get("/api/v1/purge", self.due),
            web.get("/api/v1/purge/run", self.run),
            web.post("/api/v1/purge/{order}", self.purge),
            web.get("/api/v1/ledgers", self.ledger),
            web.get("/api/v1/account-changes", self.changed),
            web.get("/api/v1/exports", self.listed),
            web.get("/api/v1/exports/{id}", self.exported),
            web.post("/api/v1/exports/{id}/{step}", self.step),
            web.post(f"{recording}/exports", self.request),
            web.get(f"{recording}/downloaders", self.downloaders),
            web.post(f"{visit}/{{order:.+}}", self.order),
            web.post(f"{recording}/{{order:.+}}", self.order),
        ]

    async def search(self, request: web.Request) -> web.Response:
        """Return a page of the visits, `limit` of them after the cursor."""
        query = await request.json()
        self.searches.append(query)
        after, limit = int(query.get("after", "0")), query.get("limit", 50)
        page = self.visits[after : after + limit]
        next_ = str(after + limit) if after + limit < len(self.visits) else None
        return web.json_response({"visits": page, "next": next_, "found": len(self.visits), "more": False})

    async def open(self, request: web.Request) -> web.Response:
        """Return one visit in full; 404 for all others."""
        session = request.match_info["session"]
        self.opened.append(session)
        if "open" in self.refuse:
            refusal = self.refuse["open"]
            return web.json_response(refusal, status=refusal["status"], content_type="application/problem+json")
        if session not in self.details:
            missing = {"title": "不存在", "detail": "", "code": "not_found"}
            return web.json_response(missing, status=404, content_type="application/problem+json")
        return web.json_response(self.details[session])

    async def inspect(self, request: web.Request) -> web.Response:
        """Begin an inspection, which opens the visits."""
        self.orders.append(("inspections", request.match_info["session"], await request.json()))
        self.refuse.pop("open", None)
        return web.json_response({}, status=201)

    async def end_inspection(self, request: web.Request) -> web.Response:
        """End the inspection of a visit."""
        self.orders.append(("end-inspection", request.match_info["id"], {}))
        return web.Response(status=204)

    async def poster(self, request: web.Request) -> web.Response:
        """Return a still picture of both sides."""
        image, file = Image.new("RGB", (384, 108), (40, 60, 80)), io.BytesIO()
        image.paste((150, 150, 140), (194, 0, 384, 108))
        image.save(file, "JPEG")
        return web.Response(body=file.getvalue(), content_type="image/jpeg")

    async def relisten(self, request: web.Request) -> web.Response:
        """Return the duties in one state."""
        return web.json_response({"duties": self.duties.get(request.query["state"], [])})

    async def verification(self, request: web.Request) -> web.Response:
        """Return the next of the test's answers, and the last one for good."""
        return web.json_response(self.verifications.pop(0) if len(self.verifications) > 1 else self.verifications[0])

    async def copied(self, request: web.Request) -> web.Response:
        """Return how far the view copy is."""
        return web.json_response(self.copy)

    async def holds(self, request: web.Request) -> web.Response:
        """Return all holds that stand."""
        found = [hold for visit in self.details.values() for hold in visit["holds"] if not hold["lifted_at"]]
        return web.json_response({"holds": found})

    async def due(self, request: web.Request) -> web.Response:
        """Return the plan of the test as it stands."""
        return web.json_response(self.plan)

    async def run(self, request: web.Request) -> web.Response:
        """Return the next of the test's states of a purge, and the last one for good."""
        return web.json_response(self.runs.pop(0) if len(self.runs) > 1 else self.runs[0])

    async def purge(self, request: web.Request) -> web.Response:
        """Take a permit, or the order to delete."""
        order, body = request.match_info["order"], await request.json()
        if order in self.refuse:
            refusal = self.refuse[order]
            return web.json_response(refusal, status=refusal["status"], content_type="application/problem+json")
        self.orders.append((f"purge/{order}", "", body))
        if order == "apply":
            return web.json_response(purge_run("running", recordings=2), status=202)
        permit = {"code": "ABCD-EFGH-JKLM-NPQR", "expires_at": BEGAN.isoformat(), "recordings": 2, "bytes": 1}
        return web.json_response(permit, status=201)

    async def ledger(self, request: web.Request) -> web.Response:
        """Return a small file with its signed statement; `spoiled` changes a byte on the way."""
        query = dict(request.query)
        self.ledgers.append(query)
        if "ledger" in self.refuse:
            refusal = self.refuse["ledger"]
            return web.json_response(refusal, status=refusal["status"], content_type="application/problem+json")
        data, days = b"a workbook", {"from": query["from"], "to": query["to"]}
        statement = {"site_name": "云南第一监狱", **days, "made_at": BEGAN.isoformat(), "totals": {"visits": 12}}
        statement |= {"chain_head": "7:ab", "witnessed": [{}, {}], "file": {"sha256": hashlib.sha256(data).hexdigest()}}
        headers = {"Content-Disposition": f'attachment; filename="ledger-{query["site"]}.{query["format"]}"'}
        if query["format"] in ("xlsx", "pdf"):
            headers["Huijian-Signature"] = base64.b64encode(json.dumps(statement).encode()).decode()
        return web.Response(body=b"A workbook" if self.spoiled else data, headers=headers)

    async def changed(self, request: web.Request) -> web.Response:
        """Return the changes of accounts that wait for a word."""
        return web.json_response({"changes": self.changes})

    async def listed(self, request: web.Request) -> web.Response:
        """Return the requests for exports, the newest first."""
        return web.json_response({"exports": self.exports})

    async def exported(self, request: web.Request) -> web.Response:
        """Return one request, which is ready at the second look."""
        chosen = next(each for each in self.exports if each["id"] == request.match_info["id"])
        answer = dict(chosen)
        chosen |= {"state": "ready", "progress": 1.0, "bytes": 5_000_000, "expires_at": BEGAN.isoformat()}
        return web.json_response(answer)

    async def downloaders(self, request: web.Request) -> web.Response:
        """Return who may be named to fetch a package."""
        people = (("li-ming", "李明"), ("sun", "孙审计"), *((f"a{number}", f"审计{number}") for number in range(5)))
        return web.json_response({"downloaders": [{"id": id, "name": name} for id, name in people]})

    async def request(self, request: web.Request) -> web.Response:
        """Take a request for an export."""
        body = await request.json()
        self.orders.append(("exports", request.match_info["session"], body))
        named = [{"id": id, "name": id} for id in body["downloaders"]]
        self.exports.insert(0, handed("exp_new", **{**body, "downloaders": named}))
        return web.json_response(self.exports[0], status=201)

    async def step(self, request: web.Request) -> web.Response:
        """Take a step about a request; an approved one is being built."""
        id, step, body = request.match_info["id"], request.match_info["step"], await request.json()
        self.orders.append((f"exports/{step}", id, body))
        chosen = next(each for each in self.exports if each["id"] == id)
        state = {"approve": "building", "refuse": "refused"}.get(body.get("decision", ""), "expired")
        officer = {"id": "li-ming", "name": "李明"}
        chosen |= {"state": state, "decided_by": officer, "decided_at": BEGAN.isoformat(), "note": body.get("note", "")}
        return web.json_response(chosen | {"progress": 0.4})

    async def play(self, request: web.Request) -> web.StreamResponse:
        """Return a film, or the range of it that is asked for."""
        data = await asyncio.to_thread(film, request.match_info.get("film", "view"))
        headers = {"Accept-Ranges": "bytes"}
        part = request.http_range
        start, stop = part.start or 0, min(part.stop or len(data), len(data))
        if "Range" not in request.headers:
            return web.Response(body=data, content_type="video/mp4", headers=headers)
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
        return web.Response(status=206, body=data[start:stop], content_type="video/mp4", headers=headers)

    async def order(self, request: web.Request) -> web.Response:
        """Take an order, and let its effect show in the visit."""
        session, order, body = request.match_info["session"], request.match_info["order"], await request.json()
        if order in self.refuse:
            refusal = self.refuse[order]
            return web.json_response(refusal, status=refusal["status"], content_type="application/problem+json")
        self.orders.append((order, session, body))
        visit, now = self.details[session], datetime.now(UTC).isoformat()
        if order == "marks":
            made = mark(
                f"mrk_{len(self.orders) + 1}",
                body["at"],
                body["text"],
                to=body.get("to"),
                kind=body["kind"],
                created_at=now,
            )
            visit["marks"].append(made)
        elif order.endswith("/withdraw"):
            chosen = next(each for each in visit["marks"] if each["id"] == order.split("/")[1])
            chosen |= {"withdrawn_at": now, "withdrawn_by": "sun", "withdrawn_why": body["reason"]}
        elif order == "ratings":
            rating = {"number": len(visit["ratings"]) + 1, **body, "by": "li-ming", "by_name": "李明", "at": now}
            visit["ratings"].append(rating)
        elif order == "holds":
            hold = {"id": 1, "entry": "e", "session": session, "reason": body["reason"], "by": "li-ming", "at": now}
            hold |= {"by_name": "李明", "started_at": BEGAN.isoformat(), "lifted_by_name": None}
            visit["holds"].append(hold | {"lifted_at": None, "lifted_by": None, "lifted_why": None})
        elif order == "holds/lift":
            for hold in visit["holds"]:
                hold |= {
                    "lifted_at": now,
                    "lifted_by": "li-ming",
                    "lifted_by_name": "李明",
                    "lifted_why": body["reason"],
                }
        elif order == "verification":
            return await self.verification(request)
        elif order == "copy":
            self.copy = {"state": "making", "progress": 0.3, "bytes": None, "reason": None}
        return web.json_response({"ok": True})

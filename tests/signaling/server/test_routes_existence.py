"""What exists shows by no answer: for every address with an id, and every identity that the thing is not for, an id
that is there and one that is nowhere are answered alike, byte for byte, in status, headers and body."""

import re
from datetime import timedelta

import pytest

from signaling.server.app import ROUTES
from tests.support.figures import self_test
from tests.support.signaling.front import OFFER, PASSWORD
from tests.support.signaling.things import one_of_each

NOWHERE = "zzz_aaaaaaaaaaaaaaaaaaaaaaaaaa"
OUTSIDE = {
    "w1": "a terminal of another site",
    "q1": "a terminal of another prison",
    "foreign-sup": "a supervisor of another site",
    "foreign-clerk": "a clerk of another site",
    "foreign-approver": "an approver of another site",
    "foreign-auditor": "an auditor of another site",
    "foreign-procurator": "a procurator at another prison",
    "prison-admin": "an admin of another prison",
    "other-approver": "an approver of another prison",
}
"""Identities for which the first prison's visit does not exist."""
OFFICERS = {
    "foreign-clerk": ("clerk", "other-bureau"),
    "foreign-approver": ("approver", "other-bureau"),
    "other-approver": ("approver", "second-prison"),
}
BODIES = {
    "forfeit": {"reason": "无故"},
    "take-back": {"reason": "无故"},
    "excuse": {"reason": "无故"},
    "decline": {"reason": "不再安排"},
    "decide": {"decision": "approve"},
    "confirm": {"password": PASSWORD},
    "reject": {"password": PASSWORD, "reason": "未申请"},
    "holds": {"reason": "法院"},
    "inspections": {"reason": "例行检察"},
    "exports": {"reason": "法院调取", "receiver": "某法院", "downloaders": ["foreign-auditor"]},
    "marks": {"at": 1.0, "to": None, "text": "注意", "kind": "note"},
    "ratings": {"verdict": "proper", "text": "无异常"},
    "remove": {"proof": {"code": "123456"}},
    "lift": {"reason": "结案"},
    "cancel": {"reason": "x"},
    "withdraw": {"article": "YN-18", "reason": "停电"},
    "approve": {"approved_by": "某监狱", "article": "云南 第七条"},
    "request-extension": {"request": "ext-1", "seconds": 600, "article": "YN-EXT", "reason": "路远"},
    "decline-extension": {"request": "ext-1", "reason": "不予延长"},
    "handovers": {"id": "hnd-1", "to": "visitor-sup-2", "sessions": ["ses_none"]},
    "extensions": {"id": "ext-1", "seconds": 600, "article": "YN-EXT", "reason": "路远"},
    "suspensions": {"id": "sus-1", "person": "in-1", "months": 1, "code": "YN-17-6", "reason": "违规"},
    "self-test": self_test(),
    "check-in": {"side": "prison", "person": "in-1", "identity": True, "security": True, "rules": True},
    "tick": {"side": "prison", "person": "in-1", "tick": "rules", "on": True},
    "seat": {"side": "prison", "ready": True},
    "absent": {"side": "prison", "person": "in-1"},
    "equipment": {"side": "prison", "passed": True, "reason": "手工检查"},
    "acknowledge-rules": {"language": "zh", "manner": "touch"},
    "hold": {"article": "YN-18"},
    "resume": {},
    "end": {"article": "YN-18"},
    "warn": {"sides": ["prison"], "article": "YN-16-1", "text": "请注意"},
    "acknowledge": {"warning": "wrn_1"},
    "mute": {"side": "prison", "on": True, "article": "YN-18"},
    "remark": {"text": "记录"},
    "take-alert": {"alert": "alr_1"},
    "finish-alert": {"alert": "alr_1"},
    "assign": {"room": "p1", "reason": "主机故障"},
    "release": {"reason": "主机已修复"},
    "readmit": {"reason": "已查明"},
    "override-drill": {"reason": "网线已更换"},
    "retest": {"side": "prison"},
    "rename": {"name": "新名"},
    "disable": {"reason": "调离"},
    "enable": {"password": PASSWORD},
    "reset-factors": {"password": PASSWORD},
    "new-password": {"password": PASSWORD},
    "invitation": {"password": PASSWORD},
    "withdraw-invitation": {"reason": "误发"},
    "force": {"password": PASSWORD, "reason": "无人可确认"},
    "revoke": {"reason": "停用"},
    "enrolment": {"password": PASSWORD},
    "spare-enrolment": {"password": PASSWORD},
    "put-under": {"parent": None},
    "close": {"reason": "搬迁"},
    "reopen": {"reason": "重新启用"},
    "tests": {"id": "tst_1", "cause": "demand", "figures": {}},
}
KINDS = {"side": "prison", "language": "zh"}
"""Parts of paths that are no ids."""
WITH_ID = [
    route for route in ROUTES if "{" in route.path and not route.open and not route.path.startswith("/api/v1/packs/")
]
"""Every address with an id that is not open; packs are the law, and no secret of a site."""


@pytest.fixture
async def things(front, tmp_path):
    """One thing of the first prison and Panlong for each name of an id in a path."""
    for user, (role, site) in OFFICERS.items():
        await front.add_user(user, user, role, PASSWORD, site)
        front.tokens = front.tokens | {user: await front.store.issue_user_token(user, timedelta(hours=12))}
    return await one_of_each(front, tmp_path / "archive")


def test_there_is_a_thing_for_every_id(things):
    named = {name for route in WITH_ID for name in re.findall(r"{(\w+)}", route.path)}
    assert named - KINDS.keys() <= things.keys()


def seen(answer, text):
    """The whole answer without what changes from one to the next of the same kind."""
    headers = {name: value for name, value in answer.headers.items() if name not in ("Date",)}
    return answer.status, headers, text


@pytest.mark.parametrize("caller", OUTSIDE)
async def test_what_is_there_and_what_is_nowhere_are_answered_alike(front, things, caller):
    differing = []
    for route in WITH_ID:
        names = re.findall(r"{(\w+)}", route.path)
        answers = []
        for ids in (things, dict.fromkeys(things, NOWHERE)):
            path = route.path
            for name in names:
                path = path.replace(f"{{{name}}}", ids.get(name, KINDS.get(name)))
            answers.append(await send(front, route, path, caller))
        if answers[0] != answers[1]:
            differing.append((route.method, route.path, answers))
        assert answers[0][0] >= 400 or route.path.startswith("/api/v1/announcements"), (route.path, answers[0])
    assert differing == []


@pytest.mark.parametrize(
    ("caller", "path"),
    [
        ("prison-sup", "/api/v1/sessions/{session}"),
        ("prison-sup", "/api/v1/slots/{slot}"),
        ("prison-sup", "/api/v1/absences/{absence}"),
        ("prison-sup", "/api/v1/rebookings/{rebooking}"),
        ("auditor", "/api/v1/recordings/{session}"),
    ],
)
async def test_what_is_there_is_there_for_its_own_people(front, things, caller, path):
    assert (await front.ask("GET", path.format(**things), caller)).status == 200


async def send(front, route, path, caller):
    last = path.rpartition("/")[2]
    sent = {"headers": {"Authorization": f"Bearer {front.tokens[caller]}"}}
    if isinstance(route.body, str):
        sent |= {"data": OFFER}
        sent["headers"] |= {"Content-Type": route.body, "If-Match": "*"}
    elif route.body is not None and (route.method == "POST" or last in BODIES):
        sent |= {"json": BODIES.get(last, {})}
    answer = await front.client.request(route.method, path, **sent)
    return seen(answer, await answer.text())


def test_the_table_covers_every_address_with_a_body():
    for route in WITH_ID:
        if isinstance(route.body, type) and route.method == "POST" and route.body.model_fields:
            last = route.path.rpartition("/")[2]
            assert last in BODIES or not any(one.is_required() for one in route.body.model_fields.values()), route.path


async def test_the_socket_answers_alike(front, things):
    """An order to a visit of others and to one that is nowhere get the same refusal."""
    problems = []
    for session in (things["session"], NOWHERE):
        async with front.client.ws_connect(
            "/api/v1/ws", protocols=("huijian.v1",), headers={"Authorization": f"Bearer {front.tokens['foreign-sup']}"}
        ) as socket:
            await socket.send_json({"type": "resume", "id": 1, "session": session})
            async for frame in socket:
                if frame.json()["type"] == "error":
                    problems.append(frame.json())
                    break
    assert problems[0] == problems[1]

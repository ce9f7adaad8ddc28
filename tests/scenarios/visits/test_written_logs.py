"""What a whole visit leaves in logs: no name, no number of a person, no word that a person wrote, no token, cookie,
password or code, and no address of a client, in whatever spelling. One visit goes through the front door with all of
these, is warned, held and ended, crashes on its way, is announced, searched for and handed over; strangers send
malformed requests meanwhile. The output of all processes at debug level and all files of the terminals are searched."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from broker.control.journal.journal import Journal
from broker.control.store.migrations import migrate
from broker.control.store.records import Role, SiteKind
from broker.control.store.store import Store
from broker.kernel.clock import SystemClock
from broker.kernel.ids import Side
from config.settings import Settings
from huijian.demo.officers import OfficerClient
from huijian.demo.setup import set_up
from signaling.auth.factors import totp
from tests.support.http import malformed
from tests.support.installation import long_pack
from tests.support.offers import publish_offer
from tests.support.patience import PATIENCE
from tests.support.written_logs import WritingInstallation, addresses_in, found_in, tokens_in

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]

PEOPLE = {
    "the inmate's name": "翁鹤亭",
    "the visitor's name": "禚雪岑",
    "the inmate's number": "pn5301-77190",
    "the visitor's identity number": "530102198703124412",
    "the other visitor's name": "Aisikaer Tuoheti",
    "the other visitor's passport": "EJ7719042",
    "the relation": "exact-relation 表姑母",
    "why that relation": "社区证明，联系电话13987650417，住昆明市盘龙区青松路77号",
    "who decided on it": "鄢监区长",
    "who approved": "仇副监狱长",
    "the booking's number": "WB-7741-翁",
    "why in dialect": "只会说怒江方言禚",
    "an officer's name": "闻人悦澜",
    "the invited officer's name": "澹台溪石",
    "a room's name": "翠湖三号会见室",
    "a site's name": "粤北翠岭监狱",
    "a key's name": "省预约平台龘",
}
WRITTEN = {
    "a warning's words": "请勿谈论赌债鬯",
    "a remark": "家属情绪激动，自称电话13987650418，身份证530111196309077029",
    "why it is held": "线路噪声大龢",
    "why it is ended": "对方停电彧",
    "an announcement": "因停电本次会见取消，请翁某家属改期靐。",
    "a mark": "疑似隐语齉",
    "a rating": "处置得当籲",
    "why it is kept": "法院调取（2026）云01刑终7719号",
    "why it is handed over": "庭审举证鱻，联系人 zhuo.xuecen@example.cn",
    "the receiver": "昆明市官渡区人民法院刑二庭",
    "why a room is renamed": "门牌更换灪",
    "words in a malformed request": "禚雪岑的女儿禚小满",
}
PASSWORDS = {
    "the auditor's password": "a long enough secret 77-鸾",
    "the admin's password": "another long secret 78-鹓",
    "a supervisor's password": "fourth long secret 81-鹖",
    "a wrong password": "wrong-password-79-鶵",
    "an unknown user": "zhuo-xuecen-unknown",
    "the invited officer's password": "third long secret 80-鷫",
}
OFFICERS, AUDITOR, STRANGER = "127.0.0.7", "127.0.0.8", "203.0.113.77"
FAULT = "YN-18"


@dataclass
class Story:
    """The visit as it happened: what must be in no log, by its name, and what was written."""

    looked_for: dict[str, str] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)

    def secret(self, what: str, *values: str) -> None:
        """Have these values looked for in what is written."""
        self.looked_for |= {f"{what} {number}": value for number, value in enumerate(values)}


@dataclass
class Caller:
    """A person at the server, with a credential once it is there; what the server gives away is looked for."""

    http: aiohttp.ClientSession
    installation: WritingInstallation
    story: Story
    token: str = ""

    async def ask(self, method: str, path: str, body: Any = None, refused: str = "") -> Any:
        """Ask the server, and return its answer. `refused`: the code of the refusal that is expected."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        url = f"{self.installation.server}/api/v1/{path}"
        async with self.http.request(method, url, json=body, headers=headers) as answer:
            data = await answer.json() if "json" in answer.content_type else await answer.read()
            self.story.secret(
                "a cookie", *(cookie.value for cookie in answer.cookies.values() if len(cookie.value) > 8)
            )
            self.http.cookie_jar.clear()
        self.story.secret(f"a secret of {path} {len(self.story.looked_for)}", *tokens_in(data))
        if refused:
            assert data["code"] == refused, data
        else:
            assert answer.status < 300, data
        return data

    async def sign_in(self, user: str, password: str) -> None:
        """Sign in by a password alone."""
        self.token = (await self.ask("POST", "sign-in", {"user": user, "password": password}))["token"]


def client(address: str) -> aiohttp.ClientSession:
    """Return an HTTP client at an address of its own."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(local_addr=(address, 0)))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Story]:
    """Let it all happen, once; the service has ended when this returns."""
    folder = tmp_path_factory.mktemp("w")
    settings = Settings.load(data_dir=folder / "data", http_port=0, demo=True)
    settings.prepare()
    await migrate(settings.database_url)
    (folder / "logs").mkdir()
    story = Story({**PEOPLE, **WRITTEN, **PASSWORDS, "an address": STRANGER})
    async with Store(settings.database_url, SystemClock()) as store, client(OFFICERS) as http:
        async with Journal(store.engine, SystemClock()) as journal:
            credentials = await set_up(store, journal, long_pack(folder, 600))
        installation = WritingInstallation(settings, store, credentials, http, folder / "logs")
        story.secret("the booking key", credentials.key)
        story.secret("an officer's password", *(officer.password for officer in credentials.officers))
        story.secret("an officer's name in the store", *(user.name for user in await store.users()))
        try:
            await installation.start()
            await everything(installation, story, http)
        finally:
            await installation.stop_programs()
    story.written = installation.written()
    yield story


async def everything(installation: WritingInstallation, story: Story, http: aiohttp.ClientSession) -> None:
    """Hold the visit and all that comes after it."""
    await installation.add_officer(
        "wenren", PEOPLE["an officer's name"], Role.AUDITOR, PASSWORDS["the auditor's password"]
    )
    await installation.add_officer("guan", "官某", Role.ADMIN, PASSWORDS["the admin's password"])
    async with client(AUDITOR) as apart:
        auditor, admin = Caller(apart, installation, story), Caller(http, installation, story)
        await failing_sign_ins(auditor)
        officers = await installation.officers()
        story.secret("an officer's token", *(officer.token for officer in officers))
        session = await the_visit(installation, story, officers)
        await announcement(installation, Caller(http, installation, story))
        await auditors_work(auditor, session, admin)
        await administration(admin)


async def failing_sign_ins(stranger: Caller) -> None:
    """Try to sign in with a user that there is not, and with a wrong password."""
    unknown = {"user": PASSWORDS["an unknown user"], "password": PASSWORDS["the auditor's password"]}
    await stranger.ask("POST", "sign-in", unknown, refused="not_signed_in")
    wrong = {"user": "wenren", "password": PASSWORDS["a wrong password"]}
    await stranger.ask("POST", "sign-in", wrong, refused="not_signed_in")


async def the_visit(installation: WritingInstallation, story: Story, officers: list[OfficerClient]) -> str:
    """Hold a visit in which officers write, terminals confirm, a relay worker and the control process crash, and
    strangers and a terminal send malformed requests; return the session."""
    session = await installation.slot(
        external_id=PEOPLE["the booking's number"], approved_by=PEOPLE["who approved"], people=people(), minutes=5
    )
    await installation.start_terminals()
    await installation.until(
        officers[0], session, lambda view: all(side["media"] and side["self_test"] for side in view["sides"].values())
    )
    await officers[0].check_in(session, Side.PRISON)
    await officers[2].check_in(session, Side.VISITOR)
    await asyncio.gather(*(officer.watch(session) for officer in officers))
    await crossing(installation, session, officers[0])
    words = {"sides": ["visitor"], "article": "YN-16-3", "text": WRITTEN["a warning's words"]}
    await officers[0].order(session, "warn", **words)
    await officers[2].order(session, "remark", text=WRITTEN["a remark"])
    await officers[0].order(session, "hold", article=FAULT, note=WRITTEN["why it is held"])
    await officers[0].resume(session)
    await crossing(installation, session, officers[0])
    await strangers(installation, story)
    installation.abort("relay-0")
    await installation.until(officers[0], session, lambda view: view["state"] == "held")
    installation.kill("control")
    await installation.answering()
    await installation.until(officers[0], session, lambda view: view["state"] in ("held", "live", "arming"))
    await officers[0].order(session, "end", article=FAULT, note=WRITTEN["why it is ended"])
    await installation.until(officers[0], session, lambda view: view["recording"]["state"] == "archived")
    await asyncio.gather(*(officer.leave() for officer in officers))
    return session


async def crossing(installation: WritingInstallation, session: str, officer: OfficerClient) -> None:
    """Wait until the rooms see each other."""
    await installation.until(officer, session, lambda view: view["state"] == "live" and view["crossed_ms"] is not None)


def people() -> list[dict[str, Any]]:
    """Return the people of the visit, with all that a booking system may say of them."""
    decision = {"by": PEOPLE["who decided on it"], "reason": PEOPLE["why that relation"]}
    kin = {"side": "visitor", "relation": "母亲", "dialect_reason": PEOPLE["why in dialect"]}
    return [
        {"id": PEOPLE["the inmate's number"], "side": "prison", "name": PEOPLE["the inmate's name"]},
        {**kin, "id_number": PEOPLE["the visitor's identity number"], "name": PEOPLE["the visitor's name"]},
        {
            "id_number": PEOPLE["the other visitor's passport"],
            "side": "visitor",
            "name": PEOPLE["the other visitor's name"],
            "relation": PEOPLE["the relation"],
            "relation_decision": decision,
        },
    ]


async def strangers(installation: WritingInstallation, story: Story) -> None:
    """Send malformed requests: of strangers, with a terminal's credential, and with the visit's people in the wrong
    places."""
    port, token = int(installation.server.rpartition(":")[2]), await installation.terminal_token(Side.PRISON)
    story.secret("a terminal's token", token, malformed.TOKEN, malformed.COOKIE)
    story.secret("words of strangers", malformed.NAME, malformed.NUMBER, malformed.MAIL, malformed.PLAIN)
    with_token = malformed.SECRETS.replace(malformed.TOKEN.encode(), token.encode())
    requests = list(malformed.requests(with_token.replace(malformed.ADDRESS.encode(), STRANGER.encode())))[::6]
    turns = asyncio.Semaphore(20)

    async def turn(data: bytes) -> None:
        async with turns:
            await malformed.ask("127.0.0.1", port, data, 0.5)

    await asyncio.gather(*map(turn, requests))
    name, words = PEOPLE["the inmate's name"], WRITTEN["words in a malformed request"]
    wrong = [{"minutes": name, "people": words, words: name}, {"people": people()}, [words], words]
    key = {"Authorization": f"Bearer {installation.credentials.key}"}
    for body in wrong:
        async with installation.http.post(f"{installation.server}/api/v1/slots", json=body, headers=key) as answer:
            assert answer.status in (400, 422), await answer.text()
    offer = (await publish_offer()).replace("s=-", f"s={words}").replace("t=0 0", f"c=IN IP4 {STRANGER}\r\nt=0 0 x")
    sdp = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
    async with installation.http.post(f"{installation.server}/whip/{words}", data=offer, headers=sdp) as answer:
        assert answer.status >= 400
    async with installation.http.ws_connect(
        f"{installation.server}/api/v1/ws", headers={"Authorization": f"Bearer {token}"}, protocols=["huijian.v1"]
    ) as socket:
        for text in (words, json.dumps({"type": words, "token": token}), json.dumps({"type": "remark", "text": name})):
            if not socket.closed:
                await socket.send_str(text)
        await socket.close()


async def announcement(installation: WritingInstallation, officer: Caller) -> None:
    """Announce why visits stop, as a prison that has to (Guangdong 36)."""
    await installation.store.add_site("gd-prison", SiteKind.PRISON, PEOPLE["a site's name"], "guangdong")
    await installation.add_officer("qu", "瞿某", Role.SUPERVISOR, PASSWORDS["a supervisor's password"], "gd-prison")
    await officer.sign_in("qu", PASSWORDS["a supervisor's password"])
    await officer.ask("POST", "announcements", {"id": "ann-1", "code": "GD-36", "text": WRITTEN["an announcement"]})


async def auditors_work(auditor: Caller, session: str, admin: Caller) -> None:
    """Sign in with a second factor; find the visit by its people, mark, rate and keep it; have it handed over."""
    await auditor.sign_in("wenren", PASSWORDS["the auditor's password"])
    begun = await auditor.ask("POST", "me/factors/totp/begin", {"password": PASSWORDS["the auditor's password"]})
    code = totp.code_at(begun["secret"], SystemClock().now().wall)
    auditor.story.secret("a code", code)
    await auditor.ask("POST", "me/factors/totp", {"state": begun["state"], "code": code, "name": "翁某的手机"})
    for wanted in ({"inmate": PEOPLE["the inmate's name"]}, {"visitor": PEOPLE["the other visitor's name"]}):
        await found_by(auditor, wanted, session)
    mark = {"at": 0.5, "to": None, "text": WRITTEN["a mark"], "kind": "note"}
    await auditor.ask("POST", f"visits/{session}/marks", mark)
    rating = {"verdict": "proper", "text": WRITTEN["a rating"]}
    await auditor.ask("POST", f"visits/{session}/ratings", rating, refused="conflict")  # not one of those
    await auditor.ask("POST", f"recordings/{session}/holds", {"reason": WRITTEN["why it is kept"]})
    await auditor.ask("GET", "ledgers?site=demo-prison&format=json")
    order = {"reason": WRITTEN["why it is handed over"], "receiver": WRITTEN["the receiver"]}
    asked = await auditor.ask("POST", f"recordings/{session}/exports", order)
    await admin.sign_in("guan", PASSWORDS["the admin's password"])
    await admin.ask("POST", f"exports/{asked['id']}/decide", {"decision": "approve"})
    async with asyncio.timeout(PATIENCE):
        while (view := await auditor.ask("GET", f"exports/{asked['id']}"))["state"] in ("approved", "building"):
            await asyncio.sleep(0.5)  # another process sets no event in this one
    assert view["state"] == "ready", view
    await auditor.ask("GET", f"exports/{asked['id']}/package")
    await auditor.ask("POST", "sign-out")


async def found_by(auditor: Caller, wanted: dict[str, str], session: str) -> None:
    """Search for visits until the one that has just ended is among them: the history is written in the background."""
    async with asyncio.timeout(PATIENCE):
        while not (await auditor.ask("POST", "visits/search", wanted))["visits"]:
            await asyncio.sleep(0.5)  # another process sets no event in this one
    (visit,) = (await auditor.ask("POST", "visits/search", wanted))["visits"]
    assert visit["session"] == session


async def administration(admin: Caller) -> None:
    """Invite an officer who sets a password, issue a key, have a terminal enrolled, give a room another name."""
    own = {"password": PASSWORDS["the admin's password"]}
    officer = {"user": "tantai", "name": PEOPLE["the invited officer's name"], "role": "supervisor"}
    made = await admin.ask("POST", "invitations", {**own, **officer, "site": "demo-prison"})
    link = made["path"].rpartition("#")[2]
    admin.story.secret("a link", link)
    redeemed = {"token": link, "password": PASSWORDS["the invited officer's password"]}
    await Caller(admin.http, admin.installation, admin.story).ask("POST", "invitations/redeem", redeemed)
    await admin.ask("POST", "keys", {**own, "name": PEOPLE["a key's name"], "kind": "booking"})
    await admin.ask("POST", "rooms/demo-prison-1/enrolment", {**own, "replace": True})
    await admin.ask("POST", "rooms/demo-prison-1/rename", {"name": PEOPLE["a room's name"]})


class TestTheLogsOfAWholeVisit:
    async def test_hold_nothing_that_tells_of_a_person_or_opens_a_door(self, story: Story) -> None:
        assert len(story.looked_for) > 60
        found = {file: found_in(text, story.looked_for) for file, text in story.written.items()}
        assert {file: names for file, names in found.items() if names} == {}

    async def test_hold_no_address_of_a_client(self, story: Story) -> None:
        found = {file: addresses_in(text) for file, text in story.written.items() if file.endswith(".log")}
        assert {file: addresses for file, addresses in found.items() if addresses} == {}

    async def test_hold_no_request_and_no_traceback(self, story: Story) -> None:
        for file, text in story.written.items():
            assert "Traceback" not in text and "HTTP/1" not in text and "Bearer" not in text, file

    async def test_are_of_all_processes_in_one_form_and_at_debug_level(self, story: Story) -> None:
        service = story.written["serve.log"]
        assert all(line.startswith("timestamp='20") for line in service.splitlines())
        assert re.search(r"process died.*relay-0", service) and re.search(r"process died.*control", service)
        assert len({file for file in story.written if file.endswith("kiosk.log") and story.written[file]}) == 2
        assert "level='debug'" in "".join(story.written.values())


class TestTheSearch:
    """The search finds what it is meant to find, so that its silence says something."""

    @pytest.mark.parametrize("what", ["the inmate's name", "a remark", "the auditor's password", "the inmate's number"])
    @pytest.mark.parametrize(
        "spelled", [str, ascii, repr, lambda text: text.encode().hex(), lambda text: repr(text.encode())]
    )
    async def test_finds_a_text_in_each_spelling(self, what: str, spelled: Any) -> None:
        value = {**PEOPLE, **WRITTEN, **PASSWORDS}[what]
        assert found_in(f"timestamp='2026' event='x' y={spelled(value)!s}", {what: value}) == [what]

    async def test_finds_half_a_token(self) -> None:
        token = "usr_ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
        assert found_in(f"event='{token[:18]}…'", {"t": token}) == ["t"]

    async def test_finds_a_code_and_not_the_digits_of_a_moment(self) -> None:
        assert found_in("timestamp='2026-11-30T01:02:03.123456Z' event='x' n=91234567", {"c": "123456"}) == []
        assert found_in("event='x' n=123456", {"c": "123456"}) == ["c"]

    async def test_finds_addresses_of_clients(self) -> None:
        assert addresses_in("at 127.0.0.7, 203.0.113.77; listening on 127.0.0.1") == {"127.0.0.7", "203.0.113.77"}

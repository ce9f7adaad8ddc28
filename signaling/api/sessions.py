"""Sessions: what they are doing, and the orders of officers and terminals for those who have no socket."""

from dataclasses import asdict
from datetime import datetime

from broker.kernel.errors import Conflict, PolicyViolation
from broker.kernel.ids import SessionId, Side
from signaling.api import bodies
from signaling.api import messages as msg
from signaling.api.acting import notes_view
from signaling.api.fields import Said
from signaling.api.orders import carry_out
from signaling.auth.scope import OFFICERS, Role, check_sees, may_see
from signaling.server.ports import Live
from signaling.server.routes import Ask, Refusals, Table
from signaling.views.alerts import record_view
from signaling.views.days import bounds

table = Table()
SUPERVISOR = (Role.SUPERVISOR,)
REFUSALS: Refusals = (PolicyViolation, Conflict)
ONE = "/api/v1/sessions/{session}"


@table.add("GET", "/api/v1/sessions", who=OFFICERS, zh="某日会见", en="Sessions of a day")
async def get_sessions(ask: Ask, query: bodies.DayQuery) -> bodies.SessionList:
    """Those of the caller's site whose slot touches the day, by start; ended ones for 24 h."""
    since, until = bounds(query.day, ask.house.now())
    found = [
        live
        for live in ask.house.broker.sessions()
        if may_see(ask.caller, live.session.slot) and _touches(live, since, until)
    ]
    found.sort(key=lambda live: (live.session.slot.starts_at, live.session.id))
    views = [await ask.house.hub.view(live, ask.caller) for live in found]
    return bodies.SessionList(sessions=views)


def _touches(live: Live, since: datetime, until: datetime) -> bool:
    slot = live.session.slot
    return slot.starts_at < until and slot.ends_at > since


@table.add("GET", ONE, who=OFFICERS | {Role.TERMINAL}, zh="会见详情", en="One session")
async def get_session(ask: Ask) -> msg.SessionView:
    """As the caller may see it."""
    return await ask.house.hub.view(_seen(ask), ask.caller)


@table.add("GET", f"{ONE}/interventions", who=OFFICERS, zh="适用条款", en="Grounds for stepping in")
async def get_grounds(ask: Ask) -> bodies.Grounds:
    """The article codes of the rules that hold for this session."""
    policy = ask.house.scene(_seen(ask)).policy
    grounds = [
        bodies.GroundView(
            code=one.code,
            zh=one.title_zh,
            en=one.title_en,
            article=one.article,
            may_warn=one.may_warn,
            may_hold=one.may_hold,
            must_end=one.must_end,
            may_suspend=one.may_suspend,
        )
        for one in policy.interventions
    ]
    warnings = [bodies.CannedView(**asdict(one)) for one in policy.warnings]
    suspends = policy.suspension
    return bodies.Grounds(
        policy=policy.name,
        version=policy.version,
        interventions=grounds,
        warnings=warnings,
        suspension=bodies.SuspensionRulesView(subject=Side(suspends.subject), least=suspends.least, most=suspends.most),
    )


def _seen(ask: Ask) -> Live:
    live = ask.house.broker.live(SessionId(ask.id("session")))
    check_sees(ask.caller, live.session.slot)
    return live


def _order(ask: Ask, kind: type[msg.Order], body: Said) -> bodies.Done:
    carry_out(ask.house.broker, ask.caller, bodies.order(kind, ask.id("session"), body))
    return bodies.Done()


def _verb(name: str) -> tuple[str, str]:
    return "POST", f"{ONE}/{name}"


@table.add(
    *_verb("check-in"),
    who=SUPERVISOR,
    zh="人员核验入场",
    en="A listed person is here",
    problems=REFUSALS,
    noted="OrderRefused",
)
async def check_in(ask: Ask, body: bodies.CheckInBody) -> bodies.Done:
    """Identity, security check and rules, all three, and what else is named (Yunnan 11 and 12; Guangdong 24)."""
    return _order(ask, msg.CheckIn, body)


@table.add(
    *_verb("tick"),
    who=SUPERVISOR,
    zh="逐项核验",
    en="One check of a listed person",
    problems=REFUSALS,
    noted="OrderRefused",
)
async def tick(ask: Ask, body: bodies.TickBody) -> bodies.Done:
    """Made, or taken back, while check-in is open (Yunnan 11, 12, 19; Guangdong 24)."""
    return _order(ask, msg.TickPerson, body)


@table.add(
    *_verb("seat"),
    who=SUPERVISOR,
    zh="登记席位就绪",
    en="The seat of a room is ready",
    problems=REFUSALS,
    noted="OrderRefused",
)
async def seat(ask: Ask, body: bodies.SeatBody) -> bodies.Done:
    """Of one's own room (Yunnan 11)."""
    return _order(ask, msg.Seat, body)


@table.add(
    *_verb("absent"),
    who=SUPERVISOR,
    zh="登记缺席",
    en="A listed person will not come",
    problems=REFUSALS,
    noted="OrderRefused",
)
async def absent(ask: Ask, body: bodies.AbsentBody) -> bodies.Done:
    """The others may meet without them."""
    return _order(ask, msg.Absent, body)


@table.add(
    *_verb("equipment"),
    who=SUPERVISOR,
    zh="登记设备检查",
    en="Staff checked their room's equipment",
    problems=REFUSALS,
    noted="OrderRefused",
)
async def equipment(ask: Ask, body: bodies.EquipmentBody) -> bodies.Done:
    """Counts like a terminal's self-test (Yunnan 12)."""
    return _order(ask, msg.Equipment, body)


@table.add(
    *_verb("self-test"),
    who=(Role.TERMINAL,),
    zh="终端自检结果",
    en="A terminal's self-test",
    problems=REFUSALS,
    noted="OrderRefused",
)
async def self_test(ask: Ask, body: bodies.SelfTestBody) -> bodies.Done:
    """Camera, microphone, loudspeaker and network."""
    return _order(ask, msg.SelfTest, body)


@table.add(
    *_verb("hold"),
    who=SUPERVISOR,
    zh="中止会见",
    en="Hold",
    problems=REFUSALS,
    noted="OrderRefused",
)
async def hold(ask: Ask, body: bodies.ArticleBody) -> bodies.Done:
    """Shut the gate, under an article."""
    return _order(ask, msg.Hold, body)


@table.add(
    *_verb("resume"),
    who=SUPERVISOR,
    zh="恢复会见",
    en="Resume",
    problems=REFUSALS,
    noted="OrderRefused",
)
async def resume(ask: Ask, body: bodies.ResumeBody) -> bodies.Done:
    """Lift one's own site's hold."""
    return _order(ask, msg.Resume, body)


@table.add(
    *_verb("hush"),
    who=SUPERVISOR,
    zh="停止插话",
    en="Nobody speaks to the rooms any more",
    problems=REFUSALS,
    noted="OrderRefused",
)
async def hush(ask: Ask) -> bodies.Done:
    """To begin takes a socket; to end works without one."""
    carry_out(ask.house.broker, ask.caller, msg.Hush(id=0, session=ask.id("session")))
    return bodies.Done()


@table.add(
    *_verb("end"),
    who=SUPERVISOR,
    zh="终止会见",
    en="End",
    problems=REFUSALS,
    noted="OrderRefused",
)
async def end(ask: Ask, body: bodies.ArticleBody) -> bodies.Done:
    """For good, under an article (Guangdong 31(2))."""
    return _order(ask, msg.End, body)


# ---- short of holding and ending -----------------------------------------------------------------------------------


@table.add(
    *_verb("warn"),
    who=SUPERVISOR,
    zh="劝阻",
    en="Warn",
    problems=REFUSALS,
    noted="OrderRefused",
)
async def warn(ask: Ask, body: bodies.WarnBody) -> bodies.Done:
    """On the screens of one room or both, until they acknowledge it (Yunnan 16)."""
    return _order(ask, msg.Warn, body)


@table.add(
    *_verb("acknowledge"),
    who=(Role.TERMINAL,),
    zh="确认劝阻",
    en="Acknowledge a warning",
    problems=REFUSALS,
    noted="OrderRefused",
)
async def acknowledge(ask: Ask, body: bodies.AcknowledgeBody) -> bodies.Done:
    """Somebody in the terminal's room has read it."""
    return _order(ask, msg.Acknowledge, body)


@table.add(
    *_verb("mute"),
    who=SUPERVISOR,
    zh="静音与解除静音",
    en="Mute a side",
    problems=REFUSALS,
    noted="OrderRefused",
)
async def mute(ask: Ask, body: bodies.MuteBody) -> bodies.Done:
    """The far room does not hear it; recorder and supervisors do. Lifted by the site that ordered it."""
    return _order(ask, msg.Mute, body)


@table.add(
    *_verb("remark"),
    who=SUPERVISOR,
    zh="会见记录",
    en="Make a note",
    problems=REFUSALS,
    noted="OrderRefused",
)
async def remark(ask: Ask, body: bodies.RemarkBody) -> bodies.Done:
    """With its time; the rooms never learn of it."""
    return _order(ask, msg.Remark, body)


@table.add(
    *_verb("take-alert"),
    who=SUPERVISOR,
    zh="处理提醒",
    en="See to an alert",
    problems=REFUSALS,
    noted="OrderRefused",
)
async def take_alert(ask: Ask, body: bodies.AlertBody) -> bodies.Done:
    """From now on everybody of both sites knows by whom."""
    return _order(ask, msg.TakeAlert, body)


@table.add(
    *_verb("finish-alert"),
    who=SUPERVISOR,
    zh="完成提醒",
    en="An alert is done",
    problems=REFUSALS,
    noted="OrderRefused",
)
async def finish_alert(ask: Ask, body: bodies.AlertBody) -> bodies.Done:
    """The same cause calls nobody again before it has been gone."""
    return _order(ask, msg.FinishAlert, body)


@table.add("GET", f"{ONE}/alerts", who=OFFICERS, zh="提醒记录", en="Alerts of a session")
async def get_alerts(ask: Ask) -> bodies.AlertList:
    """Open and done, with who saw to them and when."""
    return bodies.AlertList(alerts=await record_view(_seen(ask).session, ask.house.names))


@table.add("GET", f"{ONE}/notes", who=OFFICERS, zh="会见记录列表", en="Notes of a session")
async def get_notes(ask: Ask) -> bodies.NoteList:
    """Of both sites' officers: they supervise one visit together."""
    return bodies.NoteList(notes=await notes_view(_seen(ask).session, ask.house.names))

"""Warnings, mutes and notes: the facts that these orders mean, and what of them each viewer is shown. What the law lets
a ground close is the core's to refuse (broker/session/parts/interventions.py)."""

from typing import assert_never

from broker.kernel.errors import Forbidden, NotFound, PolicyViolation
from broker.kernel.ids import Side, WarningId, new_id
from broker.session import events as ev
from broker.session.parts.interventions import Muted, Noted, Warned
from broker.session.state import Session
from config.policy import CannedWarning, Policy
from signaling.api import messages as msg
from signaling.api.bodies import NoteView
from signaling.auth.scope import Duty, Terminal, Who, duty
from signaling.views.names import Names

Act = msg.Warn | msg.Acknowledge | msg.Mute | msg.Remark


def fact_of(who: Who, session: Session, policy: Policy, order: Act) -> ev.Fact:
    """The fact that an order means. Raises NotFound, Forbidden, PolicyViolation."""
    slot = session.slot
    match order:
        case msg.Warn():
            return _warn(duty(who, slot), policy, order)
        case msg.Acknowledge():
            if not isinstance(who, Terminal):
                raise Forbidden("A warning is acknowledged in its room.", "劝阻只能由会见室终端确认。")
            return ev.WarningAcknowledged(slot.side_of_room(who.room), WarningId(order.warning), who.id)
        case msg.Mute():
            return _mute(duty(who, slot), session, order)
        case msg.Remark():
            own = duty(who, slot)
            return ev.NoteMade(own.user, own.site, order.text.strip())
    assert_never(order)


def _warn(own: Duty, policy: Policy, order: msg.Warn) -> ev.Fact:
    zh = en = (order.text or "").strip()
    if order.text_id is not None:
        canned = _canned(policy, order.text_id, order.article)
        zh, en = canned.zh, canned.en
    sides = tuple(side for side in Side if side in order.sides)
    return ev.WarningGiven(WarningId(new_id("wrn")), own.user, own.site, sides, order.article, zh, en)


def _canned(policy: Policy, text_id: str, article: str) -> CannedWarning:
    """The ready words, which stand under one ground and no other: words and article must agree in the evidence."""
    canned = policy.canned(text_id)
    if canned is None:
        raise NotFound("There is no such text in these rules.", "适用规定中没有该劝阻用语。")
    if canned.code != article:
        raise PolicyViolation(
            f"This text is given under {canned.code}.", f"该劝阻用语适用条款 {canned.code}。", articles=[canned.article]
        )
    return canned


def _mute(own: Duty, session: Session, order: msg.Mute) -> ev.Fact:
    """Lifted under the article under which it was ordered."""
    present = session.interventions.muted.get(order.side)
    lifted = present.article if present is not None else ""
    article = (order.article or "") if order.on else lifted
    return ev.MuteOrdered(own.user, own.site, order.side, order.on, article, order.note)


# ---- what is shown -------------------------------------------------------------------------------------------------


async def warnings_view(session: Session, names: Names, room: Side | None) -> list[msg.WarningView]:
    """For officers (`room` None) all; for a room those it has to read, as if nobody else were concerned."""
    return [
        await _warning(one, names, room) for one in session.interventions.warnings if room is None or room in one.sides
    ]


async def _warning(one: Warned, names: Names, room: Side | None) -> msg.WarningView:
    seen = one.sides if room is None else (room,)
    return msg.WarningView(
        id=one.id,
        at=one.at,
        sides=list(seen),
        article=one.article,
        zh=one.zh,
        en=one.en,
        by=await _officer(one, names) if room is None else None,
        acknowledged=[side for side in seen if side in one.acknowledged],
    )


async def mutes_view(session: Session, names: Names, room: Side | None) -> list[msg.MuteView]:
    """Who is not heard; only officers learn by whose order."""
    return [
        msg.MuteView(
            side=side,
            article=why.article,
            site=why.site if room is None else None,
            by=await _officer(why, names) if room is None else None,
        )
        for side, why in sorted(session.interventions.muted.items())
    ]


async def notes_view(session: Session, names: Names) -> list[NoteView]:
    """In the order of time, for officers only."""
    return [
        NoteView(
            at=one.at,
            since_ms=None if one.since is None else round(one.since * 1000),
            site=one.site,
            by=await _officer(one, names),
            text=one.text,
        )
        for one in session.interventions.notes
    ]


async def _officer(one: Warned | Muted | Noted, names: Names) -> msg.Officer:
    return msg.Officer(id=one.by, name=await names.user(one.by))

"""The table of acts on a slot: which role may do what, by where its site stands to the slot. Pure.

The prison approves and sets the time (Yunnan 9, Guangdong 15: 批准会见的，应当确定会见时间), so that a slot of its room
is booked, changed and cancelled by the prison itself, by the booking system that carries its approvals, and by the
province. The other side gives its own word and no other: the second approval where it holds inmates (Yunnan 7,
Guangdong 16), and the withdrawal of its own part, under a code and with a reason (Yunnan 18, Guangdong 25, 36).
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from broker.kernel.errors import Forbidden, NotFound


class Relation(StrEnum):
    """Where a caller stands to a slot: of the whole province, of the prison's site, of the visitor side's site, or of
    another one, for which the slot does not exist."""

    PROVINCE = "province"
    PRISON = "prison"
    VISITOR = "visitor"
    FOREIGN = "foreign"


class SlotAct(StrEnum):
    """What can be done with a slot."""

    SEE = "see"
    BOOK = "book"
    BRING_SECOND = "bring_second"
    """Bring the other institution's approval in the order itself."""
    CANCEL = "cancel"
    WITHDRAW = "withdraw"
    APPROVE_SECOND = "approve_second"
    EXTEND = "extend"
    DRILL = "drill"
    """Try the two rooms before a day of visits."""


_OFFICES = ("supervisor", "clerk", "approver", "auditor", "admin")
_HERE = (Relation.PRISON, Relation.VISITOR)
_PROVINCE = ("integrator", Relation.PROVINCE), ("admin", Relation.PROVINCE)
_PRISON = ("approver", Relation.PRISON), ("admin", Relation.PRISON)

MAY: Mapping[SlotAct, frozenset[tuple[str, Relation]]] = MappingProxyType(
    {
        SlotAct.SEE: frozenset(
            {(role, place) for role in _OFFICES for place in _HERE} | {*_PROVINCE, ("auditor", Relation.PROVINCE)}
        ),
        SlotAct.BOOK: frozenset({*_PROVINCE, *_PRISON}),
        SlotAct.BRING_SECOND: frozenset(_PROVINCE),
        SlotAct.CANCEL: frozenset({*_PROVINCE, *_PRISON}),
        SlotAct.WITHDRAW: frozenset({("approver", Relation.VISITOR), ("admin", Relation.VISITOR)}),
        SlotAct.APPROVE_SECOND: frozenset({("integrator", Relation.PROVINCE), ("approver", Relation.VISITOR)}),
        SlotAct.EXTEND: frozenset({("approver", Relation.PRISON)}),
        SlotAct.DRILL: frozenset(
            {("admin", Relation.PROVINCE), *((role, place) for role in ("approver", "admin") for place in _HERE)}
        ),
    }
)
"""The acts that each role may do, by where it stands to the slot; an act that is absent is refused."""

_TEXTS = {
    SlotAct.BOOK: (
        "A visit is booked by the prison whose room it is, by the booking system or by the province.",
        "会见时段由会见室所属监所、预约系统或省级管理员登记。",
    ),
    SlotAct.BRING_SECOND: (
        "The second approval is the other institution's: it gives it itself, or the booking system brings it.",
        "第二方批准由另一方监所自行作出，或由预约系统提交。",
    ),
    SlotAct.CANCEL: (
        "A visit is cancelled by the prison whose room it is, by the booking system or by the province. Withdraw your "
        "own site's part with POST …/withdraw, with a code and a reason.",
        "会见时段由会见室所属监所、预约系统或省级管理员取消；本单位一方不能参加的，请写明条款和理由撤回（withdraw）。",
    ),
    SlotAct.WITHDRAW: (
        "The visitor side's institution withdraws its part; the prison cancels.",
        "撤回由会见人一方单位办理；监所一方请办理取消。",
    ),
    SlotAct.DRILL: (
        "A drill is begun by an approver or administrator of one of the two sites, or by the province.",
        "演练由任一方单位的批准人、管理员或省级管理员发起。",
    ),
    SlotAct.APPROVE_SECOND: (
        "The second approval is the other institution's.",
        "第二方批准由另一方监所作出。",
    ),
}


def relation(site: str | None, prison: str, visitor: str) -> Relation:
    """Where a site (None: of the province) stands to a slot of these two sites."""
    if site is None:
        return Relation.PROVINCE
    return {prison: Relation.PRISON, visitor: Relation.VISITOR}.get(site, Relation.FOREIGN)


def may(act: SlotAct, role: str, place: Relation) -> bool:
    """Whether a role at that place may do it."""
    return (role, place) in MAY[act]


def check(act: SlotAct, role: str, place: Relation) -> None:
    """Check that a role at that place may do it. Raises NotFound where the slot does not exist for it, else Forbidden,
    which says who may."""
    if may(act, role, place):
        return
    if place is Relation.FOREIGN:
        raise NotFound()
    raise Forbidden(*_TEXTS.get(act, ("", "")))

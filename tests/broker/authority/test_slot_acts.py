"""The table of acts on a slot holds whole: act by act, role by role and place by place."""

import pytest

from broker.authority.slot_acts import MAY, Relation, SlotAct, check, may, relation
from broker.kernel.errors import Forbidden, NotFound

OFFICES = ("supervisor", "clerk", "approver", "auditor", "admin")
ROLES = (*OFFICES, "integrator", "observer", "terminal")
P, A, V, F = Relation.PROVINCE, Relation.PRISON, Relation.VISITOR, Relation.FOREIGN
EXPECTED = {
    SlotAct.SEE: {(role, place) for role in OFFICES for place in (A, V)}
    | {("auditor", P), ("admin", P), ("integrator", P)},
    SlotAct.BOOK: {("integrator", P), ("admin", P), ("approver", A), ("admin", A)},
    SlotAct.BRING_SECOND: {("integrator", P), ("admin", P)},
    SlotAct.CANCEL: {("integrator", P), ("admin", P), ("approver", A), ("admin", A)},
    SlotAct.WITHDRAW: {("approver", V), ("admin", V)},
    SlotAct.APPROVE_SECOND: {("integrator", P), ("approver", V)},
    SlotAct.EXTEND: {("approver", A)},
    SlotAct.DRILL: {("admin", P), ("approver", A), ("admin", A), ("approver", V), ("admin", V)},
}


@pytest.mark.parametrize("act", list(SlotAct))
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("place", list(Relation))
def test_each_act_is_for_exactly_those_whom_the_table_names(act, role, place):
    if (role, place) in EXPECTED[act]:
        check(act, role, place)
        assert may(act, role, place)
        return
    with pytest.raises(NotFound if place is F else Forbidden):
        check(act, role, place)


def test_nothing_is_for_a_site_that_has_no_part_in_the_slot():
    assert not any(place is F for pairs in MAY.values() for _, place in pairs)


def test_the_other_side_neither_books_nor_cancels_for_the_prison():
    for act in (SlotAct.BOOK, SlotAct.CANCEL, SlotAct.EXTEND, SlotAct.BRING_SECOND):
        assert not any(may(act, role, V) for role in ROLES)


def test_a_place_is_known_by_the_site():
    assert relation(None, "a", "b") is P
    assert [relation(site, "a", "b") for site in ("a", "b", "c")] == [A, V, F]

"""Eligibility (会见资格): the bars that stand against listed people now (F12; Yunnan 15, 17; Guangdong 18 to 20, 23).

It is asked at booking, and again as long as the visit is not over: what is decided after the approval blocks the
opening. In a visit that has begun it calls the officers, who decide (Yunnan 17, Guangdong 25). Bars are not saved: they
are read anew from what stands when a session is taken up.
"""

from broker.booking.bar import Bar
from broker.session import events as ev
from broker.session.parts.moment import Moment, Table

Bars = tuple[Bar, ...]


def _changed(part: Bars, fact: ev.EligibilityChanged, moment: Moment) -> Bars:
    return fact.bars


FACTS: Table = {ev.EligibilityChanged: _changed}

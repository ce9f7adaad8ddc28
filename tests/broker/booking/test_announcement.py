"""Announcements by cause: who announces, and who files (Guangdong 36)."""

from datetime import UTC, datetime

import pytest

from broker.booking.announcement import Announcement, Publisher, announce, file
from broker.kernel.errors import Conflict, Forbidden, PolicyViolation
from broker.kernel.ids import AnnouncementId, SiteId, UserId
from config.articles.grounds import Issuer
from config.policy import Policy
from tests.support.session_story import GUANGDONG, YUNNAN

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
UNITS = ["prison", "rehab", "bureau", "office"]


def publisher(kind: str) -> Publisher:
    return Publisher(UserId("li"), SiteId(f"a-{kind}"), kind)


def announced(code: str, kind: str, policy: Policy = GUANGDONG) -> Announcement:
    return announce(policy, publisher(kind), NOON, id=AnnouncementId("ann_1"), code=code, text="暂停视频会见")


class TestAnnouncing:
    @pytest.mark.parametrize("kind", UNITS)
    @pytest.mark.parametrize("code", ["GD-36", "GD-36-1"])
    def test_of_a_fault_is_the_units_and_waits_for_the_province(self, code: str, kind: str) -> None:
        made = announced(code, kind)
        assert (made.issuer, made.site, made.filed) == (Issuer.UNIT, f"a-{kind}", False)
        assert made.cause == GUANGDONG.intervention(code).title_zh  # type: ignore[union-attr]
        filed = file(made, publisher("province"), NOON)
        assert (filed.filed, filed.filed_site) == (True, "a-province")
        with pytest.raises(Conflict):
            file(filed, publisher("province"), NOON)

    @pytest.mark.parametrize("code", ["GD-36-2", "GD-36-3"])
    def test_of_changed_rules_and_upgrades_is_the_provinces(self, code: str) -> None:
        for kind in [*UNITS, "city"]:
            with pytest.raises(Forbidden):
                announced(code, kind)
        assert announced(code, "province").filed is (code == "GD-36-3")  # the department files with itself

    @pytest.mark.parametrize("kind", ["city", "province"])
    def test_of_a_fault_is_no_other_offices(self, kind: str) -> None:
        with pytest.raises(Forbidden):
            announced("GD-36-1", kind)

    @pytest.mark.parametrize(("code", "policy"), [("GD-29-1", GUANGDONG), ("GD-99", GUANGDONG), ("YN-18", YUNNAN)])
    def test_needs_a_cause(self, code: str, policy: Policy) -> None:
        with pytest.raises(PolicyViolation):
            announced(code, "prison", policy)

    @pytest.mark.parametrize("kind", [*UNITS, "city"])
    def test_is_filed_by_the_province_only(self, kind: str) -> None:
        with pytest.raises(Forbidden):
            file(announced("GD-36-1", "prison"), publisher(kind), NOON)

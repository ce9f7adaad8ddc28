"""Announcements (公告) of why visits stop: by cause, by the office that the cause names, and filed with the province
(Guangdong 36). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from broker.booking.packs import ground
from broker.kernel.errors import Conflict, Forbidden, PolicyViolation
from broker.kernel.ids import AnnouncementId, SessionId, SiteId, UserId
from config.articles.grounds import Issuer
from config.policy import Policy

PROVINCE = "province"
KINDS: Mapping[Issuer, frozenset[str]] = MappingProxyType(
    {
        Issuer.UNIT: frozenset({"prison", "rehab", "bureau", "office"}),
        Issuer.BUREAU: frozenset({PROVINCE}),
        Issuer.DEPARTMENT: frozenset({PROVINCE}),
    }
)
"""Kinds of sites that announce as each issuer. The provincial bureaus and the department are sites of the province."""


@dataclass(frozen=True, slots=True)
class Publisher:
    """Officer who announces or files, with the kind of the site."""

    user: UserId
    site: SiteId
    kind: str


@dataclass(frozen=True, slots=True)
class Announcement:
    """Announcement of why visits stop. `cause` is the ground's title, `session` the visit that stopped, if it is about
    one."""

    id: AnnouncementId
    code: str
    cause: str
    issuer: Issuer
    article: str
    text: str
    by: UserId
    site: SiteId
    at: datetime
    session: SessionId | None = None
    filed_by: UserId | None = None
    filed_site: SiteId | None = None
    filed_at: datetime | None = None

    @property
    def filed(self) -> bool:
        """Whether the province has it on file (报省司法厅备案)."""
        return self.filed_at is not None


def announce(
    policy: Policy,
    publisher: Publisher,
    now: datetime,
    *,
    id: AnnouncementId,
    code: str,
    text: str,
    session: SessionId | None = None,
) -> Announcement:
    """Make an announcement of a cause. What the department announces itself is on file with it.

    Raises PolicyViolation (a code that is no cause), or Forbidden (another office announces it).
    """
    cause = ground(policy, code)
    if cause.issuer is None:
        raise PolicyViolation("Nothing is announced under this code.", "该代码无须发布公告。", articles=[cause.article])
    if not may_announce(publisher, cause.issuer):
        raise Forbidden(
            "Another office announces this cause.", "该事由由其他单位负责发布公告。", articles=[cause.article]
        )
    made = Announcement(
        id, code, cause.title_zh, cause.issuer, cause.article, text, publisher.user, publisher.site, now, session
    )
    return file(made, publisher, now) if cause.issuer is Issuer.DEPARTMENT else made


def may_announce(publisher: Publisher, issuer: Issuer) -> bool:
    """Whether a publisher's office is the one that announces as this issuer."""
    return publisher.kind in KINDS[issuer]


def check_files(publisher: Publisher) -> None:
    """Check that a publisher puts announcements on file: the province alone. Raises Forbidden."""
    if publisher.kind != PROVINCE:
        raise Forbidden("The province files announcements.", "公告由省司法厅备案。")


def file(announcement: Announcement, publisher: Publisher, now: datetime) -> Announcement:
    """Put an announcement on file. Raises Forbidden (not the province), or Conflict (it is on file)."""
    check_files(publisher)
    if announcement.filed:
        raise Conflict("This announcement is on file already.", "该公告已备案。")
    return replace(announcement, filed_by=publisher.user, filed_site=publisher.site, filed_at=now)

"""Two persons are two persons: which changes of accounts need a second officer's word, which accounts may give a
permit, and when two accounts count as two persons. Pure.

An account stands on the word of those who let it in: the officer who proposes or confirms its password may know it. Two
accounts that stand on one word may be one person, and give no permit together. The first accounts of an installation
stand on no other: there is no second officer yet who could confirm them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from broker.kernel.clock import in_shanghai
from broker.kernel.errors import Conflict, CredentialTooNew, Forbidden, NotFound, SamePerson, TooEarly

CONFIRMERS = frozenset({"auditor", "admin"})
"""Roles whose word a change of an account needs."""
TRUSTED = frozenset({"auditor", "admin", "approver"})
"""Roles that give permits."""
GUARDED = TRUSTED | {"procurator"}
"""Roles of which a new account needs a second officer's word: those that give permits, and who see every visit."""
FIRST_ACCOUNTS = 2
"""Auditors and admins without whom no change could be confirmed by a second one."""
FORCED = "break-glass"
"""What an account stands on that was let in without a second officer's word."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How long accounts and changes wait. `age`: how old a credential must be for a permit; `force`: how long a change
    waits before it may take effect without a second officer's word."""

    age: timedelta
    force: timedelta


DEMO_WAITS = Waits(timedelta(seconds=20), timedelta(seconds=60))
"""Those of an installation that has demonstration sites and no others."""


def waits(hours: int, days: int, demo: bool) -> Waits:
    """The waits of an installation: those of its settings, or the short ones of a demonstration."""
    return DEMO_WAITS if demo else Waits(timedelta(hours=hours), timedelta(days=days))


class ChangeKind(StrEnum):
    """The kinds of changes to accounts by which one person could come to act as another."""

    ADD = "add"
    PASSWORD = "password"
    ENABLE = "enable"
    FACTORS = "factors"


@dataclass(frozen=True, slots=True)
class Standing:
    """An account as permits see it. `since`: when its password was last set or it was enabled again, None under a
    former version; `vouchers`: the accounts on whose word it stands, directly or through others."""

    user: str
    role: str
    site: str | None
    disabled: bool
    since: datetime | None
    vouchers: frozenset[str] = frozenset()

    @property
    def knows(self) -> frozenset[str]:
        """The accounts that may know its password, itself among them."""
        return self.vouchers | {self.user}


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the account `user` that waits for a word. `role` and `site` are those that the account then has;
    `proposer`: the account that proposed it, "" for a command of the operating system's user in `author`."""

    id: str
    kind: ChangeKind
    user: str
    role: str
    site: str | None
    author: str
    proposer: str
    at: datetime


def needs_word(kind: ChangeKind, role: str, confirmers: int) -> bool:
    """Whether a change waits for a second officer's word. `confirmers`: how many accounts of auditors and admins there
    are, barred ones among them, so that barring one opens nothing."""
    if confirmers < FIRST_ACCOUNTS:
        return False
    return kind is not ChangeKind.ADD or role in GUARDED


def check_word(change: Change, officer: Standing, provincial: bool, age: timedelta, now: datetime) -> None:
    """Check that an officer may confirm a change. `provincial`: the province has auditors or admins of its own, barred
    ones among them; `age`: how old a credential must be for a permit.

    The first accounts may confirm from the start, accounts that stand on another's word only once they are old enough.
    Raises NotFound (another site's), Forbidden (the role, the own account or proposal) or CredentialTooNew.
    """
    check_concerned(change, officer, provincial)
    if officer.user in (change.user, change.proposer):
        raise SamePerson(
            "Another auditor or administrator confirms this: not the one whose account it is, nor the proposer.",
            "须由本人和提出人以外的另一名审计员或系统管理员确认。",
        )
    if officer.vouchers:
        check_settled(officer, age, now)


def check_not_own(officer: str, user: str) -> None:
    """Check that an administrator's act concerns another one's account. Raises SamePerson."""
    if officer == user:
        raise SamePerson(
            "This is your own account: another administrator does this. Your own password is changed on /account.",
            "不能对本人账号办理此事项，请由其他系统管理员办理；本人密码请在“我的账号”页面修改。",
        )


def check_concerned(change: Change, officer: Standing, provincial: bool) -> None:
    """Check that a change is this officer's to know of. Raises Forbidden or NotFound."""
    if officer.role not in CONFIRMERS or officer.disabled:
        raise Forbidden("An auditor or an administrator confirms accounts.", "账号变更由审计员或系统管理员确认。")
    if not concerns(change.site, officer, provincial):
        raise NotFound()


def concerns(site: str | None, officer: Standing, provincial: bool) -> bool:
    """Whether the accounts of a site (None: of the province) are this officer's to confirm: the province's officers
    confirm all, a site's its own. Without any of the province, a site's confirm the province's first."""
    return officer.site is None or officer.site == site or (site is None and not provincial)


def vouchers_of(word: Standing, proposer: Standing | None) -> frozenset[str]:
    """The accounts on whose word an account stands that `word` confirms."""
    return word.knows | (proposer.knows if proposer is not None else frozenset())


def check_settled(officer: Standing, age: timedelta, now: datetime) -> None:
    """Check that an account may give a permit at `now`: its password was set, or it was enabled, `age` ago or earlier.

    Raises CredentialTooNew, which says from when. A password that was set in the future counts as set now.
    """
    if officer.disabled:
        raise Forbidden("This account is barred.", "该账号已停用。")
    if officer.since is None or officer.since + age <= now:
        return
    until = officer.since + age
    words = f"{in_shanghai(until):%Y-%m-%d %H:%M}"
    raise CredentialTooNew(
        f"The password of {officer.user} is too new for a permit: it counts from {words} (Asia/Shanghai). "
        "Until then another officer can give the permit.",
        f"账号 {officer.user} 的密码设置未满规定时间，{words} 起方可办理此事项；此前请由其他人员办理。",
        until=until.isoformat(),
    )


def check_two(first: Standing, second: Standing) -> None:
    """Check that two accounts count as two persons. Raises SamePerson."""
    if first.user == second.user:
        raise SamePerson("Two different people are needed.", "须由两人分别办理。")
    shared = first.knows & second.knows
    if shared:
        raise SamePerson(
            f"{first.user} and {second.user} stand on one person's word and do not count as two people: let another "
            "officer give the permit, or have a new password of one of them confirmed by somebody else.",
            f"账号 {first.user} 与 {second.user} 由同一人设置或确认，不能视为两人：请由其他人员办理，"
            "或由另外的人员为其中一个账号确认新密码。",
        )


def check_pair(first: Standing, second: Standing, age: timedelta, now: datetime) -> None:
    """Check that two accounts may give a permit together. Raises SamePerson, CredentialTooNew or Forbidden."""
    check_two(first, second)
    for officer in (first, second):
        check_settled(officer, age, now)


def check_force(change: Change, reason: str, delay: timedelta, now: datetime) -> None:
    """Check that a change may take effect without a second officer's word: it has waited for `delay` and was not
    refused. Raises TooEarly or Conflict."""
    if not reason.strip():
        raise Conflict("Say why no second officer can confirm it (--reason).", "须写明为何无人可以确认（--reason）。")
    opens = change.at + delay
    if now < opens:
        raise TooEarly(
            f"Without a second officer's word it can take effect from {in_shanghai(opens):%Y-%m-%d %H:%M} on.",
            f"无人确认的，{in_shanghai(opens):%Y-%m-%d %H:%M} 起方可强制生效。",
            opens_at=opens.isoformat(),
        )


def forced_vouchers() -> frozenset[str]:
    """What an account stands on that was let in without a second officer's word, beside the officers who did it: two
    such are no two people."""
    return frozenset({FORCED})

"""The media resources of this process and their makers. A WHIP or WHEP resource can be ended only by the caller that
made it, each caller holds a limited number of them, and the end of a sign-in ends its resources."""

from dataclasses import dataclass, field, replace
from typing import Literal

from broker.kernel.errors import NotFound, TooMany, TooManyWindows
from broker.kernel.ids import ResourceId, SessionId
from signaling.auth.rate_limit import Limit
from signaling.auth.scope import Caller, Terminal, author

Kind = Literal["whip", "whep"]
PER_TERMINAL = 6  # its publication, its view and the officers' talkback; twice, while two slots of a room touch
PER_USER = 40
"""Twice what one wall holds: both sides of nine visits, talkback and a microphone. A wall that is loaded again asks for
all of it before the relay has noticed that the window before is gone."""
PER_PICTURE = 3
"""Windows of one officer that receive the same picture: one on duty, one beside it, one that died unnoticed. A relay
has room for few more supervisors than a visit needs, and no officer may take most of it."""


@dataclass(frozen=True, slots=True)
class Held:
    """One publication or subscription of a caller. `maker` is the caller's name in the journal, `sign_in` the
    sign-in behind it (`scope.sign_in_of`)."""

    resource: ResourceId
    kind: Kind
    session: SessionId
    side: str
    maker: str
    sign_in: str = field(repr=False)
    authority: str
    """What the maker's rights followed from."""
    restarts: int = 0
    """Number of its ICE restarts; each begins another ICE session with another entity tag."""
    page: str = ""
    """The window of the monitor page that asked, "" where none was named."""
    observes: bool = False
    """Whether its maker looks on without being counted."""

    @property
    def place(self) -> tuple[str, str, str, str, str]:
        """The same maker, asking again from the same window for the same thing, replaces the older resource."""
        return (self.kind, self.session, self.side, self.maker, self.page)


class Resources:
    """All media resources of this process."""

    def __init__(self) -> None:
        self._held: dict[ResourceId, Held] = {}
        self._by_terminal = Limit(burst=20, per_minute=60)
        self._by_user = Limit(burst=PER_USER, per_minute=60)  # a wall of nine comes back at once, and once more

    def admit(self, kind: Kind, session: str, side: str, caller: Caller, mono: float, page: str = "") -> None:
        """Check that `caller` may make one more resource. Raises TooMany or TooManyWindows."""
        name = author(caller)
        self._limit_of(name).take(name, mono)
        most = PER_TERMINAL if isinstance(caller, Terminal) else PER_USER
        place = (kind, session, side, name, page)
        others = {held.place for held in self._held.values() if held.maker == name} - {place}
        if len(others) >= most:
            raise TooMany(f"At most {most} resources.", f"最多同时建立 {most} 路媒体。")
        if sum(other[:-1] == place[:-1] for other in others) >= PER_PICTURE:
            raise _too_many_windows()

    def add(self, held: Held) -> None:
        """Remember a resource that was made. An older one for the same thing lives until the relay reports that it has
        gone."""
        self._held[held.resource] = held

    def check_restart(self, held: Held, mono: float) -> None:
        """Check that its maker may restart ICE; that counts like a POST. Raises TooMany."""
        self._limit_of(held.maker).take(held.maker, mono)

    def restarted(self, held: Held) -> Held:
        """Return the same resource in its next ICE session. Raises NotFound where it has gone meanwhile."""
        if held.resource not in self._held:
            raise NotFound()
        held = replace(held, restarts=held.restarts + 1)
        self._held[held.resource] = held
        return held

    def owned(self, kind: Kind, session: str, resource: str, caller: Caller) -> Held:
        """Return the caller's own resource. Raises NotFound for the resources of other callers."""
        held = self._held.get(ResourceId(resource))
        if held is None or (held.kind, held.session, held.maker) != (kind, session, author(caller)):
            raise NotFound()
        return held

    def forget(self, resource: ResourceId) -> None:
        """Remove a resource that has gone."""
        self._held.pop(resource, None)

    def forget_session(self, session: SessionId) -> None:
        """Remove the resources of a session that is over: the relay has closed all of its ports."""
        for held in [held for held in self._held.values() if held.session == session]:
            del self._held[held.resource]

    def of_sign_in(self, sign_in: str) -> list[Held]:
        """Return the resources that were made under one sign-in."""
        return [held for held in self._held.values() if held.sign_in == sign_in]

    def of_maker(self, maker: str, session: str) -> list[Held]:
        """Return what a caller holds of one session."""
        return [held for held in self._held.values() if held.maker == maker and held.session == session]

    def observers(self, session: str) -> set[str]:
        """Return the makers that look on at a session without being counted."""
        return {held.maker for held in self._held.values() if held.session == session and held.observes}

    def observing(self) -> set[tuple[str, SessionId]]:
        """Return every maker that looks on without being counted, with the session."""
        return {(held.maker, held.session) for held in self._held.values() if held.observes}

    def holders(self) -> set[tuple[str, str]]:
        """Return every sign-in that holds a resource, with what its holder was."""
        return {(held.sign_in, held.authority) for held in self._held.values()}

    def _limit_of(self, name: str) -> Limit:
        return self._by_user if name.startswith("user:") else self._by_terminal


def _too_many_windows() -> TooManyWindows:
    return TooManyWindows(
        f"You have this picture open in {PER_PICTURE} windows. Close one of them; this one then receives it by itself.",
        f"您已在 {PER_PICTURE} 个窗口中打开这一画面。请关闭其中一个窗口，本窗口随后自动恢复。",
        windows=PER_PICTURE,
    )

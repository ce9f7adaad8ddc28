"""Which media resource belongs to whom. A WHIP or WHEP resource can be ended only by the one who made it, nobody holds
more of them than a desk can show, and with a sign-in end its resources."""

from dataclasses import dataclass, field, replace
from typing import Literal

from broker.kernel.errors import NotFound, TooMany, TooManyWindows
from broker.kernel.ids import ResourceId, SessionId
from signaling.auth.rate_limit import Limit
from signaling.auth.scope import Terminal, Who, author

Kind = Literal["whip", "whep"]
PER_TERMINAL = 6  # its publication, its view and the officers' voice; twice, while two slots of a room touch
PER_USER = 40
"""Twice what one wall holds: both sides of nine visits, an ear and a microphone. A wall that is loaded again asks for
all of it before the relay has noticed that the window before is gone."""
PER_PICTURE = 3
"""Windows of one officer that receive the same picture: one on duty, one beside it, one that died unnoticed. A relay
has places for few more supervisors than a visit needs, and nobody may take most of them."""


@dataclass(frozen=True, slots=True)
class Held:
    """One resource; `who` is its maker as the journal writes it, `token` the sign-in behind it."""

    resource: ResourceId
    kind: Kind
    session: SessionId
    side: str
    who: str
    token: str = field(repr=False)
    restarts: int = 0
    """How often its ICE has begun anew; each time is another ICE session with another entity tag."""
    page: str = ""
    """The window of the monitor page that asked, "" where none was named."""

    @property
    def place(self) -> tuple[str, str, str, str, str]:
        """The same maker, asking again from the same window for the same thing, replaces the older resource."""
        return (self.kind, self.session, self.side, self.who, self.page)


class Resources:
    """All resources of this process."""

    def __init__(self) -> None:
        self._held: dict[ResourceId, Held] = {}
        self._of_terminals = Limit(burst=20, per_minute=60)
        self._of_users = Limit(burst=PER_USER, per_minute=60)  # a wall of nine comes back at once, and once more

    def admit(self, kind: Kind, session: str, side: str, who: Who, mono: float, page: str = "") -> None:
        """Whether `who` may make one more. Raises TooMany or TooManyWindows."""
        name = author(who)
        self._posts(name).take(name, mono)
        most = PER_TERMINAL if isinstance(who, Terminal) else PER_USER
        place = (kind, session, side, name, page)
        others = {one.place for one in self._held.values() if one.who == name} - {place}
        if len(others) >= most:
            raise TooMany(f"At most {most} resources.", f"最多同时建立 {most} 路媒体。")
        if sum(other[:-1] == place[:-1] for other in others) >= PER_PICTURE:
            raise _too_many_windows()

    def add(self, held: Held) -> None:
        """Remember a new resource. An older one for the same thing lives until the relay says that it has gone."""
        self._held[held.resource] = held

    def restarting(self, held: Held, mono: float) -> None:
        """Whether its maker may begin ICE anew; that counts like a POST. Raises TooMany."""
        self._posts(held.who).take(held.who, mono)

    def restarted(self, held: Held) -> Held:
        """The same resource in its next ICE session, unless it has gone meanwhile. Raises NotFound."""
        if held.resource not in self._held:
            raise NotFound()
        held = replace(held, restarts=held.restarts + 1)
        self._held[held.resource] = held
        return held

    def owned(self, kind: Kind, session: str, resource: str, who: Who) -> Held:
        """The caller's own resource. Raises NotFound for anybody else's."""
        held = self._held.get(ResourceId(resource))
        if held is None or (held.kind, held.session, held.who) != (kind, session, author(who)):
            raise NotFound()
        return held

    def forget(self, resource: ResourceId) -> None:
        """It is gone."""
        self._held.pop(resource, None)

    def forget_session(self, session: SessionId) -> None:
        """The session is over and the relay has closed all of its ports."""
        for one in [held for held in self._held.values() if held.session == session]:
            del self._held[one.resource]

    def of_token(self, token: str) -> list[Held]:
        """What was made under one sign-in."""
        return [held for held in self._held.values() if held.token == token]

    def tokens(self) -> frozenset[str]:
        """Every sign-in that holds something."""
        return frozenset(held.token for held in self._held.values())

    def _posts(self, name: str) -> Limit:
        return self._of_users if name.startswith("user:") else self._of_terminals


def _too_many_windows() -> TooManyWindows:
    return TooManyWindows(
        f"You have this picture open in {PER_PICTURE} windows. Close one of them; this one then receives it by itself.",
        f"您已在 {PER_PICTURE} 个窗口中打开这一画面。请关闭其中一个窗口，本窗口随后自动恢复。",
        windows=PER_PICTURE,
    )

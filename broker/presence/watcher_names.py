"""How the relay is told who watches: a supervisor by person, site and page, so that two windows of one person are two
watchers whose receptions prove nothing for each other. To the relay such a name is opaque; a terminal's has no "@"."""

from broker.kernel.ids import SiteId, UserId
from broker.presence.quorum import Watcher


def name_of(watcher: Watcher, page: str) -> str:
    """A watcher's page as the relay is told; `page` is empty where the client named none."""
    return f"{watcher.user}@{watcher.site}#{page}"


def watcher_of(name: str) -> tuple[Watcher, str] | None:
    """The watcher and page of that name; None for a terminal. Inverse of `name_of`."""
    user, at, rest = name.partition("@")
    site, _, page = rest.partition("#")
    return (Watcher(UserId(user), SiteId(site)), page) if at else None

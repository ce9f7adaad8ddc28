"""Fairness between places, pure: connections and requests are grouped by the prefix of the address that they come from,
and where there are too many the place that has the most loses first. The hosts of one network count as one place, since
a sender that has one address of a network usually has all of them."""

from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Generic, TypeVar

PREFIX_IPV4, PREFIX_IPV6 = 24, 64

M = TypeVar("M", bound=Hashable)


@lru_cache(4096)
def prefix_of(address: str) -> str:
    """Return the place of an address: its /24 (IPv4) or /64 (IPv6); the address itself on loopback, where each program
    may bind one of its own and no network stands behind it.

    Anything else, such as a name that a proxy has made up for its client, is a place of its own.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    if parsed.is_loopback:
        return str(parsed)
    length = PREFIX_IPV4 if parsed.version == 4 else PREFIX_IPV6
    kept = int(parsed) >> (parsed.max_prefixlen - length) << (parsed.max_prefixlen - length)
    return f"{type(parsed)(kept)}/{length}"


class _Sizes:
    """The sizes of groups, with the largest at hand in constant time."""

    def __init__(self) -> None:
        self._size: dict[str, int] = {}
        self._groups: dict[int, dict[str, None]] = {}
        self._most = 0

    def of(self, group: str) -> int:
        return self._size.get(group, 0)

    def change(self, group: str, by: int) -> None:
        """Count one member more (1) or less (-1) of a group."""
        before = self._size.get(group, 0)
        after = before + by
        if before:
            del self._groups[before][group]
        if after:
            self._size[group] = after
            self._groups.setdefault(after, {})[group] = None
        else:
            del self._size[group]
        self._most = max(self._most, after)
        while self._most and not self._groups.get(self._most):
            self._groups.pop(self._most, None)
            self._most -= 1

    def largest(self) -> str:
        """The group with the most members; of several the one that has been as large for the longest time."""
        return next(iter(self._groups[self._most]))


class FairSet(Generic[M]):
    """Members in groups, with a bound. When there is no room for one more, `oldest_of_largest` says which member has to
    go."""

    def __init__(self) -> None:
        self._members: dict[str, dict[M, None]] = {}
        self._group: dict[M, str] = {}
        self._sizes = _Sizes()

    def __len__(self) -> int:
        return len(self._group)

    def __iter__(self) -> Iterator[M]:
        """The members, the oldest first."""
        return iter(list(self._group))

    def __contains__(self, member: M) -> bool:
        return member in self._group

    def add(self, member: M, group: str) -> None:
        """Add a member, as the youngest of its group."""
        self.discard(member)
        self._group[member] = group
        self._members.setdefault(group, {})[member] = None
        self._sizes.change(group, 1)

    def discard(self, member: M) -> bool:
        """Remove a member; return whether it was there."""
        group = self._group.pop(member, None)
        if group is None:
            return False
        members = self._members[group]
        del members[member]
        if not members:
            del self._members[group]
        self._sizes.change(group, -1)
        return True

    def size(self, group: str) -> int:
        """Return the number of members in a group."""
        return self._sizes.of(group)

    def oldest_of_largest(self) -> M | None:
        """Return the member that has to go first; None where there is none."""
        if not self._group:
            return None
        return next(iter(self._members[self._sizes.largest()]))


class FairQueue(Generic[M]):
    """A bounded queue from which each group gets one turn after the other, however much each has waiting."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: OrderedDict[str, deque[M]] = OrderedDict()
        self._sizes = _Sizes()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def push(self, member: M, group: str) -> M | None:
        """Add a member of a group. Return the one that has no room any more, if any: the last of the largest group,
        which may be the new one."""
        displaced: M | None = None
        if self._count >= self._most:
            largest = self._sizes.largest()
            if self._sizes.of(group) >= self._sizes.of(largest):
                return member
            displaced = self._take(largest, last=True)
        self._waiting.setdefault(group, deque()).append(member)
        self._sizes.change(group, 1)
        self._count += 1
        return displaced

    def pop(self) -> M | None:
        """Return the member whose turn it is, None where the queue is empty."""
        if not self._waiting:
            return None
        group = next(iter(self._waiting))
        member = self._take(group, last=False)
        if group in self._waiting:
            self._waiting.move_to_end(group)
        return member

    def _take(self, group: str, last: bool) -> M:
        members = self._waiting[group]
        member = members.pop() if last else members.popleft()
        if not members:
            del self._waiting[group]
        self._sizes.change(group, -1)
        self._count -= 1
        return member

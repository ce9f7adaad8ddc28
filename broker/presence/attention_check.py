"""Attention check: the question whether an officer still watches (Yunnan 26(3), Guangdong 27: listening and watching,
not a page left open). Each officer who is present is asked at random moments; one who does not answer in time is not
present until they do. An officer has one question at a time, however many pages and visits they watch. Pure: time is an
argument, and so is the source of chance."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from broker.presence.quorum import Watcher
from config.policy import Policy


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds between two questions (`least` to `most`) and seconds for the answer."""

    least: float
    most: float
    answer: float


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question to one officer. `due` is the monotonic second until which an answer is in time; `missed`: none was."""

    id: str
    asked: float
    due: float
    missed: bool = False

    def wavers(self, now: float) -> bool:
        """Whether half of the time has passed without an answer, so that the quorum may be about to fail."""
        return not self.missed and now >= (self.asked + self.due) / 2


@dataclass(slots=True)
class _Person:
    next_at: float
    watched_at: float
    prompt: Prompt | None = None


def rhythm_of(policies: Iterable[Policy]) -> Rhythm | None:
    """The rhythm of an officer who watches under these policies: the quickest of them; None where none of them asks."""
    asking = [policy for policy in policies if policy.attention_max]
    if not asking:
        return None
    quickest = min(asking, key=lambda policy: (policy.attention_max, policy.attention_answer))
    times = (quickest.attention_min, quickest.attention_max, quickest.attention_answer)
    return Rhythm(*(time.total_seconds() for time in times))


class AttentionChecks:
    """The questions of all officers. `draw(least, most)` returns the seconds to the next one, `name()` the id of a new
    one."""

    def __init__(self, draw: Callable[[float, float], float], name: Callable[[], str]) -> None:
        self._draw, self._name = draw, name
        self._people: dict[Watcher, _Person] = {}

    def tick(self, watching: Mapping[Watcher, Rhythm], now: float) -> tuple[list[Watcher], list[Watcher]]:
        """Ask each of those who watch now when it is time. Returns the officers who were asked, and those who have let
        the time for an answer pass."""
        missed = [watcher for watcher, person in self._people.items() if _overdue(person, now)]
        for watcher in missed:
            person = self._people[watcher]
            assert person.prompt is not None
            person.prompt = replace(person.prompt, missed=True)
        asked = [watcher for watcher, rhythm in watching.items() if self._ask(watcher, rhythm, now)]
        self._forget(now, watching)
        return asked, missed

    def _ask(self, watcher: Watcher, rhythm: Rhythm, now: float) -> bool:
        person = self._people.get(watcher)
        if person is None:
            person = self._people[watcher] = _Person(now + self._draw(rhythm.least, rhythm.most), now)
        if now - person.watched_at > rhythm.most or person.next_at > now + rhythm.most:
            person.next_at = now + self._draw(rhythm.least, rhythm.most)  # back from a pause, or asked oftener now
        person.watched_at = now
        if person.prompt is not None or now < person.next_at:
            return False
        person.prompt = Prompt(self._name(), now, now + rhythm.answer)
        return True

    def answer(self, watcher: Watcher, prompt: str, rhythm: Rhythm | None, now: float) -> float | None:
        """Take an answer, also a late one, after which the officer is present again. Returns the seconds it took; None
        where this question is not open."""
        person = self._people.get(watcher)
        if person is None or person.prompt is None or person.prompt.id != prompt:
            return None
        taken, person.prompt = now - person.prompt.asked, None
        if rhythm is None:
            del self._people[watcher]
        else:
            person.next_at = now + self._draw(rhythm.least, rhythm.most)
        return taken

    def prompt_of(self, watcher: Watcher) -> Prompt | None:
        """The question that an officer has not answered yet, or None."""
        person = self._people.get(watcher)
        return person.prompt if person else None

    def missed(self, watcher: Watcher) -> bool:
        """Whether an officer has let the time of the last question pass."""
        prompt = self.prompt_of(watcher)
        return prompt is not None and prompt.missed

    def _forget(self, now: float, watching: Mapping[Watcher, Rhythm]) -> None:
        """Drop the officers who have watched nothing for a day: they have to sign in anew before they are present
        again."""
        for watcher in [w for w, person in self._people.items() if now - person.watched_at > DAY and w not in watching]:
            del self._people[watcher]


DAY = 86_400.0
"""Seconds after which the question to an officer who watches nothing is dropped."""


def _overdue(person: _Person, now: float) -> bool:
    return person.prompt is not None and not person.prompt.missed and now >= person.prompt.due

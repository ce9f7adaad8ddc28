"""Whether an officer still looks (Yunnan 26(3), Guangdong 27: listening and watching, not a page left open). At random
moments each one who counts is asked; who does not answer in time stops counting until they do. One question a person,
whatever number of pages and visits they watch. Pure: time is an argument, chance is handed in."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from broker.presence.quorum import Watcher
from config.policy import Policy


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often somebody is asked and how long they may take, in seconds."""

    least: float
    most: float
    answer: float


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question. `due` is the monotonic second until which it can be answered in time; `missed`: it was not."""

    id: str
    asked: float
    due: float
    missed: bool = False

    def wavers(self, now: float) -> bool:
        """Whether half of the time has passed without an answer: the quorum may be about to fail."""
        return not self.missed and now >= (self.asked + self.due) / 2


@dataclass(slots=True)
class _Person:
    next_at: float
    watched_at: float
    prompt: Prompt | None = None


def rhythm_of(policies: Iterable[Policy]) -> Rhythm | None:
    """The rhythm for somebody who watches under these policies: the quickest; None where all of them ask nobody."""
    asking = [policy for policy in policies if policy.attention_max]
    if not asking:
        return None
    quickest = min(asking, key=lambda policy: (policy.attention_max, policy.attention_answer))
    times = (quickest.attention_min, quickest.attention_max, quickest.attention_answer)
    return Rhythm(*(time.total_seconds() for time in times))


class AttentionChecks:
    """Everybody's questions. `draw(least, most)` gives the seconds to the next one, `name()` a new question's id."""

    def __init__(self, draw: Callable[[float, float], float], name: Callable[[], str]) -> None:
        self._draw, self._name = draw, name
        self._people: dict[Watcher, _Person] = {}

    def look(self, watching: Mapping[Watcher, Rhythm], now: float) -> tuple[list[Watcher], list[Watcher]]:
        """Ask whom it is time to ask, of those who watch now. Returns who was asked, and who has let a time pass."""
        missed = [watcher for watcher, person in self._people.items() if _passed(person, now)]
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
        """Take an answer, late ones too: from now on the person counts again. Returns the seconds it took; None where
        this question is not open."""
        person = self._people.get(watcher)
        if person is None or person.prompt is None or person.prompt.id != prompt:
            return None
        taken, person.prompt = now - person.prompt.asked, None
        if rhythm is None:
            del self._people[watcher]
        else:
            person.next_at = now + self._draw(rhythm.least, rhythm.most)
        return taken

    def open(self, watcher: Watcher) -> Prompt | None:
        """The question that a person has not answered."""
        person = self._people.get(watcher)
        return person.prompt if person else None

    def missed(self, watcher: Watcher) -> bool:
        """Whether a person has let the time of their last question pass."""
        prompt = self.open(watcher)
        return prompt is not None and prompt.missed

    def _forget(self, now: float, watching: Mapping[Watcher, Rhythm]) -> None:
        """Who was away for a day has nothing open any more that would matter: they sign in anew."""
        for watcher in [w for w, person in self._people.items() if now - person.watched_at > DAY and w not in watching]:
            del self._people[watcher]


DAY = 86_400.0


def _passed(person: _Person, now: float) -> bool:
    return person.prompt is not None and not person.prompt.missed and now >= person.prompt.due

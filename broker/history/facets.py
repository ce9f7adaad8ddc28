"""The facets of a visit: the words under which it is found, as pairs of a facet and a value. The index keeps them in
the order of time, so that each search reads the rarest of its words and no more. Pure."""

from broker.history.folding import folded, pieces
from broker.history.visit import REMINDERS, Level, Part, Visit, part_of

Facet = tuple[str, str]
SITE, ROOM, SLOT, STATE, ENDING, ARTICLE = "site", "room", "slot", "state", "ending", "article"
INTERVENTION, ALERT, QUALITY, SUPERVISOR, WATCHED = "intervention", "alert", "quality", "supervisor", "watched"
ANY = "any"
"""The value under which a visit is found that has any intervention, or any alert that is no mere reminder."""
_ID = "#"  # before the id of a person, so that it is never a piece of a name


def id_value(person: str) -> str:
    """Return the value of a person's id beside those of the name."""
    return f"{_ID}{person}"


def facets_of(visit: Visit) -> frozenset[Facet]:
    """Return all facets of a visit. Those of people go when the names go."""
    slot, acts = visit.slot, visit.acts
    found = {(SITE, str(place.site)) for place in (slot.prison, slot.visitor)}
    found |= {(ROOM, str(place.room)) for place in (slot.prison, slot.visitor)}
    found |= {(SLOT, str(value)) for value in (slot.id, slot.session, slot.external_id) if value}
    found.add((STATE, str(visit.state)))
    found |= _ending(visit)
    found |= {(INTERVENTION, act.kind) for act in acts.interventions}
    found |= {(ARTICLE, act.article) for act in acts.interventions if act.article}
    found |= {(ALERT, kind) for kind in acts.alerts}
    found |= {(INTERVENTION, ANY)} if acts.interventions else set()
    found |= {(ALERT, ANY)} if acts.alerts.keys() - REMINDERS else set()
    if visit.film is not None and visit.film.quality:
        found.add((QUALITY, str(max(visit.film.quality.values(), key=lambda level: Level(level).rank))))
    found |= {(SUPERVISOR, user) for user in acts.present | acts.acted}
    found |= {(WATCHED, user) for user in acts.present | acts.viewers}
    return frozenset(found | (_people(visit) if visit.named else set()))


def _ending(visit: Visit) -> set[Facet]:
    ending = visit.ending
    if ending is None:
        return set()
    found = {(ENDING, ending.code)} if ending.code else set()
    if ending.side:
        found.add((ENDING, f"{ending.code}_{ending.side}"))
    return found | ({(ARTICLE, ending.article)} if ending.article else set())


def _people(visit: Visit) -> set[Facet]:
    found: set[Facet] = set()
    for person in visit.slot.people:
        facet = str(Part.INMATE if part_of(person) is Part.INMATE else Part.VISITOR)  # interpreters come with visitors
        found.add((facet, id_value(person.id)))
        found |= {(facet, piece) for piece in pieces(folded(person.name))}
    return found

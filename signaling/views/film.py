"""Why the film of a side could not be watched, in words: for officers, who have the equipment mended. Rooms learn only
that it is so."""

from broker.kernel.ids import Side
from broker.session.state import Session
from signaling.views.texts import FILM_FAULT, FILM_FAULTS, SIDES, Text, text_of


def film_texts(session: Session) -> dict[Side, Text]:
    """Return for each side whose film could not be watched what its fault is."""
    return {side: _text(session, side, fault) for side, fault in session.processes.unusable_films.items()}


def joined(texts: dict[Side, Text]) -> Text:
    """Return the texts of both sides as one."""
    return Text("；".join(text.zh for text in texts.values()), "; ".join(text.en for text in texts.values()))


def _text(session: Session, side: Side, fault: str) -> Text:
    words, sides = text_of(FILM_FAULTS, fault), text_of(SIDES, side, session.slot.between_inmates)
    return Text(
        FILM_FAULT.zh.format(side=sides.zh, fault=words.zh), FILM_FAULT.en.format(side=sides.en, fault=words.en)
    )

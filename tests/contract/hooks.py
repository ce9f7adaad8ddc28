"""What schemathesis is told beyond the document: texts that people read, SDP, and ids of things that exist, so that
many requests come further than "not found". Schemathesis loads it into its own process."""

import json
import os
import random
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import schemathesis
from hypothesis import strategies as st

from config.words import Unreadable, readable
from tests.support.signaling.front import FRAGMENT, OFFER

THINGS = "HUIJIAN_CONTRACT_THINGS"
"""Environment variable with a JSON object: names of ids in paths, and for each the ids of things that exist."""
_KNOWN = 0.8
"""The share of paths that the document allows in which ids are put that exist."""
_ALPHABET = st.characters(exclude_categories=["Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Mn", "Me"])


def _is_spelled(text: str) -> bool:
    """Whether a text is spelled as it is stored, so that its length is the one that counts."""
    try:
        return readable(text, lines=True) == text
    except Unreadable:
        return False


_line = st.text(_ALPHABET).filter(_is_spelled)
schemathesis.openapi.format("readable-line", _line)
schemathesis.openapi.format("readable-lines", st.lists(_line, min_size=1).map("\n".join).filter(_is_spelled))
schemathesis.openapi.format("date", st.dates(date(2000, 1, 1), date(2099, 12, 31)).map(str))
schemathesis.openapi.format(
    "date-time",
    st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30), timezones=st.just(UTC)).map(datetime.isoformat),
)
_sdp = st.one_of(st.just(OFFER.encode()), st.text(max_size=500).map(str.encode))
schemathesis.openapi.media_type("application/sdp", _sdp)
schemathesis.openapi.media_type("application/trickle-ice-sdpfrag", st.one_of(st.just(FRAGMENT.encode()), _sdp))


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Put ids that exist into most paths. Which follows from those that were drawn, so that a seed tells one story."""
    if not path_parameters:
        return path_parameters
    dice = random.Random(repr(path_parameters))
    if dice.random() > _KNOWN:
        return path_parameters
    things = json.loads(os.environ[THINGS])
    return {name: dice.choice(things.get(name) or [value]) for name, value in path_parameters.items()}

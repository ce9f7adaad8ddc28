"""The text by which the rules of a visit are told to both rooms (Yunnan 12 and notice, Guangdong 24 and annex): the
regulation's own words, point by point, with a translation and the names of recordings that read it aloud."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from config.articles.notices import TEXT_LENGTH, Heading, Notice, spelled

AUDIO_TYPES = {
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".wav": "audio/wav",
}
"""Kinds of recordings that browsers play, by the end of the file's name."""
LANGUAGE = r"[a-z]{2,8}(-[a-z0-9]{1,8}){0,3}"
"""Shape of a language tag (BCP 47), in small letters."""
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the text, in both languages."""

    id: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class RulesText:
    """The text that both rooms of a visit are shown and acknowledge. Raises ValueError for what no room can read.

    `id` names it in the acknowledgement. `audio`: language tag -> name of a file that reads it aloud, in the folder of
    the setting `rules_audio_dir`; without the file a page uses its own speech synthesis."""

    id: str
    title_zh: str
    title_en: str
    lead_zh: str
    lead_en: str
    points: tuple[Point, ...]
    audio: Mapping[str, str] = field(hash=False)
    article: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "audio", MappingProxyType(dict(self.audio)))
        texts = [self.title_zh, self.title_en, self.lead_zh, self.lead_en]
        texts += [text for point in self.points for text in (point.zh, point.en)]
        if not all(0 < len(text) <= TEXT_LENGTH and spelled(text) for text in texts) or not self.points:
            raise ValueError("rules_text has no words somewhere, or more than a room can read")
        if not _ID.fullmatch(self.id) or len({point.id for point in self.points}) != len(self.points):
            raise ValueError("rules_text has a wrong id, or one twice")
        if not self.article:
            raise ValueError("rules_text cites no article")
        for language, file in self.audio.items():
            if not re.fullmatch(LANGUAGE, language):
                raise ValueError(f"rules_text.audio: {language} is no language tag")
            if not _FILE.fullmatch(file) or Path(file).suffix not in AUDIO_TYPES:
                kinds = ", ".join(AUDIO_TYPES)
                raise ValueError(f"rules_text.audio.{language} is the plain name of a file with one of {kinds}")

    def against(self, heading: Heading, notices: tuple[Notice, ...]) -> Iterator[tuple[str, str]]:
        """Return each contradiction to the regulation's own words as (what, article)."""
        if (self.title_zh, self.lead_zh) != (heading.title, heading.lead):
            yield "the heading of rules_text is not in the regulation's own words", heading.article
        present = [point.id for point in self.points]
        for notice in notices:
            if notice.id not in present:
                yield f"rules_text: the words of {notice.id} are missing", notice.article
        if present != [notice.id for notice in notices]:
            yield f"rules_text has other points than {notices[0].id} to {notices[-1].id}", heading.article
        words = {notice.id: notice.zh for notice in notices}
        for point in self.points:
            if point.zh != words.get(point.id, point.zh):
                yield f"rules_text: {point.id} is not in the regulation's own words", heading.article

    def recording(self, folder: Path | None, language: str) -> Path | None:
        """Return the file that reads the text aloud, None where there is none: neither links nor names lead out of the
        folder. Looks at the disk."""
        name = self.audio.get(language)
        if folder is None or name is None:
            return None
        try:
            path = (folder / name).resolve(strict=True)
        except OSError:
            return None
        return path if path.is_relative_to(folder.resolve()) and path.is_file() else None


def read_rules_text(table: Mapping[str, Any]) -> RulesText:
    """Return the text of the table [rules_text] of a pack. Raises ValueError for another shape."""
    names = {"id", "title", "lead", "points", "audio", "article"}
    if unknown := sorted(set(table) ^ names):
        raise ValueError(f"unknown or missing rules_text.{', rules_text.'.join(unknown)}")
    title, lead, points, audio = table["title"], table["lead"], table["points"], table["audio"]
    rows = isinstance(points, list) and all(_words(row, 3) for row in points)
    files = isinstance(audio, dict) and _words(list(audio.values()), len(audio))
    if not (_words(title, 2) and _words(lead, 2) and rows and files and _words([table["id"], table["article"]], 2)):
        raise ValueError(
            "rules_text: title and lead are Chinese and English, a point is an id, its Chinese and its English, "
            "and audio names a file a language"
        )
    return RulesText(
        id=table["id"],
        title_zh=title[0],
        title_en=title[1],
        lead_zh=lead[0],
        lead_en=lead[1],
        points=tuple(Point(*row) for row in points),
        audio=audio,
        article=table["article"],
    )


def _words(value: Any, count: int) -> bool:
    return isinstance(value, list) and len(value) == count and all(isinstance(word, str) for word in value)

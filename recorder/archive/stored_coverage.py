"""The coverage of an archived recording as it is stored, or reckoned from its timeline where it is older. Blocks."""

from pathlib import Path
from typing import Any

from broker.kernel import atomic_files
from recorder.archive.paths import MANIFEST, TIMELINE
from recorder.archive.timeline_coverage import coverage


def kept_coverage(film: Path) -> dict[str, Any]:
    """What the manifest beside a film says of who watched when, with `kept` True; False where it had to be reckoned.

    Raises FileNotFoundError where there is no readable manifest.
    """
    written = atomic_files.read_json(film.with_name(MANIFEST))
    if written is None:
        raise FileNotFoundError(MANIFEST)
    kept = written.get("coverage")
    if isinstance(kept, dict):
        return {"kept": True, **kept}
    return {"kept": False, **coverage(atomic_files.read_lines(film.with_name(TIMELINE)), written).as_json()}

"""Witnessed heads: a chain that was rewritten whole by the archive's own key contradicts the chains of others."""

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from broker.kernel import atomic_files
from broker.kernel.canonical_json import sorted_utf8
from broker.kernel.hash_chain import GENESIS, digest
from recorder.archive.manifest import file_facts
from recorder.evidence.signing import Keys, Signer, installed, sign, trusted
from recorder.evidence.verify import verify
from recorder.witness.check import check_witnesses
from recorder.witness.keys import PUBLIC, witness_keys
from recorder.witness.night import witness_heads
from tests.support.recording.archives import archived, make_work, signer
from tests.support.recording.feed import WALL

NIGHT = timedelta(hours=13)


def meeting(prison: str, visitor: str) -> dict[str, Any]:
    sides = {"prison": prison, "visitor": visitor}
    return {
        "site": prison,
        "sides": {side: {"site": site, "room": "r1", "title": side} for side, site in sides.items()},
    }


MEETINGS = (meeting("prison-a", "bureau"), meeting("prison-b", "bureau"), meeting("prison-a", "prison-b"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an archive of two days in which two prisons and a bureau met, with the work of both nights."""
    root = tmp_path_factory.mktemp("witness") / "archive"
    for day in (0, 1):
        for number, sites in enumerate(MEETINGS):
            started = WALL + timedelta(days=day, hours=number)
            archived(make_work(root, f"session_{day}{number}", started, 1.0, **sites), root, started)
        witness_heads(root, root.parent / "keys", signer(root), WALL + timedelta(days=day) + NIGHT)
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """Return a copy of the archive, with its keys, that an attacker may rewrite."""
    shutil.copytree(made.parent, tmp_path / "copy")
    for path in (tmp_path / "copy" / "archive").rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return tmp_path / "copy" / "archive"


def lines_of(root: Path, site: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (root / site / "chain.jsonl").read_bytes().splitlines()]


def rewrite(root: Path, site: str, values: list[dict[str, Any]], key: Signer) -> None:
    """Write a chain anew, each line signed by `key` and following the one before it."""
    before, lines = GENESIS, []
    for value in values:
        lines.append(sorted_utf8(sign({**value, "before": before}, key)))
        before = digest(lines[-1])
    (root / site / "chain.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))


def falsify(root: Path, site: str, session: str) -> None:
    """Change how a visit ended, as an attacker with the key of the archive does it: manifests and chain are made
    anew so that all fits."""
    key, previous, values = signer(root), None, []
    for value in lines_of(root, site):
        if value["kind"] == "visit":
            path = root / value["path"] / "manifest.json"
            written = atomic_files.read_json(path) or {}
            written |= {"previous": previous}
            if value["session"] == session:
                written["reason"] = {"code": "completed", "article": "forged"}
            atomic_files.write_json(path, sign(written, key))
            value["manifest"] = file_facts(path)["sha256"]
            previous = {name: value[name] for name in ("session", "number", "manifest")}
        values.append(value)
    rewrite(root, site, values, key)


def found(root: Path, witnesses: Path | None = None) -> list[tuple[str, str]]:
    keys = trusted(root.parent / "keys")
    _, damages = check_witnesses(root, keys, witness_keys(witnesses or root / PUBLIC))
    return [(damage.path.parent.name, damage.kind) for damage in damages]


class TestTheNight:
    def test_each_site_witnesses_those_that_it_met(self, made: Path) -> None:
        seen = {
            (site, value["statement"]["of"])
            for site in ("prison-a", "prison-b", "bureau")
            for value in lines_of(made, site)
            if value["kind"] == "witness"
        }
        assert seen == {
            (one, other)
            for one in ("prison-a", "prison-b", "bureau")
            for other in ("prison-a", "prison-b", "bureau")
            if one != other
        }

    def test_leaves_an_archive_that_is_whole(self, made: Path) -> None:
        report = verify(None, made, trusted(made.parent / "keys"))
        assert report.damages == [] and set(report.heads) == {"prison-a", "prison-b", "bureau"}
        assert report.heads["bureau"].startswith("0:")
        count, damages = check_witnesses(made, trusted(made.parent / "keys"), witness_keys(made / PUBLIC))
        assert damages == [] and count == 10  # the bureau has no chain before the first night

    def test_writes_nothing_twice(self, root: Path) -> None:
        """The heads of the bureau alone have changed since, by its own lines of the second night."""
        now = WALL + timedelta(days=1) + NIGHT
        for _ in range(6):
            written = witness_heads(root, root.parent / "keys", signer(root), now)
        assert written != [] and found(root) == []
        late = WALL + timedelta(days=9)
        assert witness_heads(root, root.parent / "keys", signer(root), late) == [], "no site met any"

    def test_a_site_whose_key_was_exchanged_keeps_none_of_the_others(self, root: Path) -> None:
        shutil.rmtree(root.parent / "keys" / "witness" / "bureau")
        archived(make_work(root, "session_new", WALL + timedelta(days=2), 1.0, **MEETINGS[0]), root, WALL)
        written = witness_heads(root, root.parent / "keys", signer(root), WALL + timedelta(days=2) + NIGHT)
        assert "prison-a" in written and "bureau" not in written

    @pytest.mark.parametrize(
        "sides",
        [
            {"prison": "first", "visitor": {"site": "bureau"}},
            {"prison": {"site": "../../out"}, "visitor": {"site": "bureau"}},
            {"prison": {"site": ".."}, "visitor": {"site": "/tmp/out"}},
            {"prison": {"site": ["prison-a"]}, "visitor": {"site": "bureau"}},
            {"prison": None, "visitor": None, "third": 1},
        ],
    )
    def test_a_manifest_that_names_no_sites_ends_nothing_and_leads_nowhere(self, root: Path, sides: object) -> None:
        now = WALL + timedelta(days=2)
        archived(make_work(root, "session_new", now, 1.0, **MEETINGS[0]), root, now)
        path = root / "prison-a" / f"{now:%Y/%m/%d}" / "session_bad" / "manifest.json"
        path.parent.mkdir(parents=True)
        atomic_files.write_json(path, {"sides": sides})
        before = sorted(place.name for folder in (root, root.parent, root.parent.parent) for place in folder.iterdir())
        written = witness_heads(root, root.parent / "keys", signer(root), now + NIGHT)
        assert "prison-a" in written and "bureau" in written
        assert before == sorted(
            place.name for folder in (root, root.parent, root.parent.parent) for place in folder.iterdir()
        )

    def test_a_key_that_is_kept_elsewhere_is_not_made_here(self, tmp_path: Path) -> None:
        root = tmp_path / "archive"
        away = tmp_path / "keys" / "witness" / "bureau" / "away"
        away.parent.mkdir(parents=True)
        away.touch()
        archived(make_work(root, "session_one", WALL, 1.0, **MEETINGS[0]), root)
        assert witness_heads(root, tmp_path / "keys", signer(root), WALL + NIGHT) == ["bureau"]
        (line,) = lines_of(root, "bureau")
        assert "signature" not in line["statement"] and not (root / PUBLIC / "bureau.pem").exists()
        assert found(root) == []


class TestAChainRewrittenWhole:
    def test_is_whole_by_itself_and_contradicts_its_witnesses(self, root: Path) -> None:
        falsify(root, "prison-a", "session_00")
        report = verify(None, root, trusted(root.parent / "keys"))
        assert report.damages == [], "signatures, hashes and chain fit: nothing in the archive of the site shows it"
        assert set(found(root)) == {("prison-a", "rewritten")}

    def test_is_named_with_the_witness_the_head_and_the_night(self, root: Path) -> None:
        before = lines_of(root, "bureau")[0]["statement"]
        falsify(root, "prison-a", "session_00")
        _, damages = check_witnesses(root, trusted(root.parent / "keys"), witness_keys(root / PUBLIC))
        detail = next(damage.detail for damage in damages if damage.detail.startswith("bureau"))
        assert before["head"] in detail and before["at"] in detail

    def test_is_found_also_where_only_its_end_was_made_anew(self, root: Path) -> None:
        falsify(root, "prison-a", "session_10")
        assert ("prison-a", "rewritten") in found(root)

    def test_with_its_witness_s_lines_left_out_shows_in_the_chain_of_the_others(self, root: Path) -> None:
        """The attacker rewrites the bureau's chain as well, without its statements; prison-b has witnessed both."""
        falsify(root, "prison-a", "session_00")
        kept = [value for value in lines_of(root, "bureau") if value["statement"]["of"] != "prison-a"]
        rewrite(root, "bureau", kept, signer(root))
        assert {("prison-a", "rewritten"), ("bureau", "rewritten")} <= set(found(root))

    def test_with_statements_forged_by_another_key_is_found(self, root: Path, tmp_path: Path) -> None:
        """The attacker has the key of the archive and not those of the witnesses."""
        kept = Path(shutil.copytree(root / PUBLIC, tmp_path / "kept"))
        falsify(root, "prison-a", "session_00")
        head = verify(None, root).heads["prison-a"]
        other = installed(tmp_path / "other", tmp_path / "elsewhere")
        for site in ("bureau", "prison-b"):
            values = lines_of(root, site)
            for value in values:
                if value.get("statement", {}).get("of") == "prison-a":
                    value["statement"] = sign({**value["statement"], "head": head}, other)
            rewrite(root, site, values, signer(root))
        assert {kind for _, kind in found(root, kept)} >= {"witness"}

    @pytest.mark.parametrize("change", ["unsigned", "other witness", "malformed"])
    def test_with_statements_that_are_none_is_found(self, root: Path, change: str) -> None:
        values = lines_of(root, "bureau")
        for value in values:
            match change:
                case "unsigned":
                    del value["statement"]["signature"]
                case "other witness":
                    value["statement"]["witness"] = "prison-b"
                case "malformed":
                    value["statement"] = "none"
        rewrite(root, "bureau", values, signer(root))
        assert ("bureau", "witness") in found(root)

    @pytest.mark.parametrize("sites", [("bureau",), ("prison-a", "prison-b", "bureau")])
    def test_with_all_statements_left_out_is_found_by_the_keys_of_the_witnesses(
        self, root: Path, sites: tuple[str, ...]
    ) -> None:
        for site in sites:
            kept = [value for value in lines_of(root, site) if value["kind"] != "witness"]
            rewrite(root, site, kept, signer(root))
        assert {(site, "rewritten") for site in sites} <= set(found(root))

    def test_with_a_witness_s_chain_removed_is_found(self, root: Path) -> None:
        (root / "bureau" / "chain.jsonl").unlink()
        _, damages = check_witnesses(root, trusted(root.parent / "keys"), witness_keys(root / PUBLIC))
        assert any(damage.path.parent.name == "bureau" and "no statement" in damage.detail for damage in damages)

    def test_with_all_chains_and_all_keys_is_beyond_it_but_not_beyond_a_head_on_paper(self, root: Path) -> None:
        """What the statements do not prove: docs/archive-format.md says so."""
        paper = verify(None, root).heads
        for site in ("prison-a", "prison-b", "bureau"):
            kept = [value for value in lines_of(root, site) if value["kind"] != "witness"]
            rewrite(root, site, kept, signer(root))
        falsify(root, "prison-a", "session_00")
        for day in (0, 1):
            witness_heads(root, root.parent / "keys", signer(root), WALL + timedelta(days=day) + NIGHT)
        assert found(root) == []
        report = verify(None, root, heads={site: [head] for site, head in paper.items()})
        assert {damage.kind for damage in report.damages} == {"cut"}


def test_a_signature_counts_for_its_own_site_alone(made: Path) -> None:
    keys = witness_keys(made / PUBLIC)
    exchanged = {**keys, "bureau": keys["prison-a"]}
    _, damages = check_witnesses(made, Keys([signer(made).public]), exchanged)
    assert {(damage.path.parent.name, damage.kind) for damage in damages} == {("bureau", "witness")}

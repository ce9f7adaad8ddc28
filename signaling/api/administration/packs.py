"""The packs in force over HTTP: name, version and hash for each site, whether recent visits froze another one, and what
differs. The frozen text itself is `GET /api/v1/packs/{sha256}`."""

from datetime import datetime, timedelta
from pathlib import Path

from broker.control.rules.session_rules import FrozenPack
from broker.control.store.records import Site
from broker.kernel.errors import NotFound
from config.pack_loader import load_pack
from config.policy import Policy
from signaling.api.administration.access import READERS
from signaling.api.administration.messages import (
    FrozenPackView,
    PackDifferences,
    PackInForce,
    PacksInForce,
    RuleChangeView,
    With,
)
from signaling.api.administration.pack_changes import pack_changes
from signaling.auth.scope import OFFICERS, scope
from signaling.server.context import Context
from signaling.server.routes import Call, Table

table = Table("packs")
RECENT = timedelta(days=30)
"""Visits that began since then are compared with the pack in force."""


@table.add("GET", "/api/v1/packs", roles=READERS, zh="现行规则包", en="The packs in force")
async def get_packs(call: Call) -> PacksInForce:
    """The packs by which the sites go that the caller may know of, each with what recent visits froze."""
    context, own = call.context, scope(call.user)
    sites = [site for site in await context.store.sites() if own in (None, site.id)]
    frozen = await context.store.frozen_since(context.now().wall - RECENT, own)
    names = sorted({site.policy for site in sites})
    views = [await _view(context, name, [site for site in sites if site.policy == name], frozen) for name in names]
    return PacksInForce(days=RECENT.days, packs=views)


@table.add(
    "GET",
    "/api/v1/packs/{sha256}/differences",
    roles=OFFICERS,
    zh="规则包差异",
    en="What differs between two packs",
)
async def get_differences(call: Call, query: With) -> PackDifferences:
    """What the pack `to` has otherwise than the one in the path; each is in force, or was frozen by a visit."""
    was = call.id("sha256")
    changes = pack_changes(await pack_text(call.context, was), await pack_text(call.context, query.to))
    views = [RuleChangeView(rule=change.rule, was=change.was, now=change.now) for change in changes]
    return PackDifferences(was=was, now=query.to, changes=views)


async def pack_text(context: Context, sha256: str) -> str:
    """Return a pack in its one spelling, frozen by a visit or in force at a site. Raises NotFound."""
    try:
        return await context.store.pack(sha256)
    except NotFound:
        for name in {site.policy for site in await context.store.sites()}:
            policy, _ = read_pack(name)
            if policy is not None and policy.sha256 == sha256:
                return policy.canonical
        raise


def read_pack(name: str) -> tuple[Policy | None, str]:
    """Return the pack of that name as its file has it, or why it cannot be read."""
    try:
        return load_pack(name), ""
    except (ValueError, OSError) as error:
        return None, f"{type(error).__name__}: {error}" if isinstance(error, ValueError) else type(error).__name__


async def _view(context: Context, name: str, sites: list[Site], frozen: list[FrozenPack]) -> PackInForce:
    policy, fault = read_pack(name)
    stem = Path(name).stem if name.endswith(".toml") else name
    same = [pack for pack in frozen if pack.name == stem]
    sha256 = policy.sha256 if policy is not None else None
    others = [pack for pack in same if pack.sha256 != sha256]
    return PackInForce(
        name=stem,
        policy=name,
        version=policy.version if policy is not None else None,
        title_zh=policy.title_zh if policy is not None else stem,
        title_en=policy.title_en if policy is not None else stem,
        sha256=sha256,
        demo=policy is not None and policy.demo,
        fault=fault,
        sites=[site.id for site in sites],
        in_force_since=await _since(context, sha256, others) if sha256 is not None else None,
        frozen_first=await context.store.frozen_at(sha256) if sha256 is not None else None,
        visits=sum(pack.visits for pack in same if pack.sha256 == sha256),
        others=[
            FrozenPackView(sha256=pack.sha256, version=pack.version, visits=pack.visits, latest=pack.latest)
            for pack in others
        ],
    )


async def _since(context: Context, sha256: str, others: list[FrozenPack]) -> datetime | None:
    """Return since when visits go by a text: since it is known here, or, where another one of the same name was in
    force in between, since the last visit under that one."""
    kept = await context.store.kept_at(sha256)
    return None if kept is None else max([kept, *(pack.latest for pack in others)])

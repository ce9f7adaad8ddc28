"""`huijian witness`: the heads of the sites' chains (互证). The running recorder has them witnessed each night; `now`
does it at once, and `print` writes them as QR codes for the ledger."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from broker.kernel.clock import SystemClock
from config.settings import Settings
from huijian.admin.context import AdminContext, run_admin
from huijian.options import settings_of
from huijian.output import Json, say
from recorder.evidence.chain_heads import ChainHeads
from recorder.evidence.signing import installed
from recorder.evidence.site_chain import NAME, head_of, lines_of_site
from recorder.witness.night import witness_heads
from recorder.witness.paper import page

app = typer.Typer(no_args_is_help=True, help="Counter-sign the heads of the sites' chains; print them. 互证")


@app.command("now")
def now(ctx: typer.Context, json: Json = False) -> None:
    """Have the sites that met in the last two days witness each other's heads at once, as at night."""

    async def work(admin: AdminContext) -> dict[str, Any]:
        settings, moment = admin.settings, admin.store.clock.now().wall
        signer = await asyncio.to_thread(installed, settings.keys_dir, settings.archive_dir, settings.archive_signing)
        written = await asyncio.to_thread(witness_heads, settings.archive_dir, settings.keys_dir, signer, moment)
        for site in written:
            await ChainHeads(admin.store.engine).advance(settings.archive_dir, site, moment)
        await admin.note("HeadsWitnessed", sites=written)
        return {"sites": written}

    say(run_admin(ctx, work), json)


@app.command("print")
def print_heads(
    ctx: typer.Context,
    to: Annotated[Path, typer.Argument(help="The page to write, HTML.")],
    site: Annotated[str | None, typer.Option(help="Only this site's.")] = None,
) -> None:
    """Write the heads of all chains as a page with QR codes, to be printed and signed."""
    settings = settings_of(ctx)
    heads = _heads(settings, site)
    if not heads:
        raise typer.BadParameter(
            "there is no chain. 没有单位链" if site is None else f"{site} has no chain. 该单位没有链"
        )
    to.write_bytes(page(heads, SystemClock().now().wall))
    say({"file": str(to), "sites": sorted(heads)}, False)


def _heads(settings: Settings, site: str | None) -> dict[str, str]:
    root = settings.archive_dir
    sites = [path.parent.name for path in sorted(root.glob(f"*/{NAME}"))]
    return {name: head_of(lines_of_site(root, name)) for name in sites if site in (None, name)}

"""Commands of `huijian`: their names, one line of help for each, and the module in which each really is.

The module of a command is imported when the command runs: `huijian --help` must not wait for a media library. A target
is a Typer application, or a function whose parameters Typer can read; a parameter named `settings` gets the Settings
that file, environment and options lead to.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from importlib import import_module, metadata
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

TARGETS = {
    "demo": "huijian.demo.demo:demo",
    "wall": "huijian.demo.wall.command:wall",
    "kiosk": "huijian.kiosk.app:app",
    "admin": "huijian.admin.app:app",
    "verify": "huijian.verify:verify",
    "purge": "huijian.retention.purge:app",
    "hold": "huijian.retention.hold:app",
    "export": "huijian.handover.export:app",
    "witness": "huijian.handover.witness:app",
    "sessions": "huijian.sessions:app",
    "visits": "huijian.history.search:app",
    "terminals": "huijian.terminals:app",
    "drill": "huijian.drills.command:app",
    "ledger": "huijian.ledgers.command:ledger",
    "login": "huijian.remote.login:login",
    "logout": "huijian.remote.login:logout",
}

EPILOG = (
    "Examples: huijian demo · huijian serve · huijian admin sites add --help · "
    "huijian verify ses_… · Exit codes: 0 done, 1 refused, 2 usage or settings, "
    "3 database, 4 a check failed."
)


class LazyGroup(TyperGroup):
    """Group of commands that lists placeholders and imports the real command when it runs."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the command of that name, imported now."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, _load(name) if name in TARGETS else command, rest


def _load(name: str) -> Any:
    module, _, attribute = TARGETS[name].partition(":")
    target = getattr(import_module(module), attribute)
    if not isinstance(target, typer.Typer):
        function, target = target, typer.Typer(add_completion=False)
        target.command(name)(_with_settings(function))
    return typer.main.get_command(target)


def _with_settings(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function as Typer can read it: with a context in the place of `settings`."""
    signature = inspect.signature(function, eval_str=True)
    if "settings" not in signature.parameters:
        return function
    context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    others = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in signature.parameters.values()
        if parameter.name != "settings"
    ]

    @wraps(function)
    def command(ctx: typer.Context, **arguments: Any) -> Any:
        from huijian.options import settings_of

        return function(settings=settings_of(ctx), **arguments)

    command.__dict__["__signature__"] = signature.replace(parameters=[context, *others])
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in (context, *others)}
    return command


app = typer.Typer(cls=LazyGroup, add_completion=False, no_args_is_help=True, epilog=EPILOG)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(metadata.version("huijian"))
        raise typer.Exit()


@app.callback()
def huijian(
    ctx: typer.Context,
    config: Annotated[Path | None, typer.Option(help="Settings file (TOML); default ./huijian.toml if any.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of database and archive; default ./data.")] = None,
    server: Annotated[
        str | None,
        typer.Option(
            envvar="HUIJIAN_SERVER", help="Work on this server, by its API: https://… Sign in with `huijian login`."
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show and exit.")
    ] = False,
) -> None:
    """会见 Huijian: supervised video visits, cut at the limit and archived whole.

    Settings come from the file, from HUIJIAN_* in the environment, and from options.
    """
    from huijian.options import Options

    ctx.obj = Options(config, data_dir, server)


@app.command(epilog="Example: huijian --data-dir /srv/huijian serve --host 0.0.0.0")
def serve(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address of pages and API.")] = None,
    port: Annotated[int | None, typer.Option(help="Their port; 0 is any free one.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Allow sites under the demonstration's rules.")] = False,
    tls: Annotated[bool, typer.Option("--tls", help="With --demo: speak TLS with a certificate of its own.")] = False,
) -> None:
    """Run the server: control, relay workers and recorder. 启动服务"""
    from huijian.options import settings_of
    from huijian.serve import serve as run

    if tls and not demo:
        raise typer.BadParameter("--tls is for demonstrations; set tls_certificate and tls_key. 正式环境请设置证书。")
    run(settings_of(ctx, http_host=host, http_port=port, demo=demo or None), own_certificate=tls)


@app.command()
def demo() -> None:
    """Show a whole visit on this machine, from check-in to verified archive. 演示"""


@app.command()
def wall() -> None:
    """Show a wall of live visits that go on until Ctrl-C, to try the pages. 监看墙演示"""


@app.command()
def kiosk() -> None:
    """Be the terminal of one visiting room. 会见室终端"""


@app.command()
def admin() -> None:
    """Sites, rooms, terminals, users, keys, slots, journal. 管理"""


@app.command()
def sessions() -> None:
    """Watch sessions and relay workers as they run: list, top. 运行情况"""


@app.command()
def visits() -> None:
    """Search the history of visits, as an auditor. 会见历史"""


@app.command()
def drill() -> None:
    """Try two rooms without people: gate, cut, recording, proof. 演练"""


@app.command()
def terminals() -> None:
    """See the terminals of all rooms, test and restart them, move a room to a spare. 终端"""


@app.command()
def verify() -> None:
    """Prove that an archived recording was not changed. 验证录像"""


@app.command()
def purge() -> None:
    """Show which recordings are due; delete them with a second person. 到期销毁"""


@app.command()
def export() -> None:
    """Hand recordings over by two officers: request, approve, download. 移交"""


@app.command()
def witness() -> None:
    """Counter-sign the heads of the sites' chains; print them for the ledger. 互证"""


@app.command()
def login() -> None:
    """Sign in at a server, so that commands with --server work there. 登录服务器"""


@app.command()
def logout() -> None:
    """End the sign-in at a server. 退出登录"""


@app.command()
def hold() -> None:
    """Keep recordings beyond their due date. 保全"""


@app.command()
def ledger() -> None:
    """Make the ledger of a site for a day or a month, signed. 台账"""

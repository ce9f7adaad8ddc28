"""The refusals of commands that work on the server's own machine alone, where a server was named: each says what leads
to the same elsewhere."""

from typing import Any

from broker.kernel.errors import BadRequest

INSTEAD = {
    "admin users add": (
        "From elsewhere the officer sets the own password: `huijian admin users invite`.",
        "远程增设账号请用 huijian admin users invite，由本人凭链接设置密码。",
    ),
    "admin journal verify": (
        "From elsewhere: `huijian admin journal export`, then `huijian verify --journal FILE` without a server.",
        "远程请先用 huijian admin journal export 导出，再以 huijian verify --journal 文件 在本机校验。",
    ),
    "admin journal remove": (
        "Two officers remove entries at the machine that keeps them.",
        "到期日志须由两名人员在存放日志的机器上清理。",
    ),
    "admin journal remove issue": (
        "Two officers remove entries at the machine that keeps them.",
        "到期日志须由两名人员在存放日志的机器上清理。",
    ),
    "admin history rebuild": (
        "A running service completes its history by itself.",
        "运行中的服务会自行补全会见历史。",
    ),
    "purge clock": (
        "From elsewhere an administrator believes the clock by `huijian admin clock --agree --server …`.",
        "远程核对时钟请用 huijian admin clock --agree --server …。",
    ),
    "witness now": (
        "The service has its sites witness each other every night; what was witnessed is in `huijian ledger`.",
        "服务每晚自动互证；互证结果见 huijian ledger 生成的台账。",
    ),
    "witness print": (
        "From elsewhere `huijian ledger SITE --day … --server …` has what was witnessed, with QR codes.",
        "远程请用 huijian ledger 单位 --day … --server …，台账附有互证记录及二维码。",
    ),
}
"""What to do instead in English and Chinese, by the names of the command."""


def refusal(command: str) -> BadRequest:
    """Return the refusal of a command, named as it is typed after `huijian`."""
    en, zh = INSTEAD.get(command, ("", ""))
    return BadRequest(
        f"This command works on the server's own machine alone: leave --server (HUIJIAN_SERVER) out. {en}".strip(),
        f"此命令只能在服务器本机执行，请去掉 --server（HUIJIAN_SERVER）。{zh}",
    )


def command_of(ctx: Any) -> str:
    """Return the names of a context's command, as they are typed after `huijian`."""
    return str(ctx.command_path).partition(" ")[2]

"""Options and arguments of commands that take a text which people read: names, reasons, notes. They take what the REST
interface takes, in the one spelling in which it is stored."""

from typing import Any

import typer

from config.words import Unreadable, readable

WORDS = {
    "control": ("a control character", "控制字符"),
    "invisible": ("a character that cannot be seen or turns the text around", "不可见字符或改变文字方向的字符"),
    "unassigned": ("a character that stands for nothing", "未定义的字符"),
    "marks": ("too many marks on one letter", "叠加符号过多"),
}
LONGEST_NAME, LONGEST_REASON = 64, 500


def name_option(help: str) -> Any:
    """An option that takes a name."""
    return typer.Option(help=help, callback=_name)


def reason_option(help: str) -> Any:
    """An option that takes a reason in words, which may have several lines."""
    return typer.Option(help=help, callback=_reason)


def name_argument(help: str) -> Any:
    """An argument that takes a name."""
    return typer.Argument(help=help, callback=_name)


def _name(value: str | None) -> str | None:
    name = None if value is None else _checked(value, LONGEST_NAME, lines=False)
    if name == "":
        raise typer.BadParameter("a name has characters that can be seen. 名称不能为空")
    return name


def _reason(value: str | None) -> str | None:
    return value if value is None else _checked(value, LONGEST_REASON, lines=True)


def _checked(value: str, longest: int, lines: bool) -> str:
    if any("\udc80" <= sign <= "\udcff" for sign in value):  # how Python spells bytes that it cannot decode
        raise typer.BadParameter("the text is not UTF-8. 文字不是 UTF-8 编码")
    try:
        text = readable(value, lines)
    except Unreadable as error:
        english, chinese = WORDS[error.what]
        raise typer.BadParameter(
            f"the text has {english} {error.sign}; type it anew. 文字含{chinese}，请重新输入"
        ) from error
    if len(text) > longest:
        raise typer.BadParameter(f"at most {longest} characters. 最多 {longest} 个字符")
    return text

"""Translates errors of the command line into one line on stderr and an exit code; no other module does. A line begins
in Chinese and goes on in English."""

import errno
import sys
from importlib import import_module

REFUSED, USAGE, STORAGE, FOUND, INTERNAL, INTERRUPTED = 1, 2, 3, 4, 70, 130

KINDS = {
    "config.settings:SettingsError": ("设置有误。", USAGE),
    "kiosk_agent.settings:KioskSettingsError": ("终端设置有误。", USAGE),
    "config.pack_loader:PackError": ("规则包不可用。", USAGE),
    "config.policy:LooserThanLaw": ("规则包宽于法规，不予采用。", USAGE),
    "config.network:NoServer": ("服务器地址有误。", USAGE),
    "huijian.supervisor:NotRunning": ("服务未能启动。", REFUSED),
    "config.private_files:NotPrivate": ("文件可被其他用户读取或更改，不予使用。", REFUSED),
    "recorder.evidence.algorithms:KeyProblem": ("存档密钥不可用。", REFUSED),
}
"""Errors that say in their text what is wrong: what they are in Chinese, and the exit code. A class is named, so that
its module is imported only where there is an error."""

USAGES = {
    "NoSuchOption": "没有此选项。",
    "MissingParameter": "缺少必需的参数。",
    "BadParameter": "参数有误。",
    "BadOptionUsage": "选项用法有误。",
    "BadArgumentUsage": "参数用法有误。",
    "FileError": "无法打开文件。",
}
"""Usage errors of typer, which has no public classes for them, in Chinese."""

SYSTEM = {
    errno.ENOENT: "文件或目录不存在。",
    errno.EEXIST: "文件已存在。",
    errno.EACCES: "没有权限。",
    errno.EPERM: "不允许此操作。",
    errno.EISDIR: "此处应为文件，却是目录。",
    errno.ENOTDIR: "此处应为目录，却不是。",
    errno.ENOTEMPTY: "目录不为空。",
    errno.ENOSPC: "磁盘空间不足。",
    errno.EDQUOT: "超出磁盘配额。",
    errno.EROFS: "文件系统只读。",
    errno.ENAMETOOLONG: "文件名过长。",
    errno.ELOOP: "链接层数过多。",
    errno.EMFILE: "打开的文件过多。",
    errno.EIO: "读写出错，请检查磁盘。",
    errno.EADDRINUSE: "地址或端口已被占用。",
    errno.EADDRNOTAVAIL: "本机没有此地址。",
    errno.ECONNREFUSED: "连接被拒绝。",
    errno.ETIMEDOUT: "连接超时。",
}
"""Errors of the operating system in Chinese; others are named by the system's own text alone."""


def report_error(error: Exception) -> int:
    """Print what is wrong in one line and return the exit code."""
    if type(error).__name__ == "NoArgsIsHelpError":
        print(getattr(error, "message", ""))
        return USAGE
    zh, en, code = _translate(error)
    print(f"huijian: {' '.join(f'{zh} {en}'.split())}", file=sys.stderr)
    return code


def _translate(error: Exception) -> tuple[str, str, int]:
    from typer import Abort

    from broker.kernel.errors import StorageUnavailable, VisitError

    if isinstance(error, Abort):
        return "已中断。", "interrupted", INTERRUPTED
    if isinstance(error, VisitError):
        return error.detail_zh, error.detail_en, STORAGE if isinstance(error, StorageUnavailable) else REFUSED
    usage = getattr(error, "format_message", None)
    if usage is not None:
        command = getattr(getattr(error, "ctx", None), "command_path", "huijian")
        return USAGES.get(type(error).__name__, "命令用法有误。"), f"{usage()} (见 see {command} --help)", USAGE
    return _translate_other(error)


def _translate_other(error: Exception) -> tuple[str, str, int]:
    from config.lines.records import places

    for named, (zh, code) in KINDS.items():
        if isinstance(error, _class(named)):
            return zh, str(error), code
    if isinstance(error, UnicodeError):
        encoding = sys.getfilesystemencoding()
        en = f"an argument or input is not text in this terminal's encoding ({encoding}); use UTF-8"
        return f"参数或输入不是本终端编码（{encoding}）的文字，请使用 UTF-8。", en, USAGE
    if isinstance(error, OSError):
        what = error.strerror or str(error)
        zh = SYSTEM.get(error.errno or 0, "系统报告错误。")
        return zh, f"{error.filename}: {what}" if error.filename else what, REFUSED
    where = places(error)[-1:] or ["?"]  # and not the text, which quotes data: this line may go into a log
    en = f"a mistake of ours: {type(error).__name__} at {where[0]} (HUIJIAN_TRACEBACK=1 shows more)"
    return "程序内部错误，请告知开发方。", en, INTERNAL


def _class(named: str) -> type[Exception]:
    module, _, name = named.partition(":")
    found: type[Exception] = getattr(import_module(module), name)
    return found

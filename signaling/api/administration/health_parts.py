"""The words of each part of the service's health, in both languages, with what to do about it. Pure: `health.py` reads
the figures."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from broker.kernel.clock import in_shanghai
from signaling.api.administration.messages import HealthPart, Level
from signaling.tls.watch import WARN_BEFORE
from signaling.views.texts import Text

ORDER: tuple[Level, ...] = ("bad", "attention", "good")
"""The levels, the worst first."""
NOTHING = Text("", "")
NIGHT = timedelta(hours=36)
"""Time after which a visit has seen a night's statements."""
JOURNAL_TROUBLES = {
    "differs": Text("日志与已签名的检查点不一致", "The journal differs from its signed checkpoints"),
    "no_checkpoint": Text("无法生成检查点", "No checkpoint can be made"),
    "copy_fails": Text("检查点异地副本写入失败", "A copy of the checkpoints elsewhere cannot be written"),
}
JOURNAL_TODO = Text(
    "在服务器上运行 huijian admin journal verify 并按其结果处理",
    "Run `huijian admin journal verify` on the server, and follow what it says",
)


def part(code: str, level: Level, title: Text, state: Text, todo: Text = NOTHING) -> HealthPart:
    """Return a part with its words."""
    return HealthPart(
        code=code,
        level=level,
        title_zh=title.zh,
        title_en=title.en,
        state_zh=state.zh,
        state_en=state.en,
        todo_zh=todo.zh,
        todo_en=todo.en,
    )


def database(answers: bool, in_time: bool) -> HealthPart:
    """The database; `in_time`: states of sessions are on disk in time."""
    todo = Text("检查数据库服务与磁盘", "Look at the database and its disk")
    title = Text("数据库", "Database")
    if answers and in_time:
        return part("database", "good", title, Text("正常", "It answers"))
    return part("database", "bad", title, Text("无应答或写入过慢", "It does not answer, or is too slow"), todo)


def journal(healthy: bool, trouble: str) -> HealthPart:
    """The journal and its checkpoints."""
    title = Text("日志", "Journal")
    if not healthy:
        return part("journal", "bad", title, Text("无法及时写入", "It is not written in time"), JOURNAL_TODO)
    if trouble:
        level: Level = "bad" if trouble == "differs" else "attention"
        return part("journal", level, title, JOURNAL_TROUBLES[trouble], JOURNAL_TODO)
    return part("journal", "good", title, Text("正常", "It is written in time, and fits its checkpoints"))


def relays(ready: int, count: int, waiting: int, overloaded: int) -> HealthPart:
    """The relay workers; `waiting`: sessions that found no room on any."""
    title, todo = (
        Text("媒体转发", "Relay"),
        Text("查看服务日志；进程会自动重启", "Read the log; it is started anew by itself"),
    )
    state = Text(f"{count} 个进程中 {ready} 个可用", f"{ready} of {count} workers are ready")
    if ready == 0:
        return part("relay", "bad", title, state, todo)
    if waiting or overloaded:
        full = Text(
            f"{waiting} 次会见等候转发，{overloaded} 个进程过载", f"{waiting} visits wait, {overloaded} overloaded"
        )
        more = Text("减少同时会见数或增加处理器核心", "Hold fewer visits at a time, or give the service more cores")
        return part("relay", "attention", title, full, more)
    return part("relay", "good" if ready == count else "attention", title, state, NOTHING if ready == count else todo)


def recorder(connected: bool) -> HealthPart:
    """The recorder process, without which no visit goes on (Yunnan 13)."""
    title = Text("录制", "Recorder")
    if connected:
        return part("recorder", "good", title, Text("正常", "It records"))
    todo = Text("查看服务日志；恢复前会见自动中止", "Read the log; visits are held until it is back")
    return part("recorder", "bad", title, Text("未连接", "It is not connected"), todo)


def disk(free: int | None, reserve: int) -> HealthPart:
    """The archive's disk: `free` and `reserve` in bytes, None where it cannot be read."""
    title, todo = (
        Text("存储空间", "Disk"),
        Text("扩容，或办理到期录像销毁", "Add space, or purge recordings that are due"),
    )
    if free is None:
        return part(
            "disk", "bad", title, Text("无法读取", "It cannot be read"), Text("检查磁盘挂载", "Look at its mount")
        )
    state = Text(f"剩余 {free / 1e9:.1f} GB", f"{free / 1e9:.1f} GB are free")
    level: Level = "bad" if free < reserve else "attention" if free < 4 * reserve else "good"
    return part("disk", level, title, state, NOTHING if level == "good" else todo)


def clock(moved: float | None) -> HealthPart:
    """The machine's clock; `moved`: seconds by which it has leapt and is not believed."""
    title = Text("时钟", "Clock")
    if moved is None:
        return part("clock", "good", title, Text("正常", "It is believed"))
    state = Text(f"本机时钟被改动 {moved:.0f} 秒，未采信", f"It was moved by {moved:.0f} s and is not believed")
    todo = Text(
        "与标准时间核对后运行 huijian admin clock --agree", "Compare it, then run `huijian admin clock --agree`"
    )
    return part("clock", "bad", title, state, todo)


def witness(at: str, visit: datetime | None, last: datetime | None, now: datetime) -> HealthPart:
    """The nightly statements of sites about each other's chains; `at`: their time, or `never`. `visit`: when the newest
    recording was archived, `last`: when the newest statement was written, None for none."""
    title = Text("互证", "Witness")
    if at == "never":
        todo = Text("在设置中填写 witness_time", "Set `witness_time`")
        return part("witness", "attention", title, Text("未启用", "Sites do not witness each other"), todo)
    latest = Text("尚未进行过", "there was none yet")
    if last is not None:
        latest = Text(f"最近一次 {_when(last).zh}", f"the last one was {_when(last).en}")
    words = Text(f"每晚 {at} 进行，{latest.zh}", f"Each night at {at}; {latest.en}")
    if visit is not None and now - visit > NIGHT and (last is None or last < visit):
        todo = Text(
            "查看服务日志，运行 huijian witness now 补做", "Read the log, and make it up with `huijian witness now`"
        )
        return part("witness", "attention", title, words, todo)
    return part("witness", "good", title, words)


def ingress(counts: Mapping[str, float]) -> HealthPart:
    """The process that all connections come in by, as it has counted; empty while it has not reported."""
    title = Text("接入", "Ingress")
    if not counts:
        todo = Text("查看服务日志；进程会自动重启", "Read the log; it is started anew by itself")
        return part("ingress", "attention", title, Text("尚未报告", "It has not reported yet"), todo)
    refused = sum(int(count) for name, count in counts.items() if name.startswith("refused_"))
    now = int(counts.get("now_open", 0))
    zh, en = f"当前 {now} 个连接，启动以来拒绝 {refused} 个", f"{now} connections are open; {refused} refused so far"
    return part("ingress", "good", title, Text(zh, en))


def tls(own: bool, counts: Mapping[str, float], now: datetime) -> HealthPart:
    """The certificate; `own`: this installation has one, and no proxy before it."""
    title = Text("TLS 证书", "TLS certificate")
    if not own:
        words = Text("未设置证书，由前面的代理负责或仅限本机", "None is set: a proxy has one, or the service is local")
        return part("tls", "good", title, words)
    if "tls_expires" not in counts:
        todo = Text("查看服务日志；进程会自动重启", "Read the log; it is started anew by itself")
        return part("tls", "attention", title, Text("尚未报告", "It has not reported yet"), todo)
    expires = datetime.fromtimestamp(counts["tls_expires"], UTC)
    words = Text(f"有效期至 {_when(expires).zh}", f"It is valid until {_when(expires).en}")
    todo = Text("更新证书和私钥文件", "Renew the files of certificate and key")
    if expires <= now:
        return part("tls", "bad", title, words, todo)
    if counts.get("tls_refused_pair"):
        refused = Text(f"新证书无法使用，沿用原证书；{words.zh}", f"The new files cannot be used; {words.en}")
        return part("tls", "attention", title, refused, todo)
    soon = expires - now < WARN_BEFORE
    return part("tls", "attention" if soon else "good", title, words, todo if soon else NOTHING)


def view_copies(waiting: int, failed: int) -> HealthPart:
    """The view copies that wait or are being made, and those that were given up."""
    title = Text("合成副本", "View copies")
    words = Text(f"{waiting} 个待生成，{failed} 个失败", f"{waiting} are to be made, {failed} have failed")
    todo = Text("校验相关录像后在其页面重新生成", "Verify those recordings, and have the copies made again")
    return part("view_copies", "attention" if failed else "good", title, words, todo if failed else NOTHING)


def exports(requested: int, building: int, failed: int) -> HealthPart:
    """The packages that are handed over: those that wait for a word, are being built, and have failed."""
    title = Text("录像移交", "Exports")
    zh = f"{requested} 项待批准，{building} 项制作中，{failed} 项失败"
    en = f"{requested} wait for approval, {building} are being built, {failed} have failed"
    todo = Text("查看移交申请中的原因，处理后重新制作", "Read why in the request, mend it, and build it again")
    return part("exports", "attention" if failed else "good", title, Text(zh, en), todo if failed else NOTHING)


def _when(moment: datetime) -> Text:
    """Return a moment in Shanghai as a text."""
    shown = f"{in_shanghai(moment):%Y-%m-%d %H:%M}"
    return Text(shown, shown)


def drills(failed: int, passed: int) -> HealthPart:
    """The drills of the last day."""
    title = Text("演练", "Drills")
    state = Text(f"近一天通过 {passed} 次，未通过 {failed} 次", f"{passed} passed and {failed} failed in the last day")
    todo = Text("查看演练结果，检修后重做", "Read the results, mend the room and repeat the drill")
    return part("drills", "attention" if failed else "good", title, state, todo if failed else NOTHING)


def terminals(troubled: int, count: int, conflicted: int) -> HealthPart:
    """The terminals in use; `conflicted`: their key was used in two places."""
    title, todo = Text("终端", "Terminals"), Text("在“终端”页面查看并处理", "See the page of terminals")
    state = Text(f"{count} 台中 {troubled} 台有问题", f"{troubled} of {count} have a problem")
    level: Level = "bad" if conflicted else "attention" if troubled else "good"
    return part("terminals", level, title, state, todo if troubled else NOTHING)


def accounts(waiting: int, forced: int) -> HealthPart:
    """Changes of accounts that wait for a second word, and those that did without one in the last month."""
    title = Text("账号变更", "Changes of accounts")
    state = Text(f"{waiting} 项待确认，近一月应急生效 {forced} 项", f"{waiting} wait, {forced} were forced in a month")
    if not waiting and not forced:
        return part("accounts", "good", title, state)
    zh, en = "由另一名审计员或系统管理员确认或拒绝；核实应急生效的变更", "Confirm or refuse them; look into forced ones"
    return part("accounts", "attention", title, state, Text(zh, en))


def packs(faults: int) -> HealthPart:
    """The files of the packs in force; `faults` of them cannot be read."""
    title = Text("规则包", "Packs")
    if not faults:
        return part("packs", "good", title, Text("均可读取", "All can be read"))
    state = Text(
        f"{faults} 个规则包文件无法读取，沿用上次读取的内容", f"{faults} cannot be read: the last text stays in force"
    )
    return part("packs", "bad", title, state, Text("恢复规则包文件", "Put the file back as it was"))

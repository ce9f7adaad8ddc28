"""The words of `huijian admin journal verify`: what does not fit, in English and Chinese, one line each. Pure."""

from collections.abc import Iterator
from typing import Any

from broker.control.journal.comparison import MOST, Finding
from huijian.journal.check import ARCHIVED, Checked
from recorder.evidence.checkpoint_check import CheckpointFault
from recorder.evidence.checkpoints import Checkpoint

Words = tuple[str, str]


def report_values(checked: Checked) -> dict[str, Any]:
    """Return the outcome for scripts."""
    result = checked.result
    return {
        "whole": checked.whole,
        "broken_at": min((found.first for found in result.findings), default=None),
        "entries": result.entries,
        "head": result.head,
        "checkpoints": result.checkpoints,
        "covered": result.covered,
        "uncovered": result.uncovered,
        "unseen_seconds": None if checked.unseen is None else round(checked.unseen),
        "keys": checked.keys,
        "findings": [
            {**{name: getattr(found, name) for name in Finding.__slots__}, "en": en, "zh": zh}
            for found in result.findings
            for en, zh in [finding_words(found, checked.checkpoints)]
        ],
        "more": result.more,
        "removed": result.removed,
        "faults": [
            {**{name: getattr(fault, name) for name in CheckpointFault.__slots__}, "en": en, "zh": zh}
            for fault in checked.faults
            for en, zh in [fault_words(fault)]
        ],
        "sources": [{"name": source.name, "checkpoints": len(source.checkpoints)} for source in checked.sources],
    }


def report_lines(checked: Checked) -> Iterator[str]:
    """Yield the outcome for people: what is wrong first, then what was compared."""
    result = checked.result
    for found in result.findings:
        yield _line(found.kind.upper(), finding_words(found, checked.checkpoints))
    if result.more:
        yield _line(
            "MORE", (f"{result.more} findings more (over {MOST} of a kind)", f"另有 {result.more} 处，不一一列出")
        )
    for fault in checked.faults:
        yield _line("CHECKPOINT", fault_words(fault))
    if checked.whole and not result.entries:
        yield _line("NOTHING", ("the journal has no entry", "日志没有条目"))
    elif checked.whole:
        count = result.entries - result.removed
        yield _line("WHOLE", (f"{count} entries", f"日志完整，共 {count} 条"))
    if result.removed:
        words = f"entries 1..{result.removed} by the rule of retention", f"第 1 至 {result.removed} 条已按保存期限清理"
        yield _line("REMOVED_BY_RULE", words)
    yield f"head: {result.entries}:{result.head}"
    for source in checked.sources:
        newest = max(source.checkpoints, default=0)
        words = (
            f"{len(source.checkpoints)} checkpoints, the newest is {newest}",
            f"检查点 {len(source.checkpoints)} 个",
        )
        yield f"{_line('SOURCE', words)}: {_printable(source.name)}"
    yield from _coverage(checked)
    if checked.keys == ARCHIVED and checked.checkpoints:
        yield _line(
            "WARNING",
            ("the keys were taken from the archive itself; use --public-key", "公钥取自存档本身，不能证明来源"),
        )


def _coverage(checked: Checked) -> Iterator[str]:
    result, newest = checked.result, checked.newest
    if newest is not None:
        words = (
            f"entries {result.removed + 1}..{result.covered} by checkpoint {newest.number}",
            f"检查点 {newest.number} 保证第 {result.removed + 1} 至 {result.covered} 条",
        )
        if any(found.kind == "rewritten" and found.until < newest.number for found in result.findings):
            words = f"{words[0]}, which was signed after that", f"{words[1]}，该检查点系上述改动之后所签"
        yield _line("COVERED", words)
    if result.uncovered is not None:
        first, last = result.uncovered
        yield _line("UNCOVERED", (f"entries {first}..{last} not yet covered", f"第 {first} 至 {last} 条尚无检查点"))
    if newest is not None and checked.unseen is not None:
        seconds = round(checked.unseen)
        yield _line(
            "UNSEEN",
            (
                f"entries of the last {seconds} s, since checkpoint {newest.number}, would not be missed if they were "
                "removed from the end",
                f"检查点 {newest.number} 以来 {seconds} 秒内所记的条目若从末尾被删，此处看不出来",
            ),
        )


def finding_words(found: Finding, checkpoints: dict[int, Checkpoint]) -> Words:
    """Return what a finding means."""
    first, last = found.first, found.last
    span, zh_span = (
        (f"entry {first}", f"第 {first} 条")
        if first == last
        else (f"entries {first}..{last}", f"第 {first} 至 {last} 条")
    )
    match found.kind:
        case "removed":
            return f"{span} are missing: removed from the middle", f"{zh_span}缺失，系从中间删去"
        case "changed":
            return f"{span} was changed: its hash is not that of its content", f"{zh_span}内容被改，与其散列不符"
        case "unlinked":
            return (
                f"{span} does not follow the one before it: one of the two was replaced",
                f"{zh_span}与前一条不相连，其中之一被替换",
            )
        case "end_removed":
            return (
                f"the journal ends at entry {first - 1}, and checkpoint {_name(found.until, checkpoints)} covers entry "
                f"{last}: {span} were removed from the end, or the database is older than its checkpoints (a restored "
                "backup, or a copy without its -wal file)",
                f"日志止于第 {first - 1} 条，检查点 {_name(found.until, checkpoints)} 已记至第 {last} 条：{zh_span}"
                "从末尾被删，或数据库早于检查点（恢复了旧备份，或复制时漏了 -wal 文件）",
            )
    since, zh_since = (
        (f"checkpoint {_name(found.fits, checkpoints)} still fits", f"检查点 {_name(found.fits, checkpoints)} 相符")
        if found.fits
        else ("no checkpoint before it fits", "此前没有相符的检查点")
    )
    unfit = f"{found.unfit}" if found.unfit == found.until else f"{found.unfit}..{found.until}"
    return (
        f"the journal was written anew from an entry in {first}..{last} on: {since}, checkpoint {unfit} does not",
        f"自第 {first} 至 {last} 条之间某条起日志被重写：{zh_since}，检查点 {unfit} 不符",
    )


def fault_words(fault: CheckpointFault) -> Words:
    """Return what is wrong with checkpoints."""
    numbers = f"{fault.first}" if fault.first == fault.last else f"{fault.first}..{fault.last}"
    place, why = _printable(fault.source), _printable(fault.why)
    words = {
        "signature": (f"{numbers} in {place}: {why}", f"{numbers}（{place}）签名不成立：{why}"),
        "spelled": (f"{numbers} in {place} is not as it was written", f"{numbers}（{place}）与原文写法不同"),
        "unlinked": (f"{numbers} in {place} does not name the one before it", f"{numbers}（{place}）与前一个不相连"),
        "order": (f"{numbers} in {place} stands behind a later one", f"{numbers}（{place}）次序颠倒"),
        "missing": (
            f"{numbers} missing in {place}, though a later one exists",
            f"{numbers} 在 {place} 中缺失，其后的仍在",
        ),
        "removed": (
            f"{numbers} removed from {place}: {why} still has them",
            f"{numbers} 已从 {place} 中删去，{why} 中仍有",
        ),
        "differs": (
            f"{numbers} in {place} is another one than in {why}: the chain was begun anew",
            f"{numbers} 在 {place} 与 {why} 中不同：链被另起",
        ),
        "unreadable": (f"line {fault.first} of {place} is no checkpoint", f"{place} 第 {fault.first} 行不是检查点"),
    }
    return words[fault.kind]


def _line(mark: str, words: Words) -> str:
    return f"{mark} {words[0]} · {words[1]}"


def _name(number: int, checkpoints: dict[int, Checkpoint]) -> str:
    """Return the number of a checkpoint with its time."""
    made = checkpoints.get(number)
    return f"{number} ({made.at})" if made is not None else f"{number}"


def _printable(text: str) -> str:
    """Return a text without signs that would move the cursor of a terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)

"""The words around the rows of a ledger: title, what it is of, who made it, and how it is checked. The workbook and the
pages have the same. Pure."""

from datetime import datetime

from broker.kernel.clock import in_shanghai
from config.words import shown
from recorder.witness.newest import Witnessed
from signaling.ledgers.entry import Head
from signaling.ledgers.seal import BESIDE, chain_line

LAW = "云南省〔2023〕1号第二十六条（六）；广东省〔2020〕第二十七条、第三十条"
FULL_NOTE = "内部资料，含个人信息，不得向第三方提供。"
PUBLIC_NOTE = "公示版：姓名、编号已隐去，处置、结束原因和录像情况不予公示（广东第三十一条（五）、第三十二条）。"
CHECK = f"huijian verify --ledger 文件（签名文件 文件名{BESIDE} 须在同一文件夹）；任一字节改动即不通过。"
NO_CHAIN = "本单位目前没有录像链"


def title(head: Head) -> str:
    """Return the title of a ledger."""
    version = "（公示版）" if head.request.public else ""
    return f"{shown(head.site_name)} 远程视频会见台账{version}"


def days(head: Head) -> str:
    """Return the days of a ledger: one, or the first and the last."""
    since, until = head.request.since, head.request.until
    return f"{since}" if since == until else f"{since} 至 {until}"


def facts(head: Head, key: str) -> list[tuple[str, str]]:
    """Return what a ledger is of and how it is checked, as lines of a label and a text. `key`: id of the key that
    signs."""
    return [
        ("单位", f"{shown(head.site_name)}（{head.request.site}）"),
        ("日期", f"{days(head)}（按预约开始时间，上海时间）"),
        ("制表时间", f"{in_shanghai(head.made_at):%Y-%m-%d %H:%M:%S}"),
        ("制表人", shown(head.made_by_name)),
        ("依据", LAW),
        ("说明", PUBLIC_NOTE if head.request.public else FULL_NOTE),
        ("制表时录像链链头", chain_line(head) or NO_CHAIN),
        ("签名公钥编号", key),
        ("如何校验", CHECK),
    ]


WITNESS_TITLES = ("关系", "作证单位", "被证单位", "作证时间", "链头", "公钥编号", "签名")


def witness_note(count: int) -> str:
    """Return the line over the heads that were witnessed."""
    if not count:
        return "尚无互证：共同会见的单位每晚互签链头。"
    how = "扫码或抄录得到的 CHAIN 行逐行存入文件，用 huijian verify --heads 比对"
    return f"互证链头共 {count} 条（每一单位最新一条）。{how}。"


def witness_cells(head: Head, witnessed: Witnessed) -> list[str]:
    """Return one witnessed head in words, by `WITNESS_TITLES`."""
    relation = "他单位为本单位作证" if witnessed.of == head.request.site else "本单位为他单位作证"
    at = f"{in_shanghai(datetime.fromisoformat(witnessed.at)):%Y-%m-%d %H:%M:%S}"
    texts = [relation, witnessed.witness, witnessed.of, at, witnessed.line]
    return [*texts, witnessed.key or "—", witnessed.signature or "密钥另处保管，仅记入其单位链"]

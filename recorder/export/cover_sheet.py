"""The cover sheet of a package: one page in Chinese, for the file of a court or a prosecutor, with what the package is,
who asked for it and who approved it, the hashes to compare, and how it is checked.

fpdf2 writes it and embeds the letters that occur, so that it prints the same everywhere. The font is the system's
(Debian: fonts-noto-cjk). Reads the font and blocks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from fpdf import FPDF
from fpdf.enums import WrapMode

from broker.kernel.clock import in_shanghai
from config.words import shown
from recorder.explained.explain import Explained
from recorder.explained.words import NOT_EXPLAINED, NOTHING_MISSING
from recorder.export.contents import Order, moment

FONTS: tuple[tuple[str, int], ...] = (
    (
        "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
        2,
    ),  # the second of its fonts is that for Simplified Chinese
    ("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc", 0),
    ("/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf", 0),
)
"""Files with a Chinese font and the number of the font in the file; the first that exists is used."""
PACKAGES = "fonts-noto-cjk, fonts-wqy-zenhei or fonts-droid-fallback"
LABEL, LINE = 48, 6.2  # mm
MOST_EXPLAINED = 100
"""Explanations on the sheet, four pages of them; a bad line makes more, and the timeline beside it has all."""


class NoFont(Exception):
    """This machine has no Chinese font, without which no cover sheet can be written."""

    def __init__(self) -> None:
        super().__init__(
            f"no Chinese font is installed: apt-get install fonts-noto-cjk (or any of {PACKAGES}). "
            "本机没有中文字体：请安装 fonts-noto-cjk"
        )


def find_font() -> tuple[str, int]:
    """Return the file of a Chinese font and its number there. Raises NoFont."""
    for path, number in FONTS:
        if Path(path).exists():
            return path, number
    raise NoFont()


def cover_sheet(
    order: Order,
    manifest: Mapping[str, Any],
    chain: Mapping[str, Any],
    hashes: Mapping[str, str],
    keys: Sequence[str],
    damages: Sequence[Mapping[str, Any]],
    explained: Sequence[Explained] | None = (),
) -> bytes:
    """Return the page as PDF. `hashes`: SHA-256 by the name of a file; `keys`: ids of the keys that have signed;
    `explained`: why something is missing in the film, None where it cannot be told. Raises NoFont, OSError."""
    sheet = _Sheet(moment(order.made_at))
    sheet.title("会见录像移交封面", f"移交编号 {order.export}")
    sheet.heading("录像")
    sheet.row("会见编号", order.session)
    sheet.row("单位链编号", f"{order.site} 第 {manifest.get('number', '—')} 号")
    sheet.row("双方", "；".join(_side(manifest, side) for side in ("prison", "visitor")))
    sheet.row("起止（上海时间）", f"{_time(manifest.get('started_at'))} 至 {_time(manifest.get('ended_at'))}")
    for participant in order.people:
        relation = f"（{participant.relation}）" if participant.relation else ""
        sheet.row("监所一方人员" if participant.side == "prison" else "会见人", f"{participant.name}{relation}")
    sheet.row("保存期限", _time(manifest.get("due_at")))
    sheet.row("规则包", _pack(manifest, bool(order.pack)))
    sheet.heading("移交")
    sheet.row("接收人", order.receiver)
    sheet.row("事由", order.reason)
    sheet.row("申请", f"{order.requested_by.name}（{order.requested_by.id}）")
    sheet.row("批准", f"{order.approved_by.name}（{order.approved_by.id}）")
    sheet.row("制作", f"{_time(order.made_at)}；下载截止 {_time(order.expires_at)}")
    sheet.heading("校验")
    sheet.row("制作时校验结果", "完好" if not damages else f"发现 {len(damages)} 处损坏，详见 export.json")
    for name, sha256 in hashes.items():
        sheet.row(f"{name} SHA-256", sha256)
    sheet.row("单位链链头", str(chain.get("newest", "")))
    sheet.row("签名公钥编号", "、".join(keys) or "—")
    sheet.row(
        "如何校验",
        "解压后用浏览器（Chrome、Edge 137 以上，Firefox 129 以上）打开 verify.html，将整个文件夹拖入，无须联网；"
        "请使用出具单位另行提供的 verify.html（包内所附的可能与包一起被换过），并填入另行告知的公钥编号。"
        "或在装有会见系统的机器上用 huijian verify --package 校验。",
    )
    sheet.row("保密", "本包含有个人信息和监管录像，仅供上述接收人按上述事由使用；view.mp4 画面有接收人水印。")
    _explain(sheet, explained)
    return sheet.finish()


def _pack(manifest: Mapping[str, Any], enclosed: bool) -> str:
    """Return name, version and hash of the rules that the session froze, and where their text is."""
    policy = manifest.get("policy")
    if not isinstance(policy, dict):
        return "—"
    named = f"{policy.get('name') or '—'} 版本 {policy.get('version') or '—'}，SHA-256 {policy.get('sha256') or '—'}"
    return f"{named}（原文见 pack.json）" if enclosed else named


def _explain(sheet: "_Sheet", explained: Sequence[Explained] | None) -> None:
    """Add what is missing in the film or did not cross, and why, in the words of the timeline."""
    sheet.heading("缺失与中断的说明")
    if not explained:
        sheet.row("录像", (NOT_EXPLAINED if explained is None else NOTHING_MISSING).zh)
        return
    for found in explained[:MOST_EXPLAINED]:
        sheet.row(f"{found.at:.1f} 至 {found.to:.1f} 秒", found.zh)
    if len(explained) > MOST_EXPLAINED:
        sheet.row("其余", f"另有 {len(explained) - MOST_EXPLAINED} 处，见 timeline.html。")


class _Sheet:
    """A page in A4 with rows of a label and a text."""

    def __init__(self, at: datetime | None) -> None:
        path, number = find_font()
        self._pdf = FPDF(format="A4")
        self._pdf.add_font("zh", fname=path, collection_font_number=number)
        self._pdf.set_lang("zh-CN")
        self._pdf.set_creator("huijian")
        if at is not None:
            self._pdf.set_creation_date(at)
        self._pdf.set_margin(18)
        self._pdf.add_page()

    def title(self, text: str, below: str) -> None:
        self._pdf.set_title(text)
        self._pdf.set_font("zh", size=20)
        self._pdf.cell(text=text, w=0, h=12, align="C", new_x="LMARGIN", new_y="NEXT")
        self._pdf.set_font("zh", size=10)
        self._pdf.cell(text=below, w=0, h=7, align="C", new_x="LMARGIN", new_y="NEXT")

    def heading(self, text: str) -> None:
        self._pdf.ln(3)
        self._pdf.set_font("zh", size=13)
        self._pdf.cell(text=text, w=0, h=8, border="B", new_x="LMARGIN", new_y="NEXT")
        self._pdf.ln(1)

    def row(self, label: str, text: str) -> None:
        """Add a row; what cannot be seen in its text is named in its place."""
        self._pdf.set_font("zh", size=10)
        top = self._pdf.get_y()
        self._pdf.multi_cell(LABEL, LINE, label, new_x="LEFT", new_y="NEXT", align="L")
        low = self._pdf.get_y()
        self._pdf.set_xy(self._pdf.l_margin + LABEL + 2, top)
        self._pdf.multi_cell(
            0, LINE, shown(text) or "—", new_x="LMARGIN", new_y="NEXT", align="L", wrapmode=WrapMode.CHAR
        )
        self._pdf.set_y(max(low, self._pdf.get_y()))

    def finish(self) -> bytes:
        return bytes(self._pdf.output())


def _side(manifest: Mapping[str, Any], side: str) -> str:
    facts = (manifest.get("sides") or {}).get(side) or {}
    return f"{facts.get('site', '—')} {facts.get('room', '')}".strip()


def _time(value: Any) -> str:
    at = moment(value)
    return f"{in_shanghai(at):%Y-%m-%d %H:%M:%S}" if at else "—"

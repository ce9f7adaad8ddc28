"""The heads of the chains on paper: a page with a QR code for each site, to be printed, signed and put into the
ledger. A scanned code reads `CHAIN site number:hash`, the line that `huijian verify --heads` takes. Pure."""

import io
from collections.abc import Mapping
from datetime import datetime
from html import escape

import segno

from broker.kernel.clock import in_shanghai

_STYLE = """
body { font: 15px/1.6 "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; margin: 2rem auto; max-width: 48rem;
  color: #111; }
section { display: flex; gap: 2rem; align-items: center; border-bottom: 1px solid #999; padding: 1rem 0;
  break-inside: avoid; }
code { overflow-wrap: anywhere; }
svg { width: 9rem; height: 9rem; flex: none; }
"""


def line_of_head(site: str, head: str) -> str:
    """Return the text of a code."""
    return f"CHAIN {site} {head}"


def page(heads: Mapping[str, str], at: datetime) -> bytes:
    """Return the page to print. `heads`: by site."""
    day = f"{in_shanghai(at):%Y-%m-%d %H:%M}"
    sections = "".join(_section(site, head) for site, head in sorted(heads.items()))
    return f"""<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>单位链链头 {day}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>单位链链头（{day}）</h1>
<p>打印后签字，贴入台账。日后扫码得到的文字逐行存入文件，用 <code>huijian verify --heads</code> 比对。</p>
{sections}<p>签字：＿＿＿＿＿＿＿＿　日期：＿＿＿＿＿＿＿＿</p>
</main>
</body>
</html>
""".encode()


def _section(site: str, head: str) -> str:
    text, out = line_of_head(site, head), io.BytesIO()
    segno.make(text, error="m").save(out, kind="svg", xmldecl=False, svgns=True, border=4, title=text)
    number = head.partition(":")[0]
    return (
        f"<section>{out.getvalue().decode()}<div><h2>{escape(site)}</h2><p>第 {escape(number)} 号止<br>"
        f"<code>{escape(text)}</code></p></div></section>\n"
    )

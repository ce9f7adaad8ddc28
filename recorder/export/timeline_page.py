"""The timeline of a recording as a page and as JSON, for people without Huijian. The page is one file without scripts
that shows the same in any browser and in print. Pure."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from broker.kernel import canonical_json
from broker.kernel.clock import in_shanghai
from config.words import shown
from recorder.explained.explain import Explained
from recorder.explained.words import NOT_EXPLAINED, NOTHING_MISSING, Words
from recorder.export.contents import moment
from recorder.export.event_words import Row, rows, to_json

_STYLE = """
body { font: 15px/1.6 "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; margin: 2rem auto; max-width: 62rem;
  padding: 0 1rem; color: #1b1f24; background: #fff; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #d0d5da; padding: .35rem .6rem; text-align: left; vertical-align: top; }
td.n { font-variant-numeric: tabular-nums; white-space: nowrap; }
small { color: #4a5560; display: block; }
h2 { font-size: 1.15rem; margin-top: 2rem; }
"""
Explanations = Sequence[Explained] | None
"""Why something is missing in a film; None where it cannot be told."""


def page(manifest: Mapping[str, Any], timeline: Sequence[Mapping[str, Any]], explained: Explanations = ()) -> bytes:
    """Return the timeline as a page. All words from the timeline are escaped."""
    begun = moment(manifest.get("started_at"))
    day = f"{in_shanghai(begun):%Y-%m-%d}" if begun else ""
    title = shown(f"会见时间线 {manifest.get('session', '')}")
    lines = "".join(map(_line, rows(timeline, begun)))
    return f"""<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
<p>{day} 上海时间；“秒”从录像起点计，可在播放器中据此定位。<small lang="en">Times of Asia/Shanghai; seconds count from
the beginning of the film.</small></p>
<h2>缺失与中断的说明 <small lang="en">What is missing or did not cross, and why</small></h2>
{_explanations(explained)}<h2>全部事项 <small lang="en">All events</small></h2>
<table>
<thead><tr><th scope="col">时间 Time</th><th scope="col">秒 Second</th><th scope="col">事项 Event</th>
<th scope="col">详情 Details</th></tr></thead>
<tbody>
{lines}</tbody>
</table>
</main>
</body>
</html>
""".encode()


def as_json(manifest: Mapping[str, Any], timeline: Sequence[Mapping[str, Any]], explained: Explanations = ()) -> bytes:
    """Return the same lines as JSON. `explained` is null where the files of the recording do not allow it."""
    begun = moment(manifest.get("started_at"))
    value = {"session": manifest.get("session"), "started_at": manifest.get("started_at")}
    why = None if explained is None else [found.to_json() for found in explained]
    return canonical_json.indented(
        {**value, "explained": why, "events": [to_json(row) for row in rows(timeline, begun)]}
    )


def _explanations(explained: Explanations) -> str:
    if not explained:
        return f"<p>{_both(NOT_EXPLAINED if explained is None else NOTHING_MISSING)}</p>\n"
    lines = "".join(map(_explanation, explained))
    return f"""<table>
<thead><tr><th scope="col">自第几秒 From</th><th scope="col">至第几秒 To</th>
<th scope="col">说明 Explanation</th></tr></thead>
<tbody>
{lines}</tbody>
</table>
"""


def _explanation(found: Explained) -> str:
    return (
        f'<tr><td class="n">{found.at:.1f}</td><td class="n">{found.to:.1f}</td>'
        f"<td>{_both(Words(found.zh, found.en))}</td></tr>\n"
    )


def _both(words: Words) -> str:
    return f'{escape(words.zh)}<small lang="en">{escape(words.en)}</small>'


def _line(row: Row) -> str:
    second = "" if row.second is None else f"{row.second:.1f}"
    return (
        f'<tr><td class="n">{row.at}</td><td class="n">{second}</td><td>{_both(row.words)}</td>'
        f"<td>{_both(row.detail)}</td></tr>\n"
    )

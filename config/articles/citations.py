"""Articles as officers say them: 第十六条第（二）项 for the code YN-16-2, the item in parentheses as both regulations
print it. Pages have the same in `signaling/web/i18n/citations.js`."""

import re
from typing import NamedTuple

_DIGITS = "〇一二三四五六七八九"
_CODE = re.compile(r"[A-Z]+-(\d+)(?:-(\d+))?(?:-[A-Z]+)?")
_ITEM = re.compile(r"第(?:（([一二三四五六七八九十]+)）|([一二三四五六七八九十]+))项")
_ARTICLES = re.compile(r"第([一二三四五六七八九十]+)条((?:第（[一二三四五六七八九十]+）项、?)*)")


class Citation(NamedTuple):
    """An article in both languages; empty where a code stands in none."""

    zh: str
    en: str


def numeral(number: int) -> str:
    """Return a number up to 99 in Chinese: 16 is 十六."""
    tens, ones = divmod(number, 10)
    if tens == 0:
        return _DIGITS[ones]
    return f"{_DIGITS[tens] if tens > 1 else ''}十{_DIGITS[ones] if ones else ''}"


def cited(code: str, article: str = "") -> Citation:
    """Return how officers cite a ground: by the pack's own article where it is at hand, else by the code's numbers.

    Codes that stand in no article (END-, SAY-, WARN-) have no citation of their own.
    """
    numbers = _CODE.fullmatch(code)
    number, item = numbers.groups() if numbers else (None, None)
    whole = _own(article) or (f"第{numeral(int(number))}条" if number else "")
    if item and "项" not in whole and "、" not in whole:
        whole += f"第（{numeral(int(item))}）项"
    return Citation(whole, _english(whole))


def _own(article: str) -> str:
    if not re.search("第|须知|承诺书", article):
        return ""
    return _ITEM.sub(lambda found: f"第（{found[1] or found[2]}）项", re.sub(r"^[^ 第]+ ", "", article))


def _value(chinese: str) -> int:
    tens, has_tens, ones = chinese.rpartition("十")
    value = _DIGITS.index(ones) if ones else 0
    return value + (10 * (_DIGITS.index(tens) if tens else 1) if has_tens else 0)


def _english(zh: str) -> str:
    """Return "Articles 28, 29(2)"; what is no article stays as it is."""
    found = [
        f"{_value(article)}" + "".join(f"({_value(item[1])})" for item in _ITEM.finditer(items))
        for article, items in _ARTICLES.findall(zh)
    ]
    if not found:
        return zh
    rest = re.sub("^、|、$", "", _ARTICLES.sub("", zh))
    return f"{'Articles' if len(found) > 1 else 'Article'} {', '.join(found)}{f', {rest}' if rest else ''}"

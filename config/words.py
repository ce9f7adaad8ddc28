"""Words as they are compared: without blanks, punctuation and signs that cannot be seen, in one width, one case and in
simplified characters. A word that only looks different is the same word. Below: what a text that a person enters may
hold (`readable`), and how one is printed that was entered elsewhere or before that was checked (`shown`)."""

import unicodedata

_SIMPLIFIED = str.maketrans(
    "師證員檢獄親媽兒孫繼養護監夫婦姊爺奶媳婿嶽裡係關兇辯護審計產紀檢監長隊調訴訟託給與戶籍譯翻語務處廳執業顧問權",
    "师证员检狱亲妈儿孙继养护监夫妇姐爷奶媳婿岳里系关凶辩护审计产纪检监长队调诉讼托给与户籍译翻语务处厅执业顾问权",
)
"""Traditional characters of relations and offices."""


def bare(text: str) -> str:
    """Return a word in the form in which words are compared; empty where it has no letter and no digit."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(sign for sign in folded if unicodedata.category(sign)[0] in "LN").translate(_SIMPLIFIED)


# --- texts that people enter ------------------------------------------------------------------------------------------

_INVISIBLE = (
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x2028, 0x202E), (0x2060, 0x206F), (0x2800, 0x2800), (0x3164, 0x3164), (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFC), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
"""Code points that show nothing or turn the text around them: the Default_Ignorable_Code_Point of Unicode with the bidi
controls (UAX 9) and variation selectors among them, line and paragraph separators, and signs that look like blanks."""
_IDEOGRAPHS = (0x20000, 0x3FFFD)
"""The planes of rare Chinese characters: names are written with some that are newer than this Python's tables."""
MOST_MARKS = 4
"""Marks in a row that a letter may carry; more pile up over the lines above."""


class Unreadable(ValueError):
    """Error of a text that holds what cannot be seen or read; `what` is one of control, invisible, unassigned and
    marks, `sign` the code point."""

    def __init__(self, what: str, sign: str) -> None:
        super().__init__(f"{what} {sign}")
        self.what, self.sign = what, sign


def readable(text: str, lines: bool = False) -> str:
    """Return a text that a person entered, in the one spelling in which it is stored (NFC, RFC 5198), without blanks
    around it; `lines`: it may have several.

    Raises Unreadable for controls, signs that cannot be seen or that turn the text around, and code points that stand
    for nothing. Chinese characters beyond the BMP and the interpunct of names pass. A text of blanks alone is empty.
    """
    normal = unicodedata.normalize("NFC", text.replace("\r\n", "\n") if lines else text)
    marks = 0
    for sign in normal:
        what = _fault(sign, lines)
        marks = marks + 1 if unicodedata.category(sign) in ("Mn", "Me") else 0
        if what or marks > MOST_MARKS:
            raise Unreadable(what or "marks", f"U+{ord(sign):04X}")
    return normal.strip()


def _fault(sign: str, lines: bool) -> str:
    """What is wrong with a character; "" for nothing."""
    point = ord(sign)
    if lines and sign in "\n\t":
        return ""
    if _is_invisible(point):
        return "invisible"
    kind = unicodedata.category(sign)
    if kind == "Cc":
        return "control"
    if kind in ("Cf", "Zl", "Zp"):
        return "invisible"
    if kind in ("Cn", "Cs") and not _IDEOGRAPHS[0] <= point <= _IDEOGRAPHS[1]:
        return "unassigned"
    return "unassigned" if point & 0xFFFE == 0xFFFE else ""


def _is_invisible(point: int) -> bool:
    return any(first <= point <= last for first, last in _INVISIBLE)


# --- texts in what is handed out --------------------------------------------------------------------------------------


def shown(text: str) -> str:
    """Return a text with the code points of what cannot be seen in place of it, such as [U+202E]: a mark that turns the
    text around, or hides a part of it, must not make a line read as another one. Breaks of lines are blanks."""
    return "".join(map(_visible, text))


def _visible(sign: str) -> str:
    if sign in "\r\n\t":
        return " "
    return f"[U+{ord(sign):04X}]" if is_hidden(sign) else sign


def is_hidden(sign: str) -> bool:
    """Whether a character cannot be seen: a control, a mark that turns the text around, a letter or a mark that shows
    nothing, or a code point that is none."""
    unseen = unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    return unseen or _is_invisible(ord(sign)) or ord(sign) & 0xFFFE == 0xFFFE

"""Renders the table of words of docs/rules.md from `config/articles/vocabulary.py`."""

from collections.abc import Iterator

from config.articles.vocabulary import TERMS

HEAD = """## 用语 · Words

页面、终端、命令行、台账和文件只用下列词，一词一义（`config/articles/vocabulary.py`）；条文有的用条文的词，条文没有的注明为系统用语。
Pages, terminals, the command line, ledgers and documents use these words, each in one meaning; where no article has
one, the system's own is named.

| 词 | word | 含义 meaning | 条文 articles |
|---|---|---|---|""".splitlines()


def lines() -> Iterator[str]:
    """Return the lines of the table, one term a line."""
    yield from HEAD
    for term in TERMS:
        law = term.law or "系统用语 own word"
        yield f"| {term.zh} | {term.en} | {term.meaning_zh} · {term.meaning_en} | {law} |"

"""The page that checks a package in a browser, without a network and without Huijian: one HTML file, put together from
the modules in `verifier/`. Each of them stands alone for tests; in the page imports and exports fall away, because what
was opened from a disk may not load modules. Reads files of this package and blocks."""

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "verifier"
MODULES = ("sha256.js", "json.js", "zip.js", "signatures.js", "checks.js", "words.js", "app.js")
"""In the order in which one needs the other."""
_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|class) )", re.MULTILINE)


@cache
def page() -> bytes:
    """Return the page with all that it needs. Its modules share one scope, in which no name may occur twice."""
    script = "".join(f"// {name}\n{_plain((FOLDER / name).read_text(encoding='utf-8'))}\n" for name in MODULES)
    style = (FOLDER / "style.css").read_text(encoding="utf-8")
    html = (FOLDER / "page.html").read_text(encoding="utf-8")
    whole = f'"use strict";\n(() => {{\n{script}}})();'
    return html.replace("/*STYLE*/", style).replace("/*SCRIPT*/", whole).encode()


def _plain(module: str) -> str:
    return _EXPORT.sub("", _IMPORT.sub("", module))

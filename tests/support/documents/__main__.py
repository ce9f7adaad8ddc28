"""`python -m tests.support.documents`: write every document that is made from the code."""

from tests.support.documents.made import MADE

for path, render in MADE.items():
    path.write_text(render(), "utf-8")
    print(path.name)

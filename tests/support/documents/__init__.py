"""Documents that are made from the code: `python -m tests.support.documents` (or `make docs`) writes them, and
tests/test_documents.py fails when one of them is stale."""

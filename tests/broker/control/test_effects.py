"""Orders to the relays are posted, and nobody waits for an answer: a word they do not know would go unnoticed."""

import ast
from pathlib import Path

import broker.control
from broker.relay.worker import Worker

ASKING = {"post", "call", "_ask"}


def asked(node):
    """The words with which this call orders relay workers to do something."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ASKING):
        return set()
    return {one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def words():
    """All of them: whatever `Relays` says, and what others say through it."""
    for file in Path(broker.control.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if asked(node) and (file.name == "relay_pool.py" or ast.unparse(node.func.value).endswith("relays")):
                yield from asked(node)


def test_workers_know_every_word_that_is_said_to_them():
    said, known = set(words()), set(Worker.__new__(Worker)._handlers())
    assert said - known == set()
    assert {"lease", "shut", "deadline", "keyframe", "status", "publish", "close"} <= said


def test_and_every_word_that_they_know_is_said_by_somebody():
    assert set(Worker.__new__(Worker)._handlers()) - set(words()) == set()

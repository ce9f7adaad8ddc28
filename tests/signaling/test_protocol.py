"""PROTOCOL.md says what the models say."""

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

import signaling
from broker.kernel.errors import VisitError
from broker.presence.presence import Why
from broker.session.events import AlertKind, HoldReason, Reason
from broker.session.readiness import Missing
from broker.session.state import State
from signaling.api import bodies
from signaling.api import messages as msg
from signaling.server import errors
from signaling.views import texts
from signaling.views.overview import Overview

TEXT = Path(signaling.__file__).with_name("PROTOCOL.md").read_text("utf-8")
SAMPLES = re.findall(r"^```json (\S+)(?: (\S+))?\n(.*?)^```$", TEXT, re.M | re.S)


ALERTS = [
    *(kind for kind in AlertKind if kind not in (AlertKind.QUORUM_AT_RISK, AlertKind.RECORDER)),
    *(f"quorum_at_risk_{detail}" for detail in ("unanswered", "thin", "lost")),
    *(f"recorder_{detail}" for detail in ("lost", "lagging", "disk")),
]


def parse(kind, name, sample):
    if kind == "client":
        return msg.CLIENT.validate_json(sample)
    if kind == "server":
        return msg.SERVER.validate_json(sample)
    if kind == "problem":
        return msg.Problem.model_validate_json(sample)
    model = Overview if name == "Overview" else getattr(bodies, name)
    return model.model_validate_json(sample)


class TestTheDocument:
    @pytest.mark.parametrize(("kind", "name", "sample"), SAMPLES)
    def test_each_sample_is_what_the_models_accept(self, kind, name, sample):
        assert parse(kind, name, sample)

    def test_every_block_of_json_was_looked_at(self):
        assert TEXT.count("```json") == len(SAMPLES) > 15

    def test_every_message_that_can_be_sent_has_a_sample(self):
        shown = {type(parse(*sample)) for sample in SAMPLES if sample[0] in ("client", "server")}
        said = set(get_args(msg.Hello | msg.Order | msg.Attending))
        assert shown == said | set(get_args(msg.Telling))

    def test_every_refusal_is_listed_with_its_status(self):
        # a broken link between processes is translated before it reaches anybody outside
        kinds = {kind for kind in VisitError.__subclasses__() if not kind.__module__.startswith("broker.ipc")}
        for kind in kinds:
            assert f"| `{kind.code}` | {kind.http_status} |" in TEXT, kind
        assert errors.Incident in kinds

    def test_every_close_code_of_the_sockets_is_listed(self):
        for code in (1001, 1003, 1009, 1011, 1013, 4001, 4003, 4008, 4009, 4029):
            assert f"| {code} |" in TEXT


class TestTheWords:
    @pytest.mark.parametrize(
        ("codes", "table"),
        [
            (State, texts.STATES),
            (Reason, texts.REASONS),
            (HoldReason, texts.REASONS),
            (Missing, texts.MISSING),
            (get_args(msg.RecordingState), texts.RECORDING),
            (Why, texts.WHY),
            (ALERTS, texts.ALERTS),
        ],
    )
    def test_every_code_has_words_in_both_languages(self, codes, table):
        for code in codes:
            text = table[str(code)]
            assert re.search("[\u4e00-\u9fff]", text.zh) and re.search("[a-z]", text.en)

    def test_a_code_without_words_shows_itself(self):
        assert texts.text_of(texts.STATES, "new") == ("new", "new")


class TestWhoMayImportIt:
    def test_the_messages_need_neither_http_nor_the_runners(self):
        code = (
            "import sys, signaling.api.messages; "
            "assert not {'aiohttp', 'broker.live', 'sqlalchemy'} & set(sys.modules), sorted(sys.modules)"
        )
        subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(signaling.__file__).parents[1])

"""docs/protocol.md agrees with the models, the errors and the texts."""

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

import signaling
from broker.drills import result
from broker.kernel.errors import VisitError
from broker.presence.reasons import Why
from broker.session.effects import AlertKind, HoldReason, Reason
from broker.session.readiness import Missing
from broker.session.state import State
from recorder.explained.words import ABSENCES
from signaling.api.audit import messages as audit
from signaling.api.drills import messages as drills
from signaling.api.exports import messages as exports
from signaling.api.messages import (
    approvals,
    follow_ups,
    identity,
    orders,
    recordings,
    sessions,
    sign_in,
    slots,
    socket,
    terminals,
)
from signaling.api.messages.session_view import Problem, RecordingState
from signaling.api.purge import messages as purge
from signaling.server import errors
from signaling.views import overview, texts

ROOT = Path(signaling.__file__).parents[1]
TEXT = (ROOT / "docs" / "protocol.md").read_text("utf-8")
SAMPLES = re.findall(r"^```json (\S+)(?: (\S+))?\n(.*?)^```$", TEXT, re.M | re.S)
BODIES = (
    *(approvals, audit, drills, exports, follow_ups, identity, orders, overview, purge, recordings, sessions),
    *(sign_in, slots, terminals),
)


ALERTS = [
    *(kind for kind in AlertKind if kind not in (AlertKind.QUORUM_AT_RISK, AlertKind.RECORDER, AlertKind.DRILL)),
    *(f"quorum_at_risk_{detail}" for detail in ("unanswered", "thin", "lost")),
    *(f"recorder_{detail}" for detail in ("lost", "lagging", "disk")),
    *(f"drill_{step}" for step in (*result.STEPS, result.YIELDED, result.INTERRUPTED, result.MISSING)),
]


def parse(kind, name, sample):
    if kind == "client":
        return socket.CLIENT.validate_json(sample)
    if kind == "server":
        return socket.SERVER.validate_json(sample)
    if kind == "problem":
        return Problem.model_validate_json(sample)
    model = next(getattr(module, name) for module in BODIES if hasattr(module, name))
    return model.model_validate_json(sample)


class TestTheDocument:
    @pytest.mark.parametrize(("kind", "name", "sample"), SAMPLES)
    def test_each_sample_is_valid_for_its_model(self, kind, name, sample):
        assert parse(kind, name, sample)

    def test_every_block_of_json_is_a_tested_sample(self):
        assert TEXT.count("```json") == len(SAMPLES) > 15

    def test_every_message_that_can_be_sent_has_a_sample(self):
        shown = {type(parse(*sample)) for sample in SAMPLES if sample[0] in ("client", "server")}
        from_client = {socket.Hello, *socket.MESSAGES.values(), *get_args(socket.Report)}
        assert shown == from_client | set(get_args(socket.ServerMessage))

    def test_every_refusal_is_listed_with_its_status(self):
        # a broken link between processes is translated before a client sees it
        kinds = {kind for kind in VisitError.__subclasses__() if not kind.__module__.startswith("broker.ipc")}
        for kind in kinds:
            assert f"| `{kind.code}` | {kind.http_status} |" in TEXT, kind
        assert errors.Incident in kinds

    def test_every_close_code_of_the_sockets_is_listed(self):
        for code in (1001, 1003, 1009, 1011, 1013, 4001, 4003, 4008, 4009, 4013, 4014, 4029):
            assert f"| {code} |" in TEXT


class TestTheTexts:
    @pytest.mark.parametrize(
        ("codes", "table"),
        [
            (State, texts.STATES),
            (Reason, texts.REASONS),
            (HoldReason, texts.REASONS),
            (Missing, texts.MISSING),
            (get_args(RecordingState), texts.RECORDING),
            (Why, texts.WHY),
            (Why, ABSENCES),
            (ALERTS, texts.ALERTS),
        ],
    )
    def test_every_code_has_words_in_both_languages(self, codes, table):
        for code in codes:
            text = table[str(code)]
            assert re.search("[\u4e00-\u9fff]", text.zh) and re.search("[a-z]", text.en)

    def test_a_code_without_words_shows_itself(self):
        assert texts.text_of(texts.STATES, "new") == ("new", "new")


class TestWhatTheMessagesImport:
    def test_they_need_neither_http_nor_the_runners(self):
        code = (
            "import sys, signaling.api.messages.socket; "
            "assert not {'aiohttp', 'broker.control', 'sqlalchemy'} & set(sys.modules), sorted(sys.modules)"
        )
        subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)

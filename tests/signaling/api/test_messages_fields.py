"""Every text that a client may enter is one of the shared types: what cannot be seen or read is refused everywhere,
over REST and on the socket, with a typed refusal."""

from typing import Annotated, get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from signaling.api.messages import approvals, follow_ups, orders, recordings, sign_in, slots, socket
from signaling.api.messages.fields import Inbound, Whole
from signaling.server.app import ROUTES
from tests.signaling.api.test_slots import ORDER

MODULES = (approvals, follow_ups, orders, recordings, sign_in, slots, socket)
PASSWORDS = {(model, "password") for model in ("SignIn", "OwnPassword", "Refusal", "Word")} | {("OwnPassword", "new")}
PASSWORDS |= {(model, "password") for model in ("AddFactor", "Invite", "Redeem", "KeyForm", "EnrolmentForm")}
SECRETS = {("Proof", "recovery"), ("OidcReturn", "code"), ("OidcReturn", "state")}
NO_TEXT = PASSWORDS | SECRETS | {("PersonOrder", "id")}
"""Secrets are compared as they are; ids are brought into one form, in which nothing invisible is left."""
UNREADABLE = ("王\u202e三", "王\u200b三", "王\x1b三", "王\x00", "\ufeff王", "王\u2028三", "王\u0378")


def models(base=Inbound):
    for kind in base.__subclasses__():
        yield kind
        yield from models(kind)


def texts():
    """Yield (model, member, type) for each member that takes a text of free words."""
    for kind in sorted(set(models()), key=lambda kind: kind.__name__):
        for name, field in kind.model_fields.items():
            adapter = TypeAdapter(Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation)
            try:
                free = adapter.validate_python("王三说话") is not None
            except ValidationError:
                free = False
            if free and (kind.__name__, name) not in NO_TEXT:
                yield kind.__name__, name, adapter


TEXTS = list(texts())


def test_there_are_many():
    assert len({(model, name) for model, name, _ in TEXTS}) > 25 and MODULES


@pytest.mark.parametrize(("model", "name", "adapter"), TEXTS, ids=[f"{model}.{name}" for model, name, _ in TEXTS])
class TestEveryText:
    def test_is_refused_with_what_cannot_be_read(self, model, name, adapter):
        for text in UNREADABLE:
            with pytest.raises(ValidationError) as error:
                adapter.validate_python(text)
            assert any(one["type"].startswith("text_") for one in error.value.errors()), text

    def test_is_kept_in_one_spelling_and_takes_rare_characters(self, model, name, adapter):
        assert adapter.validate_python(" e\u0301𠮷·𱁬 ") == "é𠮷·𱁬"


class TestOverHttp:
    @pytest.mark.parametrize("text", UNREADABLE)
    async def test_a_name_is_refused_and_the_refusal_says_where(self, front, text):
        people = [{**ORDER["people"][0], "name": text}, ORDER["people"][1]]
        refused = await front.refused(
            "text_not_allowed", "POST", "/api/v1/slots", "booking", json=ORDER | {"people": people}
        )
        assert refused.data["errors"][0]["where"] == "people.0.name"
        assert text not in await refused.text()

    async def test_a_note_may_have_lines(self, front):
        session = await front.live_visit()
        path = f"/api/v1/sessions/{session}"
        await front.ask("POST", f"{path}/remark", "prison-sup", json={"text": "一\r\n二"})
        assert (await front.ask("GET", f"{path}/notes", "prison-sup")).data["notes"][0]["text"] == "一\n二"
        await front.refused("text_not_allowed", "POST", f"{path}/remark", "prison-sup", json={"text": "一\u202e二"})
        await front.refused(
            "text_not_allowed", "POST", f"{path}/warn", "prison-sup",
            json={"sides": ["prison"], "article": "YN-16-1", "text": "一\n二"},
        )  # fmt: skip

    async def test_a_lone_surrogate_is_refused(self, front):
        body = '{"text": "\\ud800"}'
        session = await front.live_visit()
        headers = {"Content-Type": "application/json"}
        path = f"/api/v1/sessions/{session}/remark"
        assert (await front.ask("POST", path, "prison-sup", data=body, headers=headers)).status == 400


class TestWholeNumbers:
    """JSON knows one kind of numbers, and some programs write 30.0 for 30 (RFC 8259, section 6)."""

    def test_of_every_body_may_be_written_with_a_point(self):
        rows = [route.body for route in ROUTES if isinstance(route.body, type)]
        numbers = [
            (body.__name__, name, field.metadata)
            for body in rows
            for name, field in body.model_fields.items()
            if int in (field.annotation, *get_args(field.annotation))
        ]
        assert numbers
        assert [(body, name) for body, name, marks in numbers if Whole not in marks] == []

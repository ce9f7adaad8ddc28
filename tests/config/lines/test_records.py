"""Errors and lines of libraries: types and places, and no text that was made of data."""

import asyncio
import logging

import pytest

from config.lines.records import members_of, of_error, place, places


def raised(error):
    """Return an error with the place where it was raised."""
    try:
        raise error
    except BaseException as caught:
        return caught


def record_of(name, text, *arguments, **members):
    """Return the record that a library's line becomes."""
    return logging.LogRecord(name, logging.ERROR, "/lib/some/library.py", 12, text, arguments, None, **members)


class Kept(logging.Handler):
    """Keeps what its records become, at the moment at which they are made."""

    def __init__(self):
        super().__init__()
        self.members = []

    def emit(self, record):
        self.members.append(members_of(record))


@pytest.fixture
def library():
    """A logger that is not ours, and what its lines became."""
    logger, kept = logging.Logger("some.library"), Kept()
    logger.addHandler(kept)
    return logger, kept.members


class TestErrors:
    def test_have_type_and_places_and_no_message(self):
        members = of_error(raised(ValueError("SECRET")))
        assert members == {"error": "ValueError", "lines": members["lines"]}
        assert members["lines"][-1].startswith("lines/test_records.py:")

    def test_name_what_caused_them(self):
        try:
            try:
                int("SECRET")
            except ValueError as error:
                raise KeyError("SECRET") from error
        except KeyError as error:
            members = of_error(error)
        assert members["causes"][0].startswith("ValueError lines/test_records.py:") and "SECRET" not in str(members)

    def test_a_group_names_its_members(self):
        members = of_error(ExceptionGroup("SECRET", [ValueError("SECRET"), OSError("SECRET")]))
        assert members["causes"] == ["ValueError", "OSError"]

    def test_a_circle_of_causes_ends(self):
        first, second = ValueError(), KeyError()
        first.__cause__, second.__cause__ = second, first
        assert len(of_error(first)["causes"]) == 1

    def test_a_deep_recursion_has_few_places(self):
        def deeper():
            deeper()

        with pytest.raises(RecursionError) as caught:
            deeper()
        assert len(places(caught.value)) == 8

    def test_a_place_is_a_file_in_its_folder(self):
        assert place("/a/b/aiohttp/web_protocol.py", 7) == "aiohttp/web_protocol.py:7"


class TestLibraries:
    def test_a_literal_stays_and_its_arguments_do_not(self, library):
        logger, made = library
        logger.error("Error handling request from %s", "SECRET")
        assert made[0]["event"] == "Error handling request from %s" and "SECRET" not in str(made)

    def test_a_text_that_is_no_literal_is_left_out(self, library):
        logger, made = library
        secret = "-".join(("SEC", "RET"))
        logger.error(secret)
        logger.error(f"refused {secret}")
        logger.error("refused " + secret + " of %s", 1)
        assert [members["event"] for members in made] == ["a library reports"] * 3
        assert made[0]["place"].startswith("lines/test_records.py:")

    def test_extra_members_of_a_library_are_left_out(self, library):
        logger, made = library
        logger.error("refused", extra={"request": "SECRET"})
        assert "SECRET" not in str(made)

    def test_extra_members_of_ours_stay(self):
        record = record_of("kiosk_agent.agent", "phase")
        record.now = "live"
        assert members_of(record) == {"event": "phase", "now": "live"}

    async def test_what_the_event_loop_says_before_it_quotes(self):
        loop, kept = asyncio.get_running_loop(), Kept()
        logging.getLogger("asyncio").addHandler(kept)
        try:
            loop.call_soon(lambda secret: 1 / 0, "SECRET")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            loop.call_exception_handler({"message": "SECRET", "transport": "SECRET"})
        finally:
            logging.getLogger("asyncio").removeHandler(kept)
        assert [members["event"] for members in kept.members] == [
            "Exception in callback",
            "the event loop reports an error",
        ]
        assert kept.members[0]["error"] == "ZeroDivisionError" and "SECRET" not in str(kept.members)

    def test_an_object_in_the_place_of_a_text(self, library):
        logger, made = library
        logger.error(ValueError("SECRET"))
        logger.error(None)
        assert "SECRET" not in str(made)

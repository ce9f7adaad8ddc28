"""The poster shows both sides at a moment at which both are there."""

from datetime import UTC, datetime

import av
from PIL import Image

from recorder.archive.timeline_coverage import Span
from recorder.viewcopy.layout import HEIGHT, STRIP, WIDTH, Script
from recorder.viewcopy.poster import SIZE, best_moment, save

ZERO = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def script(holds=(), prison=(), visitor=()):
    return Script(ZERO, ("a", "b"), tuple(holds), (tuple(prison), tuple(visitor)))


def test_it_is_of_the_beginning_where_nothing_is_missing():
    assert best_moment(script(), 1800.0) == 20.0
    assert best_moment(script(), 8.0) == 2.0


def test_holds_and_missing_pictures_are_passed_over():
    second = best_moment(script([Span(0, 100)], [Span(100, 200)], [Span(200, 300)]), 1800.0)
    assert 300 <= second < 1800


def test_a_film_without_any_such_moment_shows_its_middle():
    assert best_moment(script([Span(0, 60)]), 60.0) == 30.0


def test_it_is_a_small_picture_of_both_sides_without_the_strip(tmp_path):
    whole = Image.new("RGB", (2 * WIDTH, STRIP + HEIGHT + 20), "black")
    whole.paste("red", (0, STRIP, WIDTH, STRIP + HEIGHT))
    whole.paste("blue", (WIDTH, STRIP, 2 * WIDTH, STRIP + HEIGHT))
    save(av.VideoFrame.from_image(whole), tmp_path / "poster.jpg")
    assert (tmp_path / "poster.jpg").stat().st_size < 50_000
    with Image.open(tmp_path / "poster.jpg") as picture:
        assert picture.size == SIZE and picture.format == "JPEG"
        left, right = picture.getpixel((60, 5)), picture.getpixel((420, 130))
    assert left[0] > 200 > left[2] and right[2] > 200 > right[0]

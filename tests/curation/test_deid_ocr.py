"""Text on pictures: found and read in any position, and nothing found where there is none."""

import importlib.util
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from curation.deid import crisp, ocr
from curation.deid.crisp import Box, crisp_places, crispness, sheets
from curation.deid.ocr import Text, find_text, flattened
from curation.errors import ToolError

NAME = "LIMOZA KADU"


def picture(rows: int = 160, columns: int = 256, level: float = 300, noise: float = 6) -> NDArray[np.float32]:
    """Noise on a slope, as a radiograph has it where nothing is."""
    random = np.random.default_rng(0)
    slope = np.linspace(0, 200, columns)[None, :]
    return (level + slope + random.normal(0, noise, (rows, columns))).astype(np.float32)


def written(
    on: NDArray[np.float32], text: str = NAME, at: tuple[int, int] = (40, 60), size: int = 16, ink: float = 1500
) -> NDArray[np.float32]:
    """A text on a picture, its upper left corner ``at`` x, y."""
    mask = Image.new("L", (on.shape[1], on.shape[0]))
    ImageDraw.Draw(mask).text(at, text, fill=255, font=ImageFont.load_default(size=size))
    cover = np.asarray(mask, np.float32) / 255
    return (on * (1 - cover) + ink * cover).astype(np.float32)


def surest(plane: NDArray[np.float32]) -> Text:
    return max(find_text(plane), key=lambda text: (text.letters, text.sure))


@pytest.mark.parametrize(
    ("size", "ink"), [(16, 1500), (16, 0), (9, 1500), (30, 700)], ids=["bright", "dark", "small", "faint"]
)
def test_text_is_found_and_read(size: int, ink: float) -> None:
    text = surest(written(picture(), size=size, ink=ink))
    assert text.text.replace(" ", "") == NAME.replace(" ", "")
    assert text.sure > 0.7 and text.found > 0.7
    assert text.x <= 42 and text.y <= 62 + size // 3 and text.x + text.width >= 40 + 5 * size


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turned_text_is_read_as_if_upright(turns: int) -> None:
    text = surest(np.rot90(written(picture()), turns))
    assert text.text.replace(" ", "") == NAME.replace(" ", "")
    assert (text.height > text.width) == (turns % 2 == 1)


@pytest.mark.parametrize("turns", [0, 1])
def test_a_picture_is_also_searched_in_parts(turns: int) -> None:
    plane, _ = ocr._framed(np.ascontiguousarray(np.rot90(written(picture(200, 420)), turns)))
    boxes = [*ocr._in_parts(plane)]
    assert boxes and all((box.height > box.width) == bool(turns) for box in boxes)


def test_text_at_the_very_border_is_found() -> None:
    text = surest(written(picture(), at=(0, -4)))
    assert text.letters >= 6 and text.y == 0


def test_large_letters_are_found_much_reduced() -> None:
    text = surest(written(picture(420, 600), "KADU", at=(60, 130), size=130))
    assert text.text == "KADU"
    assert text.height > ocr._TALLEST


@pytest.mark.parametrize(
    "plane",
    [picture(), np.zeros((64, 64), np.uint8), np.full((3, 200), 7, np.int16), np.eye(1, dtype=np.uint32)],
    ids=["noise", "black", "a strip", "one pixel"],
)
def test_nothing_is_found_where_nothing_is(plane: NDArray[np.float32]) -> None:
    assert find_text(plane) == ()


def test_a_large_picture_is_searched_in_full_for_small_letters() -> None:
    plane = written(picture(1100, 1500), at=(1330, 1078), size=10)
    text = surest(plane)
    assert text.letters >= 8 and text.x <= 1332 and text.y + text.height >= 1088


SIDES = st.integers(8, crisp._TILE * crisp._BLOCK)


@given(st.lists(st.builds(Box, st.integers(0, 4000), st.integers(0, 4000), SIDES, SIDES, st.just(0.0)), max_size=40))
def test_places_lie_apart_on_their_sheets_and_none_is_lost(places: list[Box]) -> None:
    laid_out = list(sheets(places))
    assert sorted((place for sheet in laid_out for place, _ in sheet), key=repr) == sorted(places, key=repr)
    for sheet in laid_out:
        taken = np.zeros((crisp.SHEET, crisp.SHEET), int)
        for place, (x, y) in sheet:
            taken[y : y + place.height, x : x + place.width] += 1
        assert taken.max() == 1 and taken.sum() == sum(place.width * place.height for place, _ in sheet)


def test_a_line_longer_than_a_tile_is_cut_into_tiles_that_overlap() -> None:
    places = [*crisp_places(written(picture(200, 1600), NAME * 12, at=(10, 60), size=14))]
    tile = crisp._TILE * crisp._BLOCK
    assert len(places) > 2 and max(place.width for place in places) <= tile
    lefts = sorted(place.x for place in places)
    assert all(following - left < tile for left, following in pairwise(lefts))


def test_crisp_noise_of_a_block_or_two_is_no_text() -> None:
    plane = picture(200, 400)
    plane[70, 100] = plane[150, 300] = 4000
    assert list(crisp_places(plane)) == []


def test_the_answer_is_the_same_each_time() -> None:
    plane = written(picture())
    assert find_text(plane) == find_text(plane)


def test_a_box_that_lies_in_a_larger_one_is_not_read_again() -> None:
    large, inner, beside = Box(0, 0, 40, 20, 0.9), Box(4, 4, 30, 10, 0.9), Box(60, 0, 60, 20, 0.9)
    assert list(ocr._apart([inner, large, beside], (100, 90))) == [replace(beside, width=30), large]


def test_what_cannot_be_read_is_tried_in_every_way_and_stays_unsure() -> None:
    text = ocr._read(picture(), Box(10, 10, 40, 40, 0.6))
    assert text.sure < 0.9 and text.found == 0.6


def test_crispness_is_that_of_the_weaker_direction() -> None:
    plane = np.zeros((16, 20), np.float32)
    plane[:, 4] = 9
    assert crispness(plane).shape == (2, 3)
    assert crispness(plane).max() == 0
    plane[12, 17] = 5
    assert crispness(plane).tolist() == [[0, 0, 0], [0, 0, 5]]


def test_a_flattened_picture_has_no_slope() -> None:
    plane = np.repeat(np.linspace(0, 4000, 200, dtype=np.float32)[None], 100, axis=0)
    plane[50, 100] = 5000
    flat = flattened(plane)
    assert flat[50, 100] == 255
    assert abs(int(flat[20, 60]) - 128) <= 2


def test_without_the_networks_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    ocr._network.cache_clear()
    with pytest.raises(ToolError, match="rapidocr"):
        find_text(picture())
    ocr._network.cache_clear()


@pytest.mark.parametrize("shape", [(1, 1), (5, 40), (40, 5), (24, 24), (33, 31)])
def test_the_border_of_a_small_picture_is_made_of_the_picture_alone(shape: tuple[int, int]) -> None:
    framed, margin = ocr._framed(np.full(shape, 7, np.float32))
    assert framed.shape == (shape[0] + 2 * margin, shape[1] + 2 * margin)
    assert (framed == 7).all()

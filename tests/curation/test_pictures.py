"""The picture report: what it shows, what it never shows, and that text from data stays text."""

import base64
import doctest
import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from curation.pictures import cards, images, markup, write_page
from curation.pictures.markup import data
from curation.pictures.outline import svg_path
from curation.pictures.shown import gather, stage_names
from curation.pictures.tables import MAX_READERS
from curation.pictures.words import GROUPS, MEANINGS, STAGES, group_of
from curation.records import (
    Agreement,
    Done,
    Mask,
    Measurement,
    Reason,
    Reject,
    Source,
    View,
)
from curation.store import read_rows, to_arrow, write_parquet
from curation.workspace import Workspace
from tests.curation.picture_rows import HOSTILE, fill, put, workspace_at
from tests.rows import measurement

MASKS = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9))


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.delenv("PAXFLOW_VAULT", raising=False)
    return workspace_at(tmp_path / "workspace")


def text_of(workspace: Workspace) -> str:
    return write_page(workspace).read_text(encoding="utf-8")


# --- outlines --------------------------------------------------------------------------------------------


def polygons(path: str) -> list[list[tuple[int, int]]]:
    """Corners of each closed ring of a path of one M and relative steps."""
    rings = []
    for ring in re.findall(r"M[^M]*z", path):
        numbers = [int(one) for one in re.findall(r"-?\d+", ring)]
        steps = np.array(numbers).reshape(-1, 2)
        rings.append([(int(x), int(y)) for x, y in np.cumsum(steps, axis=0)])
    return rings


def inside(x: int, y: int, rings: list[list[tuple[int, int]]]) -> bool:
    """Even-odd rule, one ray to the right: the textbook way."""
    crossings = 0
    for ring in rings:
        for (x0, y0), (x1, y1) in zip(ring, [*ring[1:], ring[0]], strict=True):
            if (y0 > y) != (y1 > y):
                crossings += x < x0 + (y - y0) * (x1 - x0) / (y1 - y0)
    return crossings % 2 == 1


def filled(path: str, rows: int, columns: int) -> NDArray[np.bool_]:
    rings = polygons(path)
    return np.array([[inside(2 * x + 1, 2 * y + 1, rings) for x in range(columns)] for y in range(rows)])


@given(MASKS)
def test_the_full_outline_holds_exactly_the_masks_pixels(mask: NDArray[np.bool_]) -> None:
    assert np.array_equal(filled(svg_path(mask, 0), *mask.shape), mask)


def test_a_thinned_disc_with_a_hole_stays_within_a_pixel_and_is_small() -> None:
    y, x = np.mgrid[:120, :120]
    radius = np.hypot(x - 60, y - 60)
    path = svg_path((radius < 50) & (radius > 20), 0.75)
    drawn = filled(path, 120, 120)
    assert drawn[(radius < 49) & (radius > 21)].all()
    assert not drawn[(radius > 51) | (radius < 19)].any()
    assert sum(map(len, polygons(path))) < 60


def test_pixels_that_touch_at_a_corner_and_an_empty_mask() -> None:
    assert np.array_equal(filled(svg_path(np.eye(3, dtype=bool), 0.75), 3, 3), np.eye(3, dtype=bool))
    assert svg_path(np.zeros((3, 3), bool), 0.75) == ""


# --- words -----------------------------------------------------------------------------------------------


def test_every_reason_is_explained_and_every_stage_described() -> None:
    assert set(MEANINGS) == set(Reason)
    assert set(stage_names()) == set(STAGES)


@pytest.mark.parametrize(
    ("category", "key"),
    [
        *((0, "spine"), (27, "spine"), (28, "ribs"), (104, "ribs"), (105, "abdomen"), (114, "abdomen")),
        *((115, "heart"), (133, "heart"), (134, "lungs"), (155, "lungs"), (156, "other")),
        *((500, "ribs"), (502, "heart"), (503, "abdomen"), (999, "other"), (1000, "findings"), (5000, "findings")),
    ],
)
def test_categories_fall_into_groups(category: int, key: str) -> None:
    assert group_of(category) == key
    assert key in {group.key for group in GROUPS}


def test_examples_in_docstrings() -> None:
    for module in (markup, images, cards):
        assert doctest.testmod(module).failed == 0


# --- what is shown ---------------------------------------------------------------------------------------


def test_an_empty_workspace_gives_a_page_that_says_so(workspace: Workspace) -> None:
    page = text_of(workspace)
    for words in ("No view has been projected", "No report has come in", "Nothing was rejected", "not on this machine"):
        assert words in page


def test_a_full_workspace_shows_each_part(workspace: Workspace) -> None:
    fill(workspace)
    page = text_of(workspace)
    assert page.count("data:image/png;base64,") == 2
    assert page.count('class="mask ') == 10
    assert page.count('class="measure negative"') == 1
    assert "cardiothoracic ratio 0.423" in page
    assert ">0.411<" in page  # the CT's own value beside it
    assert "1.00 ml" in page  # 400 voxels of 2.5 mm³
    assert '<a href="#view-0">PA view 1</a>' in page
    assert page.index("close to its limit") < page.index("asked later")  # by priority
    assert MEANINGS[Reason.NO_ANATOMY] in page


def test_letters_at_the_edges_follow_the_detector(workspace: Workspace) -> None:
    fill(workspace)
    page = text_of(workspace)
    for side, letter, words in (("left", "R", "right"), ("right", "L", "left"), ("left", "A", "front")):
        assert f'<span class="side {side}" title="patient&#x27;s {words}">{letter}</span>' in page


def test_the_same_rows_give_the_same_bytes_however_they_are_cut(workspace: Workspace, tmp_path: Path) -> None:
    fill(workspace)
    once = write_page(workspace).read_bytes()
    assert write_page(workspace).read_bytes() == once
    other = workspace_at(tmp_path / "other")
    fill(other, parts=3)
    assert write_page(other).read_bytes() == once
    assert [path.name for path in (workspace.root / "work" / "report").iterdir()] == ["index.html"]


def test_of_the_vault_only_counts_are_shown(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAXFLOW_VAULT", str(tmp_path / "vault"))
    (tmp_path / "vault").mkdir()
    secret = "DOE^JANE"
    put(
        workspace.tables("ingest"),
        [Source(f"{secret}/{n}", "dicom", "", 1, 0, secret, secret, "", "") for n in range(7)],
    )
    put(workspace.control("ingest"), [Done(f"{secret}/{n}", "f", int(n > 2)) for n in range(7)])
    rejects = [Reject("ingest", f"{secret}/{n}", Reason.EMPTY_FILE, secret) for n in range(3)]
    put(workspace.control("ingest"), rejects)
    page = text_of(workspace)
    assert secret not in page
    assert str(tmp_path) not in page
    assert '<span class="count">7</span>' in page
    assert '<td class="number">4</td><td class="number"><a href="#rejects">3</a></td>' in page
    assert MEANINGS[Reason.EMPTY_FILE] in page


def test_a_vault_that_is_named_but_not_there_counts_as_absent(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAXFLOW_VAULT", str(tmp_path / "gone"))
    assert not gather(workspace).vault_is_here
    assert "not on this machine" in text_of(workspace)


def test_a_mask_that_does_not_fit_its_view_is_said_and_the_rest_is_drawn(workspace: Workspace) -> None:
    fill(workspace)
    assert "could not be drawn" not in text_of(workspace)
    odd = Mask("view-PA", "liver", 111, "segment", "1", 1, (0, 0, 1, 1), 1.0)
    write_parquet(to_arrow(Mask, [odd]), workspace.tables("project") / "masks" / "odd.parquet")
    page = text_of(workspace)
    assert "1 mask could not be drawn" in page
    assert page.count('class="mask ') == 11


# --- text that means harm --------------------------------------------------------------------------------


class Elements(HTMLParser):
    """Every element and attribute that a parser finds."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def elements(page: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Elements()
    parser.feed(page)
    return parser.found


def test_hostile_text_adds_no_element_and_no_handler(workspace: Workspace, tmp_path: Path) -> None:
    fill(workspace, HOSTILE)
    harmless = workspace_at(tmp_path / "harmless")
    fill(harmless, "<")  # as long a detour through the escapes, but nothing in it
    found, expected = elements(text_of(workspace)), elements(text_of(harmless))
    assert sum(name == "script" for name, _ in found) == 2
    assert [name for name, _ in found if name not in {"bdi", "span"}] == [
        name for name, _ in expected if name not in {"bdi", "span"}
    ]
    assert not [key for _, attributes in found for key in attributes if key.startswith("on")]
    assert all(str(attributes["src"]).startswith("data:") for _, attributes in found if "src" in attributes)
    assert all(str(attributes["href"])[:1] in "#d" for _, attributes in found if "href" in attributes)


@given(st.text())
def test_data_in_a_script_cannot_end_it_and_reads_back(text: str) -> None:
    written = data({"text": text})
    assert not set("<>&") & set(written)
    assert json.loads(written) == {"text": text}


def test_the_policy_names_the_very_script_and_style(workspace: Workspace) -> None:
    page = text_of(workspace)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    for element in ("style", "script"):
        source = re.search(rf"<{element}>(.*?)</{element}>", page, re.S)
        assert source
        expected = base64.b64encode(hashlib.sha256(source[1].encode()).digest()).decode()
        assert f"{element}-src &#x27;sha256-{expected}&#x27;" in policy[1]


def test_no_template_engine_is_loaded() -> None:
    code = "import sys, curation.pictures; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- what is missing is said ------------------------------------------------------------------------------


def test_a_view_without_an_axis_has_no_letters_and_a_measurement_without_a_value_says_why(workspace: Workspace) -> None:
    fill(workspace)
    folder = workspace.tables("project") / "views"
    views = [replace(row, detector_x_axis=()) for row in read_rows(View, workspace.tables("project"))]
    for part in folder.iterdir():
        part.unlink()
    write_parquet(to_arrow(View, views), folder / "a.parquet")
    unknown = replace(
        measurement("view-PA", "carinal_angle", 1.0, 2.0, ()), value=None, positive=None, reason="no carina"
    )
    write_parquet(to_arrow(Measurement, [unknown]), workspace.tables("measure") / "measurements" / "more.parquet")
    page = text_of(workspace)
    assert 'class="side' not in page
    assert "no carina" in page


def test_more_readers_than_a_matrix_can_hold_and_a_series_without_spacing(workspace: Workspace) -> None:
    fill(workspace)
    assert "Mean overlap of each pair" in text_of(workspace)
    more = [Agreement("object", "reader-b", f"reader-{number:02}", 0.9) for number in range(MAX_READERS)]
    write_parquet(to_arrow(Agreement, more), workspace.tables("consensus") / "agreement" / "more.parquet")
    for part in (workspace.tables("catalog") / "series").iterdir():
        part.unlink()
    page = text_of(workspace)
    assert "Mean overlap of each pair" not in page
    assert "400 voxels" in page

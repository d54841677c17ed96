"""The picture report in a real browser: it is quiet, its switches work, and hostile text does nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from curation.pictures import reading_of, report_page, write_page
from tests.browser import chromium
from tests.curation.picture_rows import HOSTILE, fill, made_reports, workspace_at

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


class Opened:
    """A page with all that it said and asked for."""

    def __init__(self, browser: Any, path: Path, width: int = 1280) -> None:
        self.page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())

    def drawn(self, label: str) -> int:
        """Outlines of a label that can be seen on the views."""
        boxes = self.page.locator(f'.view .mask[data-label="{label}"]')
        return sum(boxes.nth(number).is_visible() for number in range(boxes.count()))


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("PAXFLOW_VAULT", raising=False)
    workspace = workspace_at(tmp_path / "workspace")
    fill(workspace)
    return write_page(workspace)


def test_it_opens_without_a_word_and_without_the_network(browser: Any, path: Path) -> None:
    opened = Opened(browser, path)
    assert opened.page.title() == "paxflow picture report"
    widths = opened.page.locator("img").evaluate_all("all => all.map((one) => one.naturalWidth)")
    assert widths and all(width == 64 for width in widths)
    assert opened.said == []
    assert all(url.startswith(("file:", "data:")) for url in opened.asked)


def test_a_group_and_a_single_label_switch_outlines_on_every_view(browser: Any, path: Path) -> None:
    opened = Opened(browser, path)
    page, stage = opened.page, opened.page.locator("#view-0 .stage")
    assert (opened.drawn("heart"), opened.drawn("vertebrae T5")) == (2, 0)
    before = stage.screenshot()
    page.locator("input[data-group=spine]").check()
    assert opened.drawn("vertebrae T5") == 2
    assert stage.screenshot() != before
    page.locator("input[data-group=spine]").uncheck()
    page.locator(".group", has=page.locator("input[data-group=lungs]")).locator("summary").click()
    page.get_by_label("left lung").uncheck()
    page.mouse.move(0, 0)
    page.locator("#find").focus()
    assert (opened.drawn("left lung"), opened.drawn("right lung")) == (0, 2)
    assert page.locator("input[data-group=lungs]").evaluate("box => box.indeterminate")
    page.get_by_role("button", name="None").click()
    assert page.locator(".view .mask:visible").count() == 0
    page.get_by_role("button", name="All").click()
    assert page.locator(".view .mask:visible").count() == 10
    page.get_by_label("Measurement lines").uncheck()
    assert not page.locator("#view-0 .measure polyline").first.is_visible()


def test_the_pointer_names_what_it_is_on(browser: Any, path: Path) -> None:
    page = Opened(browser, path).page
    page.locator("#view-0 .stage").scroll_into_view_if_needed()
    box = page.locator("#view-0 .stage").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 16 / 64, box["y"] + box["height"] * 20 / 64)
    assert page.locator("#view-0 .readout").inner_text() == "right lung"


def test_a_mention_shows_what_was_read_and_where_it_lies_by_click_and_by_key(browser: Any, path: Path) -> None:
    page = Opened(browser, path).page
    mention = page.locator("#report-1 mark", has_text="pleural effusion")
    mention.click()
    card, panel = page.locator("#report-1 .card"), page.locator("#report-1 .place")
    assert mention.get_attribute("aria-pressed") == "true"
    assert card.locator("h4").inner_text().split() == ["pleural", "effusion", "+present"]
    for words in ("assertion.1", "time.worse", "9 mm", "at least 2", "rule.pleural_effusion", "ground.lung"):
        assert words in card.inner_text()
    assert panel.locator('.mask.hit.said-present[data-label="left lung"]').is_visible()
    assert "Another person's CT, for orientation only" in panel.inner_text()
    panel.get_by_role("button", name="LAT view 2").click()
    assert panel.get_by_role("button", name="LAT view 2").get_attribute("aria-pressed") == "true"
    page.locator("#report-0 mark.present").first.press("Enter")
    assert panel.count() == 0
    assert "This patient's own study" in page.locator("#report-0 .place").inner_text()


def test_a_sentence_shows_all_that_it_speaks_of(browser: Any, path: Path) -> None:
    page = Opened(browser, path).page
    page.locator("#report-1 .here").click()
    assert page.locator("#report-1 .card h4").inner_text() == "This sentence speaks of"
    assert page.locator('#report-1 .place .mask.said-normal[data-label="heart"]').is_visible()
    assert page.locator('#report-1 .place .mask.said-present[data-label="left lung"]').is_visible()


def test_a_label_shows_the_mention_that_decided_it(browser: Any, path: Path) -> None:
    page = Opened(browser, path).page
    page.locator("#report-1 button.chip", has_text="Pneumonia").press("Enter")
    assert "rule.pneumonia" in page.locator("#report-1 .card").inner_text()
    assert page.locator("#report-1 .place").count() == 0


def test_a_report_by_itself_opens_without_a_word(browser: Any, tmp_path: Path) -> None:
    readings = [reading_of(report, rows) for report, rows in made_reports()]
    path = tmp_path / "alone.html"
    path.write_text(report_page(readings), encoding="utf-8")
    opened = Opened(browser, path)
    opened.page.locator("#report-1 mark", has_text="pneumothorax").click()
    assert "rule.pneumothorax" in opened.page.locator("#report-1 .card").inner_text()
    opened.page.locator("#report-1 .all summary").click()
    assert opened.page.locator("#report-1 .mentions tbody tr").count() == 3
    assert opened.said == []
    assert all(url.startswith(("file:", "data:")) for url in opened.asked)


def test_reports_can_be_filtered_and_labels_found(browser: Any, path: Path) -> None:
    page = Opened(browser, path).page
    page.locator("#filter").select_option("label:Pneumonia")
    assert page.locator("#filtered").inner_text() == "2 of 2 reports"
    page.locator("#find").fill("verteb")
    assert page.locator(".group:visible").count() == 1
    assert page.get_by_label("vertebrae T5").is_visible()


@pytest.mark.parametrize("width", [1280, 700, 480])
def test_nothing_is_wider_than_the_window(browser: Any, path: Path, width: int) -> None:
    page = Opened(browser, path, width).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_hostile_text_is_inert_and_still_shown(browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAXFLOW_VAULT", raising=False)
    workspace = workspace_at(tmp_path / "hostile")
    fill(workspace, HOSTILE)
    opened = Opened(browser, write_page(workspace))
    page = opened.page
    page.get_by_role("button", name="All").click()
    for number in range(page.locator("[data-m]").count()):
        page.locator("[data-m]").nth(number).click()
    page.locator(".here").last.click()
    assert page.locator(".place .mask.hit").count() == 2
    page.locator("#filter").select_option(index=3)
    page.locator("input[data-group=findings]").uncheck()
    assert page.locator(".view .mask.g-findings:visible").count() == 0
    assert page.evaluate("window.harmed") is None
    assert page.locator("script").count() == 2
    assert HOSTILE in page.locator("#report-0 .text").text_content()
    assert opened.said == []
    assert all(url.startswith(("file:", "data:")) for url in opened.asked)

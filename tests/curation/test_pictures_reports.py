"""Reports on the page: marks in the text, cards that a click shows, and reports by themselves."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.pictures import report_page, write_page
from curation.pictures.cards import cards_of
from curation.pictures.marks import marked_text
from curation.pictures.readings import MAX_REPORTS, choose, reading_of
from curation.records import Assertion, Mention, Report, ReportLabel, Section, Temporality
from curation.store import to_arrow, write_parquet
from curation.workspace import Workspace
from tests.curation.picture_rows import fill, workspace_at


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.delenv("PAXFLOW_VAULT", raising=False)
    return workspace_at(tmp_path / "workspace")


def text_of(workspace: Workspace) -> str:
    return write_page(workspace).read_text(encoding="utf-8")


# --- marks in the text -----------------------------------------------------------------------------------


def mention(
    start: int,
    end: int,
    finding: str,
    assertion: Assertion = Assertion.PRESENT,
    temporality: Temporality = Temporality.UNSAID,
) -> Mention:
    return Mention(
        mention_id=f"{start}{finding}",
        report_id="r",
        section="findings",
        sentence_start=0,
        sentence_end=9,
        start=start,
        end=end,
        finding=finding,
        assertion=assertion,
        temporality=temporality,
        experiencer="patient",
        rule_id="rule",
        assertion_rule_id="by",
        temporality_rule_id="",
        laterality="",
        severity="",
        location=(),
        size_mm=None,
        count_min=None,
        count_max=None,
    )


def marked(text: str, *mentions: Mention) -> str:
    reading = reading_of(Report("r", "p", "", None, "local", "", text), mentions)
    return marked_text(reading, cards_of([reading], []))


def plain_text(page: str) -> str:
    """What remains without elements and signs."""
    without_signs = re.sub(r'<span class="sign[^>]*>.</span>', "", page)
    return re.sub(r"<[^>]+>", "", without_signs)


def test_overlapping_mentions_keep_the_text_and_both_names() -> None:
    page = marked("😀 abcdef", mention(2, 6, "one"), mention(4, 8, "two", Assertion.UNCERTAIN))
    assert plain_text(page) == "😀 abcdef"
    assert re.findall(r'<mark class="(\w+)"', page) == ["present", "uncertain", "uncertain"]
    assert "one: present [rule, by]; two: uncertain [rule, by]" in page


@given(
    st.text(alphabet="ab <&", max_size=12), st.lists(st.tuples(st.integers(-3, 15), st.integers(-3, 15)), max_size=4)
)
def test_marks_never_change_the_text(text: str, spans: list[tuple[int, int]]) -> None:
    page = marked(text, *(mention(start, end, str(place)) for place, (start, end) in enumerate(spans)))
    assert plain_text(page).replace("&lt;", "<").replace("&amp;", "&") == text


# --- what a click shows -----------------------------------------------------------------------------------


def cards_in(page: str) -> list[dict[str, Any]]:
    found = re.search(r'<script type="application/json" id="cards">(.*?)</script>', page)
    assert found
    cards: list[dict[str, Any]] = json.loads(found[1])
    return cards


def facts_of(card: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {fact["name"]: (fact["value"], fact["code"]) for fact in card["facts"]}


def test_a_card_tells_all_that_was_read_of_a_mention(workspace: Workspace) -> None:
    fill(workspace)
    pneumonia = next(card for card in cards_in(text_of(workspace)) if card["title"] == "pneumonia")
    assert (pneumonia["kind"], pneumonia["sign"], pneumonia["word"]) == ("uncertain", "?", "uncertain")
    assert facts_of(pneumonia) == {
        "concept": ("pneumonia", "UMLS C0032285 · HP:0002090"),
        "said to be": ("uncertain", "assertion.1"),
        "when": ("worse", "time.worse"),
        "side": ("left", ""),
        "severity": ("large", ""),
        "size": ("9 mm", ""),
        "number": ("at least 2", ""),
        "place": ("left lung", ""),
        "named by": ("findings", "rule.pneumonia"),
    }


def test_a_card_tells_where_a_mention_or_a_sentence_lies(workspace: Workspace) -> None:
    fill(workspace)
    cards = cards_in(text_of(workspace))
    effusion = next(card for card in cards if card["title"] == "pleural effusion")
    assert facts_of(effusion)["lies in"] == ("left lung", "ground.lung")
    assert effusion["places"][0] == {
        "view": 0,
        "title": "PA view 1",
        "label": "left lung",
        "name": "left lung",
        "box": [76, 16, 40, 80],
        "atlas": False,
        "says": "present",
    }
    sentence = next(card for card in cards if card["title"] == "This sentence speaks of")
    assert facts_of(sentence) == {"heart": ("normal", "ground.heart"), "left lung": ("present", "ground.left lung")}
    assert [(place["view"], place["label"]) for place in sentence["places"]] == [
        *((0, "heart"), (0, "left lung")),
        *((1, "heart"), (1, "left lung")),
    ]


def test_a_place_on_a_view_that_is_not_shown_is_told_but_not_drawn(workspace: Workspace) -> None:
    fill(workspace)
    for part in (workspace.tables("project") / "views").iterdir():
        part.unlink()
    page = text_of(workspace)
    assert all(card["places"] == [] for card in cards_in(page))
    assert "left lung, on a view that this page does not show" in page
    assert "◎" not in page[page.index("<article") :]


def test_what_the_users_dictionary_knows_is_told_of_mentions_and_marked_elsewhere(workspace: Workspace) -> None:
    fill(workspace)
    page = text_of(workspace)
    effusion = next(card for card in cards_in(page) if card["title"] == "pleural effusion")
    assert facts_of(effusion)["your dictionary"] == ("Pleural effusion, score 0.90", "C0000001")
    large = next(card for card in cards_in(page) if card["title"] == "Large")
    assert facts_of(large) == {
        "your dictionary": ("Large, score 0.50", "C0000002"),
        "may also be": ("Large size, score 0.25", "C0000003"),
        "said to be": ("present", "plain"),
        "when": ("stable", ""),
        "whose": ("somebody of the family", ""),
    }
    assert page.count('<mark class="linked" title="Large (C0000002)"') == 2
    assert "only in your dictionary" in page
    assert "only in your dictionary" not in alone()


def test_labels_of_a_second_set_are_folded_away(workspace: Workspace) -> None:
    fill(workspace)
    assert text_of(workspace).count("<details><summary><bdi>nih</bdi></summary>") == 2


def test_a_label_leads_to_the_mentions_that_decided_it(workspace: Workspace) -> None:
    fill(workspace)
    page = text_of(workspace)
    chip = re.search(r'<button class="chip uncertain"[^>]*data-m="(\d+)"', page)
    assert chip
    assert cards_in(page)[int(chip[1])]["title"] == "pneumonia"
    assert '<span class="chip present" title="present">' in page  # nothing known decided this one


def test_reports_that_are_not_chosen_are_counted(workspace: Workspace) -> None:
    fill(workspace)
    more = [Report(f"z{n:02}", "p", "", None, "local", "", "Text.") for n in range(MAX_REPORTS)]
    sections = [Section(row.report_id, 0, "findings", 0, 5, 0) for row in more]
    for rows in (more, sections):
        folder = workspace.tables(rows[0].about.stage) / rows[0].about.name
        write_parquet(to_arrow(type(rows[0]), rows), folder / "more.parquet")
    page = text_of(workspace)
    assert "2 more reports are not shown." in page
    assert page.count('<article class="report"') == MAX_REPORTS


# --- reports by themselves -------------------------------------------------------------------------------


def alone(*mentions: Mention) -> str:
    report = Report("r", "", "", None, "", "", "Old clot. Fluid on the left.")
    sections = [Section("r", 0, "findings", 0, len(report.text), 0)]
    return report_page([reading_of(report, [*sections, *mentions, ReportLabel("r", "Edema", None, ())])])


def test_a_report_by_itself_needs_no_workspace_and_no_image() -> None:
    page = alone(mention(10, 15, "pleural_effusion", Assertion.PRESENT, Temporality.NEW))
    assert page.startswith("<!DOCTYPE html>")
    assert "1 mined report" in page
    assert "<img" not in page
    assert 'data-m="0"' in page
    assert '<span class="sign">+</span>Fluid<span class="sign time">*</span></mark>' in page
    assert "1 finding is named: all as a table" in page
    assert page == alone(mention(10, 15, "pleural_effusion", Assertion.PRESENT, Temporality.NEW))


def test_what_is_not_of_this_examination_is_set_apart() -> None:
    old = mention(0, 8, "embolism", Assertion.PRESENT, Temporality.HISTORICAL)
    kin = replace(mention(10, 15, "pleural_effusion"), experiencer="other")
    page = alone(old, kin)
    assert page.count('<mark class="present aside" title=') == 2
    assert "historical (not counted)" in page
    assert "of the family (not counted)" in page
    assert [facts_of(card)["counts"][0] for card in cards_in(page)] == [
        "no: it is not a finding of this examination"
    ] * 2
    assert facts_of(cards_in(page)[1])["whose"] == ("somebody of the family", "")


def test_a_report_without_mentions_says_so() -> None:
    page = alone()
    assert "No label is mentioned." in page
    assert "<details" not in page


def labels(**states: Mapping[str, int | None]) -> list[ReportLabel]:
    return [ReportLabel(report, label, state, ()) for report, of in states.items() for label, state in of.items()]


def test_reports_are_chosen_own_images_first_then_uncertain_then_label_by_label() -> None:
    rows = labels(
        a={"Edema": 1},
        b={"Edema": 1},
        c={"Fracture": 1},
        d={"Edema": -1},
        e={"Edema": 0},
        f={"Edema": None},
        gone={"Edema": -1},
    )
    assert choose(rows, {"f"}, "fedcba") == ["f", "d", "a", "c", "b", "e"]


def test_a_common_uncertain_finding_leaves_room() -> None:
    many = labels(**{f"r{n:03}": {"Edema": -1} for n in range(90)}, z={"Fracture": 1})
    chosen = choose(many, set(), [f"r{n:03}" for n in range(90)] + ["z"])
    assert len(chosen) == MAX_REPORTS
    assert "z" in chosen

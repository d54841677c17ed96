"""Images of a study in order, its reports, and the words of their sections."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.recipes.report_pairs import RECIPE
from curation.recipes.studies import FRONTAL, LATERAL, Reports, first, images_by_study, joined
from curation.recipes.text_checks import expected, tells
from curation.records import Patient, ReleaseImage, Report, ReportLink, Section
from curation.release.opened import Opened
from curation.release.shards import Shards
from curation.release.sources import Sources
from curation.workspace import Workspace
from tests.releases import released
from tests.tables import WITHHELD, release_image, small

IN_ORDER = [
    release_image("f", view="PA"),
    release_image("g", view="PA"),
    release_image("a", view="AP"),
    release_image("b", view="PA", kind="projection"),
    release_image("c", view="AP", kind="projection"),
    release_image("d", view="LAT", kind="projection"),
    release_image("e", view="LAT"),
    release_image("h", view="RL", kind="projection"),
    release_image("i", view=""),
    release_image("j", view="LAO", kind="projection"),
]


@given(st.permutations(IN_ORDER))
def test_images_of_a_study_stand_in_one_order(images: list[ReleaseImage]) -> None:
    assert images_by_study(images) == {"study": IN_ORDER}


def test_studies_keep_to_themselves_and_the_first_image_of_a_view_may_be_missing() -> None:
    by_study = images_by_study([*IN_ORDER[5:], release_image("k", "other")])
    assert [image.image_id for image in by_study["other"]] == ["k"]
    assert first(by_study["study"], FRONTAL) is None
    assert first(by_study["study"], LATERAL) == IN_ORDER[5]


def test_bodies_are_joined_with_a_blank_line_and_empty_ones_leave_none() -> None:
    assert joined([" one\n", "  ", "two. "]) == "one\n\ntwo."
    assert joined([]) == ""


def report(
    name: str, text: str, day: date | None = None, licence: str = "LicenseRef-local", patient: str = "p"
) -> Report:
    return Report(name, patient, "", day, "local", licence, text)


def reports_of(root: Path, rows: list[Report], sections: list[Section], linked: bool = True) -> tuple[Reports, Sources]:
    patients = [Patient(name, "F", 1, 1) for name in sorted({row.patient_id for row in rows})]
    links = [ReportLink(row.report_id, "study") for row in rows] if linked else []
    workspace = small(root, patients, rows, sections, links)
    sources = Sources(workspace, workspace.settings.recipes["report-pairs"], Shards(root / "release"))
    return Reports(sources), sources


def test_of_several_reports_that_with_findings_comes_first_then_the_earliest(tmp_path: Path) -> None:
    texts = {name: f"FINDINGS: number {name} of them" for name in ("a", "b", "c", "d", "e")}
    days = {"a": date(2020, 1, 3), "b": None, "c": date(2020, 1, 2), "d": date(2020, 1, 2), "e": date(2020, 1, 1)}
    rows = [report(name, text, days[name]) for name, text in texts.items()]
    sections = [Section(row.report_id, 0, "findings", 0, len(row.text), 9) for row in rows if row.report_id != "e"]
    reports, _ = reports_of(tmp_path, rows, sections)
    assert [row.report_id for row in reports.of_study("study")] == ["c", "d", "a", "b", "e"]
    assert list(reports.of_study("another")) == []


def test_a_text_that_was_not_mined_is_all_preamble_and_no_text_has_no_section(tmp_path: Path) -> None:
    rows = [report("a", "Lungs are clear."), report("b", "")]
    reports, _ = reports_of(tmp_path, rows, [], linked=False)
    assert list(reports.sections(rows[0])) == [Section("a", 0, "preamble", 0, 16, 0)]
    assert list(reports.sections(rows[1])) == []
    assert reports.study_of("a") is None
    assert not reports.has(rows[0], "findings")


def test_withheld_words_are_known_and_not_said(tmp_path: Path) -> None:
    row = report("a", "FINDINGS: Clear.", licence=WITHHELD)
    reports, _ = reports_of(tmp_path, [row], [Section("a", 0, "findings", 0, 16, 9)])
    assert reports.has(row, "findings")
    assert reports.said(row, "findings") is None
    (answer,) = reports.answers()
    assert (answer.findings, answer.impression, answer.licence) == (None, None, WITHHELD)


def test_reports_are_compared_by_what_they_find_and_else_as_a_whole(tmp_path: Path) -> None:
    found = "Heart, lungs and bones of this person are as they should be in every way."
    rows = [
        report("a", f"HISTORY: Pain.\nFINDINGS: {found}", patient="p1"),
        report("b", f"HISTORY: A long story about something else.\nFINDINGS: {found}", patient="p2"),
        report("c", "HISTORY: A long story about something else.", patient="p3"),
        report("d", "", patient="p4"),
        report("e", "", patient="p5"),
    ]
    cuts = {"a": 15, "b": 44}
    sections = [
        section
        for name, cut in cuts.items()
        for section in (
            Section(name, 0, "indication", 0, cut, 8),
            Section(name, 1, "findings", cut, cut + 10 + len(found), cut + 9),
        )
    ]
    reports, sources = reports_of(tmp_path, rows, sections)
    assert [reports.group(name) for name in "abcde"] == ["a", "a", "c", "d", "e"]
    same = sources.split_of("p1") == sources.split_of("p2")
    assert len(reports.kept) == 5 if same else 4


def test_of_reports_that_say_the_same_in_two_splits_all_but_one_split_s_are_left_out(tmp_path: Path) -> None:
    rows = [report(f"r{n:02}", "FINDINGS: Lungs are clear today.", patient=f"p{n:02}") for n in range(40)]
    reports, sources = reports_of(tmp_path, rows, [])
    splits = {sources.split_of(row.patient_id) for row in rows}
    assert len(splits) > 1
    assert {sources.split_of(row.patient_id) for row in reports.kept} == {"train"}
    left_out = sources.left_out.values()
    assert len(left_out) + len(reports.kept) == 40
    assert {(row.kind, row.reason, row.twin_id) for row in left_out} == {
        ("report", "near_duplicate_report", reports.kept[0].report_id)
    }


@pytest.mark.xdist_group("varied")
def test_answers_are_whole_only_where_those_that_stand_apart_are_at_hand(varied: Workspace, tmp_path: Path) -> None:
    hidden = released(varied, RECIPE, tmp_path, hidden_test=True)
    alone = Opened(hidden.folder)
    pairs = hidden.table("pairs")
    assert (
        set(hidden.whole("texts")["report_id"]) == set(expected(hidden, pairs)["report_id"]) == set(pairs["report_id"])
    )
    assert set(alone.whole("texts")["report_id"]) == set(expected(alone, pairs)["report_id"])
    assert set(expected(alone, pairs)["split"]) == {"train", "valid"}
    words = pairs.with_columns(indication=pl.lit("words"))
    assert tells(hidden, words, "report_id", ["indication"])
    assert not tells(hidden, words.filter(pl.col("report_id") == "alone"), "report_id", ["indication"])

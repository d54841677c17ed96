"""The answers of a hidden test stand apart; nobody stands in two splits; planted faults are seen."""

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.errors import IntegrityError
from curation.records import (
    Agreement,
    AnnotationEvent,
    Answer,
    AnswerMark,
    Assertion,
    Consensus,
    Decision,
    EventKind,
    Grounding,
    Patient,
    Record,
    ReleaseBox,
    ReleaseImage,
    ReleaseLabel,
    ReleasePair,
    ReleasePhrase,
    ReleaseReport,
    ReleaseSimilar,
    ReleaseSplit,
    Role,
    Study,
    Task,
    Verdict,
)
from curation.release.checks.splits import wrong_splits
from curation.release.hidden import answers_that_show, hidden_ids, part, speaks
from curation.release.opened import CHECKSUMS, Opened
from curation.release.recipe import Rows
from curation.store import to_arrow, write_parquet

AT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
WHO = {"a": "train", "b": "train", "c": "valid", "d": "test", "e": "test"}
"""Patients and their splits."""
SPLITS = {
    f"{kind}-{name}": split for name, split in WHO.items() for kind in ("patient", "study", "series", "image")
} | {f"report-{name}": split for name, split in WHO.items()}


def image(name: str, **changed: Any) -> ReleaseImage:
    made = ReleaseImage(
        f"image-{name}", f"study-{name}", f"patient-{name}", WHO[name], f"series-{name}", "projection", "PA", "", 1, 1,
        1, 1, None, 8, "MONOCHROME2", "projection", f"{name}.png", f"file {name}", f"pixels {name}", "", 0, 0,
    )  # fmt: skip
    return replace(made, **changed)


def trail(name: str) -> list[Record]:
    """A question that was answered about a patient's image and about his report, and the events behind it."""
    task, patient = Task.LABEL_REVIEW, f"patient-{name}"
    rows: list[Record] = []
    for one in (f"image-{name}", f"report-{name}"):
        event, given, case = f"event-{one}", f"given-{one}", f"case-{one}"
        verdict = (Verdict.AGREED, "majority", 1.0, 1.0, 1, ("reader",), (event,))
        rows += [
            Decision(f"decision-{one}", task, one, patient, "Edema", "present", *verdict),
            Answer(given, "Edema", case, "week", task, one, patient, "reader", Role.ROUTED, 0, "present", event, False),
            AnswerMark(given, 0, case, task, one, "reader", "Edema", "", (), (), "", 0, 1, event),
            AnnotationEvent(
                event, given, "week", case, "", EventKind.SUBMITTED, AT, "reader", "reader", None, "", False, "[]"
            ),
        ]
    place = ((0, 0, 0), (1, 1, 1), (0,), 1)
    return [
        *rows,
        Consensus(
            f"consensus-{name}", f"series-{name}", "nodule", "staple", ("reader",), 1, (f"object-{name}",), *place
        ),
        Agreement(f"consensus-{name}", "reader", "other", 0.5),
        ReleaseLabel(f"image-{name}", "Edema", "readers", f"decision-image-{name}", 1),
        ReleaseLabel(f"image-{name}", "Edema", "measurement", "cardiomegaly", 1),
        ReleaseLabel(f"image-{name}", "Edema", "nobody", "", 1),
    ]


def tables_of(rows: Iterable[Record]) -> dict[str, Rows]:
    """By the name of a release's file."""
    made: dict[str, tuple[type[Record], list[Record]]] = {}
    for row in rows:
        made.setdefault(row.about.name.removeprefix("release_"), (type(row), []))[1].append(row)
    return dict(made)


def everything() -> dict[str, Rows]:
    return tables_of([row for name in WHO for row in (image(name), *trail(name))])


TRAIL = ("decisions", "answers", "answer_marks", "annotation_events", "consensus", "agreement", "labels")


# --- part ------------------------------------------------------------------------------------------------


@given(st.permutations(list(everything())))
def test_every_row_of_the_trail_of_a_hidden_patient_stands_apart_in_any_order(order: Sequence[str]) -> None:
    tables = everything()
    passed, apart = part({name: tables[name] for name in order}, TRAIL, SPLITS)
    assert passed["images"] == tables["images"]
    assert {*apart} == {*TRAIL}
    for name in TRAIL:
        assert apart[name] == (tables[name][0], [row for row in tables[name][1] if of_hidden(row)])
        assert passed[name] == (tables[name][0], [row for row in tables[name][1] if not of_hidden(row)])
        assert apart[name][1]


def of_hidden(row: Record) -> bool:
    """By its text alone: every id of these rows ends in its patient."""
    values = [value for field in fields(row) for value in [getattr(row, field.name)]]  # type: ignore[arg-type]
    flat = [one for value in values for one in (value if isinstance(value, tuple) else (value,))]
    return any(str(one).endswith(("-d", "-e")) for one in flat)


def test_a_list_of_nearest_reports_says_something_of_both() -> None:
    rows = [
        ReleaseSimilar(f"report-{query}", "", 1, f"report-{candidate}", 0.9, "m", WHO[query], WHO[candidate])
        for query, candidate in (("a", "b"), ("a", "d"), ("d", "a"), ("c", "a"))
    ]
    passed, apart = part(tables_of(rows), ("similar",), SPLITS)
    assert [row.query_id for row in passed["similar"][1]] == ["report-a", "report-c"]  # type: ignore[attr-defined]
    assert len(apart["similar"][1]) == 2


def test_a_report_placed_on_the_ct_of_a_hidden_patient_hides_no_mention_of_its_own() -> None:
    shown = Grounding("m1", "image-d", "heart", "atlas", "report-a", "edema", Assertion.PRESENT, (0, 0, 1, 1), "r")
    other = Grounding("m1", "image-a", "heart", "study", "report-a", "edema", Assertion.PRESENT, (0, 0, 1, 1), "r")
    passed, apart = part(tables_of([shown, other]), ("groundings",), SPLITS)
    assert (passed["groundings"][1], apart["groundings"][1]) == ([other], [shown])


def test_tables_that_are_no_answers_are_passed_on_whole() -> None:
    tables = everything()
    assert part(tables, (), SPLITS) == (tables, {})


def test_a_table_of_answers_that_is_not_made_is_a_fault() -> None:
    with pytest.raises(IntegrityError, match="makes no masks"):
        part(everything(), ("labels", "masks"), SPLITS)


# --- check -----------------------------------------------------------------------------------------------


def release_of(folder: Path, tables: dict[str, Rows], apart: dict[str, Rows] | None = None) -> Opened:
    for place, made in ((folder / "release", tables), (folder / "answers", apart or {})):
        for name, (record, rows) in made.items():
            write_parquet(to_arrow(record, rows), place / f"{name}.parquet")
        place.mkdir(parents=True, exist_ok=True)
        (place / CHECKSUMS).write_text("")
    return Opened(folder / "release", None if apart is None else folder / "answers")


def spine() -> dict[str, Rows]:
    return tables_of(
        [
            row
            for name, split in WHO.items()
            for row in (
                image(name),
                ReleaseSplit(f"patient-{name}", split, "derived", "salt", ""),
                Patient(f"patient-{name}", "F", 1, 1),
                Study(f"study-{name}", f"patient-{name}", "", None, None, (), 1),
                report(name),
            )
        ]
    )


def report(name: str, **changed: Any) -> ReleaseReport:
    made = ReleaseReport(
        f"report-{name}", f"patient-{name}", f"study-{name}", WHO[name], None, "local", "", f"report-{name}", 0, None
    )
    return replace(made, **changed)


@pytest.mark.parametrize("name", TRAIL)
@pytest.mark.parametrize("at_hand", [True, False])
def test_an_answer_of_a_hidden_patient_is_seen(tmp_path: Path, name: str, at_hand: bool) -> None:
    passed, apart = part(spine() | everything(), TRAIL, SPLITS)
    release = release_of(tmp_path, passed, apart if at_hand else None)
    assert answers_that_show(release, (*TRAIL, "no such table")) == []
    record, rows = passed[name]
    leaky = passed | {name: (record, [*rows, apart[name][1][0]])}
    leaked = release_of(tmp_path / "copy", leaky, apart if at_hand else None)
    told = at_hand or name not in {"annotation_events", "agreement"}
    assert answers_that_show(leaked, TRAIL) == [f"{name}: an answer of the hidden split stands in the release"] * told


def test_a_split_that_a_row_says_of_itself_is_enough(tmp_path: Path) -> None:
    release = release_of(tmp_path, spine())
    rows = pl.DataFrame({"report_id": ["x", "y", "report-d"], "query_split": ["test", "train", None]})
    assert speaks(rows, hidden_ids(release)).to_list() == [True, False, True]


def test_lists_of_images_are_looked_into(tmp_path: Path) -> None:
    hidden = hidden_ids(release_of(tmp_path, spine()))
    rows = pl.DataFrame({"image_ids": [["image-a", "image-d"], ["image-a"], []]})
    assert speaks(rows, hidden).to_list() == [True, False, False]


# --- splits ----------------------------------------------------------------------------------------------


def grown() -> dict[str, Rows]:
    """A release as it should be, with rows of every kind that names a patient, image or report."""
    more = [
        row
        for name, split in WHO.items()
        for row in (
            pair(name),
            phrase(name, f"image-{name}", "study"),
            phrase(name, "image-d", "atlas"),
            ReleaseSimilar(f"report-{name}", "", 1, "report-d", 0.9, "m", split, "test"),
        )
    ]
    return spine() | everything() | tables_of(more) | {"boxes_test": (ReleaseBox, [box("d")])}


def pair(name: str, **changed: Any) -> ReleasePair:
    made = ReleasePair(
        report_id=f"report-{name}",
        study_id=f"study-{name}",
        patient_id=f"patient-{name}",
        split=WHO[name],
        image_ids=(f"image-{name}",),
        views=("PA",),
        key_image_id=f"image-{name}",
        lateral_id=None,
        indication=None,
        comparison=None,
        technique=None,
        flags=(),
        duplicate_group=f"report-{name}",
    )
    return replace(made, **changed)


def phrase(name: str, on: str, reference: str) -> ReleasePhrase:
    said = (Assertion.PRESENT, "", "", reference, (0, 0, 1, 1), "")
    return ReleasePhrase(f"report-{name}", 0, "edema", on, reference, 1, f"patient-{name}", WHO[name], *said)


def box(name: str, on: str = "") -> ReleaseBox:
    place = (0.0, 0.0, 1.0, 1.0)
    return ReleaseBox(on or f"image-{name}", "reader", 0, 0, f"patient-{name}", "Nodule", *place, None, "reading", "e")


def test_a_release_as_it_should_be_has_nothing_wrong(tmp_path: Path) -> None:
    assert [*wrong_splits(release_of(tmp_path, grown(), {}))] == []


def changed(name: str, row: Record, at: int = 0) -> dict[str, Rows]:
    """A copy with one row changed for another."""
    tables = grown()
    record, rows = tables[name]
    return tables | {name: (record, [*rows[:at], row, *rows[at + 1 :]])}


def more(name: str, row: Record) -> dict[str, Rows]:
    """A copy with a row more."""
    tables = grown()
    return tables | {name: (type(row), [*tables.get(name, (type(row), ()))[1], row])}


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        (changed("splits", ReleaseSplit("patient-a", "dev", "derived", "", "")), "splits: a split is none of train, "),
        (changed("splits", ReleaseSplit("nobody", "train", "derived", "", "")), "images: a patient has no split"),
        (changed("images", image("a", split="test")), "images: a row is in another split than its patient_id"),
        (changed("images", image("a", study_id="study-d")), "images: a row is in another split than its study_id"),
        (
            changed("images", image("a", study_id="study-b")),
            "images: a row is of another patient than its study_id",
        ),
        (
            changed("pairs", pair("a", image_ids=("image-a", "image-b"))),
            "pairs: a row is of another patient than its image_ids",
        ),
        (changed("reports", report("a", split="test")), "reports: a row is in another split than its report_id"),
        (
            changed("pairs", pair("a", image_ids=("image-a", "image-d"))),
            "pairs: a row is in another split than its image_ids",
        ),
        (changed("pairs", pair("a", lateral_id="image-d")), "pairs: a row is in another split than its lateral_id"),
        (
            changed("pairs", pair("d", patient_id="patient-a"), 3),
            "pairs: a row is in another split than its patient_id",
        ),
        (changed("phrases", phrase("a", "image-d", "study")), "phrases: a row is in another split than its image_id"),
        (
            changed("similar", ReleaseSimilar("report-a", "", 1, "report-d", 0.9, "m", "train", "train")),
            "similar: a row is in another split than its candidate_id",
        ),
        (more("boxes_test", box("a")), "boxes_test: a row is in another split than its patient_id"),
        (more("boxes", box("a", on="image-d")), "boxes: a row is in another split than its image_id"),
        (changed("images", image("a", pixel_sha256="pixels d")), "images: the same pixels stand in two splits"),
        (changed("images", image("a", sha256="file d")), "images: the same file stands in two splits"),
        (
            changed("reports", report("a", duplicate_group="report-d")),
            "pairs, reports: reports that say nearly the same stand in two splits",
        ),
    ],
)
def test_a_planted_fault_is_seen(tmp_path: Path, tables: dict[str, Rows], says: str) -> None:
    found = [*wrong_splits(release_of(tmp_path, tables))]
    assert [line for line in found if line.startswith(says)]
    assert not [line for line in found if "-a" in line or "-d" in line]


def test_a_patient_with_two_rows_is_seen(tmp_path: Path) -> None:
    release = release_of(tmp_path, grown())
    rows = release.table("splits")
    path = release.folder / "splits.parquet"
    pl.concat([rows, rows.head(1).with_columns(split=pl.lit("test"))]).write_parquet(path)
    found = [*wrong_splits(Opened(release.folder))]
    assert found[0] == "splits: a patient stands in more than one row"
    assert "images: a row is in another split than its patient_id" in found


def test_the_same_pixels_may_stand_twice_in_one_split(tmp_path: Path) -> None:
    tables = changed("images", image("a", pixel_sha256="pixels b", sha256="file b"))
    assert [*wrong_splits(release_of(tmp_path, tables))] == []


def test_a_report_is_compared_with_those_that_stand_apart(tmp_path: Path) -> None:
    record, rows = grown()["reports"]
    hidden = [row for row in rows if of_hidden(row)]
    tables = grown() | {"reports": (record, [row for row in rows if not of_hidden(row)])}
    near = [replace(row, duplicate_group="report-a") for row in hidden]  # type: ignore[type-var]
    assert [*wrong_splits(release_of(tmp_path / "right", tables, {"reports": (record, hidden)}))] == []
    found = [*wrong_splits(release_of(tmp_path / "wrong", tables, {"reports": (record, near)}))]
    assert found == ["pairs, reports: reports that say nearly the same stand in two splits"]

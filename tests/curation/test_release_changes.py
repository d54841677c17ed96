"""What differs between two versions, against a plain comparison of dictionaries, and why."""

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curation.records import (
    Mask,
    Patient,
    Record,
    ReleaseImage,
    ReleaseLabel,
    ReleaseLeftOut,
    ReleaseReport,
    ReleaseSection,
    ReleaseSplit,
    ReleaseTarget,
    Study,
)
from curation.release.changes import Difference, diff, markdown, write_changes
from curation.release.files import write_checksums, write_json, write_tables
from curation.release.opened import Opened

SPINE: dict[str, type[Record]] = {
    "images": ReleaseImage,
    "studies": Study,
    "patients": Patient,
    "splits": ReleaseSplit,
    "left_out": ReleaseLeftOut,
}
PARAMETERS = {
    "mine": {"version": 2},
    "measure": {"version": 3, "limits": {}},
    "project": {"version": 3},
    "recipe": {"split_salt": "paxflow", "since": "v1.0.0"},
}


def image(number: int, patient: int = 0, study: int = 0, **changed: Any) -> ReleaseImage:
    """An image of a patient's study."""
    return ReleaseImage(
        **{
            **dict.fromkeys(("laterality", "photometric", "grey", "file_name", "sha256", "shard"), ""),
            **dict.fromkeys(("rows", "columns", "original_rows", "original_columns", "bits", "offset", "length"), 1),
            "image_id": f"i{number}",
            "study_id": f"s{study}",
            "patient_id": f"p{patient}",
            "split": "train",
            "series_id": f"c{study}",
            "kind": "projection",
            "view": "PA",
            "pixel_spacing_mm": None,
            "pixel_sha256": f"{number}",
            **changed,
        }
    )


Tables = dict[str, Sequence[Record]]


def release(
    folder: Path, tables: Mapping[str, Sequence[Record]], parameters: dict[str, Any] = PARAMETERS, package: str = "1"
) -> Opened:
    """A release of some tables; patients, studies and splits follow from its images."""
    images = [row for row in tables.get("images", ()) if isinstance(row, ReleaseImage)]
    rows: dict[str, Sequence[Record]] = {
        "images": images,
        "studies": [*{i.study_id: Study(i.study_id, i.patient_id, "", None, None, (), 1) for i in images}.values()],
        "patients": [*{i.patient_id: Patient(i.patient_id, "F", 1, 0) for i in images}.values()],
        "splits": [*{i.patient_id: ReleaseSplit(i.patient_id, i.split, "derived", "", "") for i in images}.values()],
        "left_out": [],
        **tables,
    }
    typed = {name: (SPINE.get(name) or type(own[0]), own) for name, own in rows.items()}
    written = write_tables(folder, typed)
    made = {
        "recipe": "paxray",
        "parameters": parameters,
        "packages_at_release": {"numpy": package},
        "tables": written,
    }
    write_json(folder / "provenance.json", made)
    write_checksums(folder)
    return Opened(folder)


def label(number: int, name: str, source: str, state: int | None) -> ReleaseLabel:
    return ReleaseLabel(f"i{number}", name, source, "", state)


def reasons(difference: Difference, table: str) -> list[tuple[str, str, str, str]]:
    """Key, what, columns and reason of a table's rows that differ."""
    return difference.rows.filter(table=table).select("key", "what", "columns", "reason").rows()


# --- against dictionaries --------------------------------------------------------------------------------

VALUES = st.tuples(st.sampled_from([None, 0.5, 1.5]), st.lists(st.integers(0, 2), max_size=2).map(tuple))
MASKS = st.dictionaries(st.tuples(st.integers(0, 3), st.sampled_from("ab")), VALUES, max_size=6)


@given(MASKS, MASKS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_rows_differ_as_dictionaries_do(
    tmp_path_factory: pytest.TempPathFactory, old: dict[Any, Any], new: dict[Any, Any]
) -> None:
    folder = tmp_path_factory.mktemp("diff")
    filler = {(9, "z"): (None, ())}
    versions = [
        release(
            folder / name,
            {
                "images": [image(number) for number in range(4)],
                "masks": [
                    Mask(f"i{i}", name, 0, "segment", "", 0, box, thickness)
                    for (i, name), (thickness, box) in (masks | filler).items()
                ],
            },
        )
        for name, masks in (("old", old), ("new", new))
    ]
    found = diff(*versions)
    names = ("box", "mean_thickness_mm")
    expected = set()
    for key in old.keys() | new.keys():
        if key not in old or key not in new:
            expected.add((f"i{key[0]}|{key[1]}", "added" if key in new else "removed", ""))
        elif old[key] != new[key]:
            pairs = zip(names, reversed(old[key]), reversed(new[key]), strict=True)
            expected.add((f"i{key[0]}|{key[1]}", "changed", ", ".join(name for name, a, b in pairs if a != b)))
    assert {row[:3] for row in reasons(found, "masks")} == expected
    assert len(found.rows) == len(expected)
    counts = found.tables["masks"]
    kinds = [what for _, what, _ in expected]
    assert (counts.added, counts.removed, counts.changed) == tuple(map(kinds.count, ("added", "removed", "changed")))
    assert counts.columns == {
        name: n for name in sorted(names) if (n := sum(name in columns.split(", ") for *_, columns in expected))
    }


# --- reasons ---------------------------------------------------------------------------------------------


def test_what_comes_says_whether_patient_study_or_image_is_new(tmp_path: Path) -> None:
    old = release(tmp_path / "old", {"images": [image(0)], "labels": [label(0, "Edema", "report", 1)]})
    new_images = [image(0), image(1), image(2, study=1), image(3, patient=1, study=2)]
    new = release(
        tmp_path / "new", {"images": new_images, "labels": [label(n, "Edema", "report", 1) for n in range(4)]}
    )
    came = [
        ("i1", "added", "", "new image"),
        ("i2", "added", "", "new study"),
        ("i3", "added", "", "new patient"),
    ]
    found = diff(old, new)
    assert reasons(found, "images") == came
    assert [row[3] for row in reasons(found, "labels")] == ["new image", "new study", "new patient"]
    assert reasons(found, "splits") == [("p1", "added", "", "new patient")]
    gone = diff(new, old)
    assert [row[1:] for row in reasons(gone, "images")] == [
        ("removed", "", f"its {what} is gone") for what in ("image", "study", "patient")
    ]


def test_reports_that_come_with_a_new_table_are_new(tmp_path: Path) -> None:
    def report(number: int) -> ReleaseReport:
        return ReleaseReport(f"r{number}", "p0", None, "train", None, "local", "", "", 0, None)

    def section(number: int) -> ReleaseSection:
        return ReleaseSection(f"r{number}", 0, "findings", "train", 0, 0, 0, None)

    base: Tables = {"images": [image(0)], "sections": [section(0)]}
    old = release(tmp_path / "old", base)
    new = release(tmp_path / "new", base | {"reports": [report(1)], "sections": [section(0), section(1)]})
    assert reasons(diff(old, new), "sections") == [("r1|0", "added", "", "new report")]


def test_what_was_left_out_says_so(tmp_path: Path) -> None:
    held = ReleaseLeftOut("image", "i1", "p0", "train", "duplicate_image", "i0")
    whole = release(tmp_path / "old", {"images": [image(0), image(1)]})
    tables: Tables = {"images": [image(0)], "left_out": [held]}
    less = release(tmp_path / "new", tables)
    assert reasons(diff(whole, less), "images") == [("i1", "removed", "", "left out: duplicate_image")]
    assert reasons(diff(less, whole), "images") == [("i1", "added", "", "no longer left out: duplicate_image")]


def test_labels_say_which_source_changed(tmp_path: Path) -> None:
    sources = ("report", "measurement", "readers", "other-labeler")

    def said(state: int) -> Tables:
        return {"images": [image(0)], "labels": [label(0, name, name, state) for name in sources]}

    old, new = said(0), said(1)
    before = release(tmp_path / "old", old)
    found = reasons(diff(before, release(tmp_path / "new", new)), "labels")
    assert {row[0].split("|")[1]: row[3] for row in found} == {
        "report": "its report says otherwise",
        "measurement": "measured otherwise",
        "readers": "readers decided",
        "other-labeler": "a labeler says otherwise",
    }
    assert {row[2] for row in found} == {"state"}
    mined = PARAMETERS | {"mine": {"version": 3}, "measure": {"version": 3, "limits": {"cardiomegaly": [0.5]}}}
    anew = reasons(diff(before, release(tmp_path / "mined", new, mined)), "labels")
    assert {row[0].split("|")[1]: row[3] for row in anew} == {
        "report": "made anew: mine.version changed",
        "measurement": "made anew: measure.limits.cardiomegaly changed",
        "readers": "readers decided",
        "other-labeler": "a labeler says otherwise",
    }


def test_targets_say_which_source_decides_now(tmp_path: Path) -> None:
    def target(source: str, state: int) -> ReleaseTarget:
        return ReleaseTarget("i0", "chexpert", "Edema", "train", state, state, source, "", 1, contradicted=False)

    old = release(tmp_path / "old", {"images": [image(0)], "targets": [target("report", 0)]})
    new = release(tmp_path / "new", {"images": [image(0)], "targets": [target("readers", 1)]})
    assert reasons(diff(old, new), "targets") == [
        ("i0|chexpert|Edema", "changed", "state, target, source", "readers decided")
    ]


def test_a_patient_that_moves_says_by_which_rule(tmp_path: Path) -> None:
    old = release(tmp_path / "old", {"images": [image(0)]})
    moved = {"images": [image(0, split="test")]}
    found = diff(old, release(tmp_path / "new", moved))
    assert reasons(found, "splits") == [("p0", "changed", "split", "its patient moved, though no rule changed")]
    assert reasons(found, "images") == [("i0", "changed", "split", "its patient moved")]
    salted = PARAMETERS | {"recipe": {"split_salt": "other", "since": "v2.0.0"}}
    found = diff(old, release(tmp_path / "salted", moved, salted))
    assert reasons(found, "splits")[0][3] == "the split's rule changed: recipe.split_salt"
    assert found.parameters == {"recipe.split_salt": ("paxflow", "other")}


def test_where_bytes_lie_is_no_change(tmp_path: Path) -> None:
    old = release(tmp_path / "old", {"images": [image(0)]})
    new = release(tmp_path / "new", {"images": [image(0, shard="images/b.tar", offset=512, length=7)]})
    assert diff(old, new).rows.is_empty()


def test_tables_and_columns_that_come_and_go_are_named(tmp_path: Path) -> None:
    old = release(tmp_path / "old", {"images": [image(0)], "labels": [label(0, "Edema", "report", 1)]})
    mask = Mask("i0", "heart", 0, "segment", "", 0, (), None)
    new = release(tmp_path / "new", {"images": [image(0)], "masks": [mask]}, package="2")
    images = new.table("images").drop("grey").with_columns(pl.col("rows").cast(pl.Float64), extra=pl.lit(1))
    images.write_parquet(new.folder / "images.parquet")
    new = Opened(new.folder)
    found = diff(old, new)
    assert found.schema == (
        "images: column extra is new",
        "images: column grey is gone",
        "images: column rows was Int64 and is Float64",
        "table labels is gone",
        "table masks is new",
    )
    assert reasons(found, "labels")[0][1:] == ("removed", "", "the table is gone")
    assert reasons(found, "masks")[0][1:] == ("added", "", "the table is new")
    page = markdown(found)
    assert "## Columns\n\n- images: column extra is new" in page
    assert '- `numpy`: `"1"` → `"2"`' in page


# --- written ---------------------------------------------------------------------------------------------


def test_the_first_version_says_that_it_is_the_first(tmp_path: Path) -> None:
    only = release(tmp_path / "only", {"images": [image(0)]})
    write_changes(only, None)
    assert "first version" in (only.folder / "CHANGES.md").read_text()
    assert gzip.decompress((only.folder / "changes.csv.gz").read_bytes()) == b"table,key,what,columns,reason\n"


def test_the_page_names_some_keys_and_the_table_all(tmp_path: Path) -> None:
    old = release(tmp_path / "old", {"images": [image(0)]})
    new = release(tmp_path / "new", {"images": [image(number) for number in range(30)]}, PARAMETERS | {"mine": {}})
    write_changes(new, old)
    page = (new.folder / "CHANGES.md").read_text()
    assert "| images | 29 | 0 | 0 |  |" in page
    assert "**images: 29 added, new image**" in page
    assert page.count("`i") == 20
    assert "- `mine.version`: `2` → not set" in page
    assert len(pl.read_csv(new.folder / "changes.csv.gz")) == 29
    assert "No row differs." in markdown(diff(old, old))
    assert json.loads((new.folder / "provenance.json").read_text())["recipe"] == "paxray"


def test_half_of_many_rows_are_found_to_have_changed(tmp_path: Path) -> None:
    keys = pl.DataFrame({"n": range(200_000)})
    base = release(tmp_path / "old", {"images": [image(0)], "labels": [label(0, "Edema", "report", 1)]})
    other = release(tmp_path / "new", {"images": [image(0)], "labels": [label(0, "Edema", "report", 1)]})
    for version, state in ((base, 0), (other, 1)):
        keys.select(
            pl.lit("i0").alias("image_id"),
            pl.format("L{}", "n").alias("label"),
            pl.lit("report").alias("source"),
            pl.lit("").alias("source_id"),
            pl.when(pl.col("n") % 2 == 0).then(pl.lit(state)).otherwise(0).cast(pl.Int64).alias("state"),
            pl.lit("chexpert").alias("label_set"),
        ).write_parquet(version.folder / "labels.parquet")
    found = diff(Opened(base.folder), Opened(other.folder))
    assert found.tables["labels"].changed == 100_000

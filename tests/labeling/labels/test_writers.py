import gzip
import json
from pathlib import Path

import polars as pl
import pytest

from curation.errors import UsageError
from labeling.labels.writers import FORMATS, write_labels, write_table
from tests.labeling.labels.files import lines, reading, said, source, text

STUDIES = "study_id,subject_id,Edema,Atelectasis,No Finding\n50,10,1,-1,\n51,10,0,,1\n"


def test_mimic_s_table(tmp_path: Path) -> None:
    out = tmp_path / "out.csv.gz"
    write_labels(source(text(tmp_path / "in.csv", STUDIES)), out, "mimic-csv", "keep")
    assert gzip.decompress(out.read_bytes()).decode() == (
        "subject_id,study_id,Atelectasis,Edema,No Finding\n10,50,-1.0,1.0,\n10,51,,0.0,1.0\n"
    )


def test_mimic_s_table_with_a_policy(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    write_labels(source(text(tmp_path / "in.csv", STUDIES)), out, "mimic-csv", {"Atelectasis": "positive"})
    assert out.read_text(encoding="utf-8").splitlines()[1] == "10,50,1.0,1.0,"


@pytest.mark.parametrize(
    ("states", "policy", "wanted"),
    [
        ({"Effusion": 1, "Mass": 1, "Nodule": 0}, "keep", "Effusion|Mass"),
        ({"Effusion": -1, "Mass": 1}, "positive", "Effusion|Mass"),
        ({"No Finding": 1, "Effusion": 0}, "keep", "No Finding"),
        ({"Effusion": -1, "Mass": 0}, "negative", "No Finding"),
        ({"Effusion": -1, "Mass": 0}, "ignore", ""),
        ({"Effusion": -1, "Mass": 0}, "keep", ""),
        ({"Effusion": -1, "Mass": -1}, {"Effusion": "negative", "*": "ignore"}, ""),
        ({"Effusion": 0, "Mass": None}, "keep", ""),
    ],
)
def test_a_column_with_bars_between(
    tmp_path: Path, states: dict[str, int | None], policy: str | dict[str, str], wanted: str
) -> None:
    read = source(lines(tmp_path / "in.jsonl", {"Image Index": "x.png", "labels": states}), reading("nih"))
    write_labels(read, tmp_path / "out.csv", "nih-csv", policy)
    shown = f"x.png,{wanted or chr(34) * 2}\n"
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == f"Image Index,Finding Labels\n{shown}"


def test_lines_keep_raw_states_where_the_policy_changed_them(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    write_labels(source(text(tmp_path / "in.csv", STUDIES)), out, "jsonl", "ignore")
    first, second = map(json.loads, out.read_text(encoding="utf-8").splitlines())
    assert first["labels"] == {"No Finding": None, "Edema": 1, "Atelectasis": None}
    assert first["raw_labels"] == {"No Finding": None, "Edema": 1, "Atelectasis": -1}
    assert second == {
        "study_id": "51",
        "subject_id": "10",
        "labels": {"No Finding": 1, "Edema": 0, "Atelectasis": None},
    }


def test_a_long_table_keeps_raw_states_and_probabilities(tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    write_labels(source(text(tmp_path / "in.csv", "id,Edema\na,0.75\nb,\n")), out, "parquet", "keep")
    assert pl.read_parquet(out).rows() == [("a", "Edema", 1, 1, 0.75), ("b", "Edema", None, None, None)]
    write_labels(source(text(tmp_path / "in.csv", STUDIES)), out, "parquet", "negative")
    columns = ["study_id", "subject_id", "label", "state", "raw_state", "probability"]
    assert pl.read_parquet(out).columns == columns
    assert pl.read_parquet(out).row(2) == ("50", "10", "Atelectasis", 0, -1, None)


@pytest.mark.parametrize("layout", ["mimic-csv", "jsonl", "parquet"])
def test_what_was_written_is_read_again(tmp_path: Path, layout: str) -> None:
    read = source(text(tmp_path / "in.csv", STUDIES))
    path = tmp_path / f"out.{layout.removeprefix('mimic-')}"
    write_labels(read, path, layout, "keep")
    again = source(path)
    assert (said(again), again.labels) == (said(read), read.labels)


def test_the_same_labels_give_the_same_bytes(tmp_path: Path) -> None:
    read = source(text(tmp_path / "in.csv", STUDIES))
    for layout in FORMATS:
        for name in ("one.gz", "two.gz"):
            write_labels(read, tmp_path / name, layout, "keep")
        assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "two.gz").read_bytes()


def test_unknown_formats_and_endings_are_refused(tmp_path: Path) -> None:
    read = source(text(tmp_path / "in.csv", STUDIES))
    with pytest.raises(UsageError, match="did you mean 'mimic-csv'"):
        write_labels(read, tmp_path / "out", "mimic", "keep")
    with pytest.raises(UsageError, match="expected a name that ends"):
        write_table(read.frame, tmp_path / "out.xlsx")
    assert not list(tmp_path.glob("out*"))


def test_a_table_as_its_name_says(tmp_path: Path) -> None:
    table = pl.DataFrame({"id": ["a"], "n": [1]})
    for name in ("t.csv", "t.csv.gz", "t.parquet"):
        write_table(table, tmp_path / name)
    assert pl.read_csv(tmp_path / "t.csv").equals(table)
    assert pl.read_csv(tmp_path / "t.csv.gz").equals(table)
    assert pl.read_parquet(tmp_path / "t.parquet").equals(table)

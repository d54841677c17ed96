import gzip
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curation.errors import InputError, UsageError
from labeling.labels.sets import label_set
from labeling.labels.thresholds import parse_thresholds
from tests.labeling.labels.files import lines, reading, said, source, text

CHEXPERT = label_set("chexpert").labels


def test_lines_of_states(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "a.jsonl",
        {"id": "r1", "labels": {"Edema": 1, "Fracture": None, "Pneumonia": 0}, "modifiers": {}},
        {"id": 2, "subject_id": "s", "labels": {"Fracture": -1, "Edema": 0.0}},
    )
    found = source(path)
    assert found.labels == ("Edema", "Pneumonia", "Fracture")
    assert said(found) == {("r1", "Edema"): 1, ("r1", "Pneumonia"): 0, ("2", "Edema"): 0, ("2", "Fracture"): -1}
    assert found.frame["id"].to_list() == ["r1"] * 3 + ["2"] * 3
    assert found.keys.to_dicts() == [{"id": "r1", "subject_id": None}, {"id": "2", "subject_id": "s"}]
    assert not found.has_probabilities


def test_lines_that_list_what_is_present_speak_of_all_labels(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl.gz", {"id": "a", "labels": ["Edema"]}, {"id": "b", "labels": []})
    found = source(path)
    assert found.labels == CHEXPERT
    assert said(found) == {("a", "Edema"): 1}
    assert found.frame.height == 2 * len(CHEXPERT)


def test_nothing_in_any_list_is_still_an_answer(tmp_path: Path) -> None:
    found = source(lines(tmp_path / "a.jsonl", {"id": "a", "labels": []}))
    assert (found.labels, said(found)) == (CHEXPERT, {})


def test_a_table_as_of_mimic(tmp_path: Path) -> None:
    path = text(
        tmp_path / "chexpert.csv.gz",
        "subject_id,study_id,Atelectasis,Pleural Effusion,No Finding\n10,50,1.0,-1.0,\n10,51,,0.0,\n12,52,,,1.0\n",
    )
    found = source(path)
    assert (found.id_column, found.keys.columns) == ("study_id", ["study_id", "subject_id"])
    assert found.labels == ("No Finding", "Atelectasis", "Pleural Effusion")
    assert said(found) == {
        ("50", "Atelectasis"): 1,
        ("50", "Pleural Effusion"): -1,
        ("51", "Pleural Effusion"): 0,
        ("52", "No Finding"): 1,
    }


def test_texts_and_what_describes_a_person_stay_in_the_file(tmp_path: Path) -> None:
    path = text(tmp_path / "a.csv", "id,Reports,Sex,Age,Edema\nr1,No edema.,F,50,0.0\n")
    found = source(path)
    assert found.keys.columns == ["id"]
    assert found.labels == ("Edema",)


def test_names_may_differ_in_case_and_underscores(tmp_path: Path) -> None:
    path = text(tmp_path / "a.csv", "image_id,pleural_effusion,No finding\nx,1,0\n")
    assert said(source(path)) == {("x", "Pleural Effusion"): 1, ("x", "No Finding"): 0}
    path = text(tmp_path / "b.csv", "image_id,Pleural Thickening\nx,1\n")
    assert said(source(path, reading("nih"))) == {("x", "Pleural_Thickening"): 1}


def test_a_model_s_probabilities_become_states_and_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "model.parquet"
    pl.DataFrame({"image_id": ["x", "y"], "Edema": [0.31, 0.8], "Fracture": [0.0, None]}).write_parquet(path)
    found = source(path, reading(thresholds=parse_thresholds("Edema=0.3-0.5", CHEXPERT)))
    assert said(found) == {("x", "Edema"): -1, ("y", "Edema"): 1, ("x", "Fracture"): 0}
    assert said(found, "probability") == {("x", "Edema"): 0.31, ("y", "Edema"): 0.8, ("x", "Fracture"): 0.0}
    assert found.has_probabilities


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_long_table_of_probabilities(tmp_path: Path, ending: str) -> None:
    frame = pl.DataFrame({"id": ["a", "a", "b"], "label": ["Edema", "Fracture", "Edema"], "probability": [0.5, 0.1, 1]})
    path = tmp_path / f"long.{ending}"
    frame.write_csv(path) if ending == "csv" else frame.write_parquet(path)
    found = source(path)
    assert said(found) == {("a", "Edema"): 1, ("a", "Fracture"): 0, ("b", "Edema"): 1}
    assert found.frame.height == 4


def test_in_a_long_table_a_state_goes_before_a_probability_and_a_raw_one_before_it(tmp_path: Path) -> None:
    path = text(
        tmp_path / "long.csv",
        "report_id,label,state,raw_state,probability\na,Edema,1,-1,0.9\na,Fracture,,,0.9\nb,Edema,0,0,\n",
    )
    assert said(source(path)) == {("a", "Edema"): -1, ("a", "Fracture"): 1, ("b", "Edema"): 0}


def test_a_long_table_of_states_or_either(tmp_path: Path) -> None:
    path = text(tmp_path / "long.csv", "id,label,value\na,Edema,-1\na,Fracture,0\n")
    assert said(source(path)) == {("a", "Edema"): -1, ("a", "Fracture"): 0}
    path = text(tmp_path / "value.csv", "id,label,value\na,Edema,0.7\na,Fracture,0\n")
    assert said(source(path), "probability") == {("a", "Edema"): 0.7, ("a", "Fracture"): 0.0}


def test_a_column_of_labels_with_bars_between(tmp_path: Path) -> None:
    path = text(tmp_path / "a.csv", "Image Index,Finding Labels\nx.png,Effusion|Mass\ny.png,No Finding\nz.png,\n")
    found = source(path, reading("nih"))
    assert said(found) == {("x.png", "Effusion"): 1, ("x.png", "Mass"): 1, ("y.png", "No Finding"): 1}
    assert found.labels == label_set("nih").labels
    assert found.keys["Image Index"].to_list() == ["x.png", "y.png", "z.png"]


def test_an_id_column_can_be_named_and_columns_left_out(tmp_path: Path) -> None:
    path = text(tmp_path / "a.csv", "id,accession,Edema,Hernia\n1,77,1,0\n1,78,0,0\n")
    found = source(path, reading(id_column="accession", skip=("Hernia",)))
    assert said(found) == {("77", "Edema"): 1, ("78", "Edema"): 0}
    assert found.keys.columns == ["accession", "id"]
    path = lines(tmp_path / "a.jsonl", {"id": "1", "name": "k", "labels": {"Edema": 1, "Hernia": 0}})
    assert said(source(path, reading(id_column="name", skip=("Hernia",)))) == {("k", "Edema"): 1}


def test_whole_numbers_that_came_as_floats_are_the_same_ids(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"study_id": [50.0, 51.0], "Edema": [True, False]}).write_parquet(path)
    assert said(source(path)) == {("50", "Edema"): 1, ("51", "Edema"): 0}


def test_a_column_that_holds_nothing_is_a_label_that_nobody_mentions(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"id": ["a"], "Edema": [None]}).write_parquet(path)
    found = source(path)
    assert (found.labels, said(found)) == (("Edema",), {})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,Edemma\na,1\n", r"1 names are none \('Edemma'; did you mean 'Edema'\?\)"),
        ("id,Smith John\na,1\n", "1 names are none. Skip"),
        ("id,Edema,edema\na,1,1\n", "two spellings"),
        ("id,Edema\na,1\na,0\n", "1 ids stand there again"),
        ("id,label,state\na,Edema,1\na,Edema,0\n", "1 labels of one id stand there again"),
        ("id,Edema\na,NaN\n", "1 cells are NaN: leave them blank"),
        ("id,Edema\na,1.5\nb,0.5\n", "1 cells are others"),
        ("id,Edema\na,-1\nb,0.5\n", "1 cells are others"),
        ("id,label,state\na,Edema,2\n", "1 cells are others"),
        ("id,label,probability\na,Edema,NaN\n", "NaN"),
        ("id,Edema\na,yes\nb,1\n", "1 cells of column Edema are none"),
        ("id,Edema\n,1\n", "1 rows have none"),
        ("id,label,state\na,,1\n", "expected a label in each row"),
        ("id,label\na,Edema\n", "expected a column state, probability or value"),
        ("id,Sex\na,F\n", "it has none"),
        ("Reports,Edema\nNo edema.,0\n", "chexpert-labeler writes texts"),
        ("", "cannot be read"),
    ],
)
def test_a_table_that_is_not_what_it_should_be(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as refused:
        source(text(tmp_path / "a.csv", content))
    assert "Smith" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("nonsense\n", "line 1: expected an object of JSON"),
        ('{"id": "a", "labels": {}}\n\n[1]\n', "line 3: expected an object"),
        ('{"name": "a", "labels": {}}\n', "line 1: expected a column that identifies"),
        ('{"id": "a", "labels": ["Edema"]}\n{"labels": []}\n', "line 2: expected id, a word or a whole number"),
        ('{"id": "", "labels": []}\n', "expected id"),
        ('{"id": "a"}\n', "expected labels"),
        ('{"id": "a", "labels": {"Edema": "yes"}}\n', "expected labels"),
        ('{"id": "a", "labels": [1]}\n', "expected labels"),
        ('{"id": "a", "labels": {"Edema": NaN}}\n', "NaN"),
        ('{"id": "a", "labels": {}}\n', "it has none"),
    ],
)
def test_lines_that_are_not_what_they_should_be(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        source(text(tmp_path / "a.jsonl", content))


def test_an_id_column_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected a column accession"):
        source(text(tmp_path / "a.csv", "id,Edema\na,1\n"), reading(id_column="accession"))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no a"):
        source(tmp_path / "a.csv")
    with pytest.raises(UsageError, match="expected a name that ends"):
        source(text(tmp_path / "a.xlsx", "id"))
    for name in ("a.jsonl", "b.csv"):
        with pytest.raises(InputError, match="it holds none"):
            source(text(tmp_path / name, "" if name == "a.jsonl" else "id,Edema\n"))
    with pytest.raises(UsageError, match="cannot be read"):
        source(text(tmp_path / "a.parquet", "no parquet"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(
    st.dictionaries(
        st.text("abcxyz019-", min_size=1, max_size=6),
        st.dictionaries(st.sampled_from(CHEXPERT), st.sampled_from([1, 0, -1, None]), min_size=1),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_lines_say_is_read_as_it_was_said(tmp_path: Path, reports: dict[str, dict[str, int | None]]) -> None:
    found = source(lines(tmp_path / "a.jsonl", *({"id": key, "labels": labels} for key, labels in reports.items())))
    wanted = {(key, label): s for key, labels in reports.items() for label, s in labels.items() if s is not None}
    assert said(found) == wanted
    assert found.keys["id"].to_list() == list(reports)


@pytest.mark.parametrize(
    "content",
    [
        b"\xff",
        b"[" * 100_000,
        b'{"id": true, "labels": {"Edema": 1}}',
        b'{"id": " ", "labels": {"Edema": 1}}',
        b'{"id": "a\\ud800", "labels": {"Edema": 1}}',
        b'{"id": "a", "labels": {"Edema": 1, "Edema": 0}}',
        b'{"id": "a", "study_id": ["b"], "labels": {"Edema": 1}}',
        b'{"id": "a", "labels": {"Edema": 1' + b"0" * 400 + b"}}",
    ],
)
def test_lines_that_would_be_lost_or_changed_are_said(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"in\.jsonl"):
        source(path)


def test_lines_with_a_mark_and_blank_keys_are_read(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"id": 7.0, "study_id": null, "labels": {"Edema": 1}}\n', encoding="utf-8-sig")
    assert source(path).keys.rows() == [("7", None)]


@pytest.mark.parametrize("keep", [40, 200])
def test_a_packed_file_that_is_cut_is_said(keep: int, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl.gz"
    lines = "".join(f'{{"id": "{n * 7919 % 1000}", "labels": {{"Edema": 1}}}}\n' for n in range(1000))
    path.write_bytes(gzip.compress(lines.encode())[:keep])
    with pytest.raises(UsageError, match="cut"):
        source(path)


def test_rows_that_were_cut_are_said(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("id,Edema,Fracture\na,1\nb,1,0\n", encoding="utf-8")
    with pytest.raises(UsageError, match="1 rows have fewer"):
        source(path)


@pytest.mark.parametrize(
    "columns",
    [
        {"id": [["a"]], "Edema": [1]},
        {"id": [b"\xff"], "Edema": [1]},
        {"id": [1.5], "Edema": [1]},
        {"id": ["a"], "Edema": [[1]]},
        {"id": ["a"], "Edema": [{"x": 1}]},
        {"id": ["a"], "label": [["Edema"]], "state": [1]},
        {"id": ["a"], "Finding Labels": [["Edema"]]},
    ],
)
def test_columns_of_lists_or_bytes_are_said(columns: dict[str, list[object]], tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    pl.DataFrame(columns).write_parquet(path)
    with pytest.raises(UsageError, match="expected"):
        source(path)

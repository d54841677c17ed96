from pathlib import Path

import pytest

from curation.errors import InputError, UsageError
from curation.records import Opinion, Record
from curation.store import read_rows
from curation.workspace import Workspace
from labeling.labels.opinions import Added, Kind, add_opinions
from labeling.labels.sets import label_set
from labeling.labels.sources import Reading, Source, read_source
from tests.labeling.routing_rows import link, radiograph, report, series, workspace_of
from tests.rows import view

COHORT: tuple[Record, ...] = (
    report("r1", "p1"),
    report("r2", "p2"),
    report("r3", "p2"),
    series("s1", "t1", "p1"),
    series("s2", "t2", "p2", "DX"),
    series("s3", "t3", "p3", "DX"),
    link("r1", "t1"),
    link("r2", "t2"),
    link("r3", "t2"),
    view("v1", "s1"),
    view("v2", "s1", view="LAT"),
    radiograph("i1", "s2"),
    radiograph("i2", "s2", "LAT"),
    radiograph("i3", "s3"),
    radiograph("i4", "s3", "AP"),
)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return workspace_of(tmp_path, COHORT)


def source(tmp_path: Path, text: str, name: str = "chexbert", labels: str = "chexpert") -> Source:
    path = tmp_path / "labels.csv"
    path.write_text(text, encoding="utf-8")
    return read_source(name, path, Reading(label_set(labels)))


def kept(workspace: Workspace) -> list[tuple[str, str, str, int | None, float | None]]:
    rows = read_rows(Opinion, workspace.tables("labels"))
    return [(row.source, row.subject_id, row.label, row.state, row.probability) for row in rows]


def test_a_labelers_states_of_reports(workspace: Workspace, tmp_path: Path) -> None:
    added = add_opinions(workspace, source(tmp_path, "id,Edema,Fracture\nr1,1,-1\nr2,,0\nr9,1,1\n"))
    assert added == Added(rows=4, taken=2, unknown=1, ambiguous=0)
    assert kept(workspace) == [
        ("chexbert", "r1", "Edema", 1, None),
        ("chexbert", "r1", "Fracture", -1, None),
        ("chexbert", "r2", "Edema", None, None),
        ("chexbert", "r2", "Fracture", 0, None),
    ]


def test_a_models_probabilities_of_images(workspace: Workspace, tmp_path: Path) -> None:
    add_opinions(workspace, source(tmp_path, "id,Edema\nv1,0.75\ni1,0.25\n", "densenet"))
    assert kept(workspace) == [("densenet", "i1", "Edema", 0, 0.25), ("densenet", "v1", "Edema", 1, 0.75)]


@pytest.mark.parametrize(
    ("kind", "value", "study", "subject"),
    [
        (Kind.AUTO, "1", "t1", "r1"),
        (Kind.AUTO, "0.7", "t1", "v1"),
        (Kind.REPORT, "0.7", "t1", "r1"),
        (Kind.IMAGE, "1", "t2", "i1"),
        (Kind.AUTO, "1", "t2", ""),
        (Kind.AUTO, "0.7", "t3", ""),
    ],
)
def test_a_study_stands_for_its_one_report_or_frontal_image(
    workspace: Workspace, tmp_path: Path, kind: Kind, value: str, study: str, subject: str
) -> None:
    added = add_opinions(workspace, source(tmp_path, f"id,Edema\n{study},{value}\nr3,{value}\n"), kind)
    assert [row[1] for row in kept(workspace)] == sorted(filter(None, ["r3", subject]))
    assert added.ambiguous == (0 if subject else 1)


def test_what_is_said_twice_of_one_report_is_taken_once(workspace: Workspace, tmp_path: Path) -> None:
    added = add_opinions(workspace, source(tmp_path, "id,Edema\nt1,1\nr1,0\n"))
    assert added == Added(rows=1, taken=1, unknown=0, ambiguous=1)
    assert kept(workspace) == [("chexbert", "r1", "Edema", 1, None)]


def test_a_source_replaces_what_it_said_and_leaves_others_alone(workspace: Workspace, tmp_path: Path) -> None:
    add_opinions(workspace, source(tmp_path, "id,Edema\nr1,1\nr2,1\n"))
    add_opinions(workspace, source(tmp_path, "id,Edema\nr1,0\n", "rules"))
    add_opinions(workspace, source(tmp_path, "id,Edema\nr2,0\n"))
    assert kept(workspace) == [("chexbert", "r2", "Edema", 0, None), ("rules", "r1", "Edema", 0, None)]


def test_ids_that_are_numbers_are_read_as_text(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="2 are unknown and 0 could mean several"):
        add_opinions(workspace, source(tmp_path, "id,Edema\n1,1\n2,0\n"))
    assert kept(workspace) == []


@pytest.mark.parametrize("name", ["", "../x", "a b", "Ünder", ".hidden", "x" * 65])
def test_a_name_is_a_plain_word(workspace: Workspace, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="a name for the source"):
        add_opinions(workspace, source(tmp_path, "id,Edema\nr1,1\n", name))


def test_only_chexperts_labels_are_compared(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="got those of nih"):
        add_opinions(workspace, source(tmp_path, "id,Edema\nr1,1\n", labels="nih"))

from collections import Counter
from pathlib import Path

import pytest

from curation.errors import UsageError
from curation.records import Mask, Task
from curation.workspace import Workspace
from labeling.routing.population import (
    chexpert_states,
    control,
    in_measurements,
    in_reports,
    in_views,
    population,
)
from labeling.routing.priority import case_id_of
from tests.labeling.routing_rows import (
    A,
    P,
    U,
    measurement,
    mention,
    radiograph,
    report,
    report_labels,
    series,
    workspace_of,
)
from tests.rows import view


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return workspace_of(
        tmp_path,
        [
            *(report(f"r{n}", f"p{n}") for n in range(20)),
            series("s1", "t1", "p1"),
            series("s2", "t2", "p2", "DX"),
            view("v1", "s1"),
            view("v2", "s1", view="LAT"),
            radiograph("i1", "s2"),
            measurement(0.6),
            measurement(None, "rotation", positive=None),
            measurement(None, "rotation", "v2", positive=None),
            Mask("v1", "heart", 121, "segment", "", 4, (1, 1, 2, 2), 1.0),
            Mask("v2", "heart", 121, "segment", "", 4, (1, 1, 2, 2), 1.0),
            *report_labels("r1", Edema=1, Fracture=0, Pneumonia=-1),
        ],
    )


@pytest.mark.parametrize(
    ("task", "subjects"),
    [
        (Task.MASK_REVIEW, {"v1": "p1", "v2": "p1"}),
        (Task.QUALITY_CHECK, {"v1": "p1", "v2": "p1"}),
        (Task.MEASUREMENT_REVIEW, {"v1": "p1"}),
        (Task.FINDING_BOXES, {"v1": "p1", "v2": "p1", "i1": "p2"}),
        (Task.LABEL_REVIEW, {f"r{n}": f"p{n}" for n in range(20)}),
    ],
)
def test_of_whom_a_task_can_ask(workspace: Workspace, task: Task, subjects: dict[str, str]) -> None:
    assert population(workspace, task) == subjects


def test_places_that_may_show_text_are_not_drawn(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="a task that is routed"):
        population(workspace, Task.PHI_REVIEW)


def test_a_control_case_tells_nothing_of_routing(workspace: Workspace) -> None:
    (row,) = control(workspace, Task.LABEL_REVIEW, (), 1, 0)
    assert (row.task, row.patient_id) == (Task.LABEL_REVIEW, row.subject_id.replace("r", "p"))
    assert row.case_id == case_id_of(Task.LABEL_REVIEW, row.subject_id)
    assert (row.priority, row.uncertainty, row.rarity, row.findings, row.rule_ids) == (0.0, 0.0, 0.0, (), ())
    assert len(row.reasons) == 1


def test_control_cases_are_drawn_alike_from_all(workspace: Workspace) -> None:
    drawn = [control(workspace, Task.LABEL_REVIEW, (), 5, seed) for seed in range(60)]
    counts = Counter(row.subject_id for rows in drawn for row in rows)
    assert all(len({row.subject_id for row in rows}) == 5 for rows in drawn)
    assert len(counts) == 20
    assert max(counts.values()) < 30  # of 60 draws, 15 are expected of each
    assert control(workspace, Task.LABEL_REVIEW, (), 5, 7) == drawn[7]


def test_control_leaves_out_what_was_read_and_gives_what_there_is(workspace: Workspace) -> None:
    read = {case_id_of(Task.LABEL_REVIEW, f"r{n}") for n in range(18)}
    found = control(workspace, Task.LABEL_REVIEW, read, 5, 0)
    assert {row.subject_id for row in found} == {"r18", "r19"}
    assert control(workspace, Task.LABEL_REVIEW, read, -1, 0) == []


def test_how_frequent_findings_are(workspace: Workspace) -> None:
    states = chexpert_states(workspace)
    assert states == {"r1": {"Edema": 1, "Fracture": 0, "Pneumonia": -1}}
    said = [mention("edema", P), mention("edema", U), mention("fracture", A), mention("edema", P, report_id="r2")]
    assert in_reports(20, said, states).counts == {"edema": 2, "Edema": 1, "Pneumonia": 1}
    assert in_views(workspace, 2).counts == {"heart": 2}
    assert in_measurements(workspace, 1).counts == {"cardiomegaly": 1, "rotation": 0}


def test_of_an_empty_workspace_nothing_is_counted(tmp_path: Path) -> None:
    empty = workspace_of(tmp_path, [])
    assert chexpert_states(empty) == {}
    assert in_views(empty, 0).counts == in_measurements(empty, 0).counts == {}
    assert control(empty, Task.MEASUREMENT_REVIEW, (), 3, 0) == []

"""The table that says which findings give each label of each set."""

from pathlib import Path

import pytest

from curation.records import Assertion, ConceptRow, LabelMapRow, Report
from curation.stage import prepare, run_batch
from curation.store import read_rows, to_arrow, write_parquet
from curation.workspace import Workspace
from labeling.labels.sets import label_set, states
from labeling.mine import STAGE, label_map, vocabulary
from tests.builders import workspace_at

ALL = ("chexpert", "nih", "vindr", "padchest")


def test_the_stage_writes_the_map_of_the_sets_that_the_settings_name(tmp_path: Path) -> None:
    workspace = workspace_at(tmp_path)
    report = Report("r1", "p", "", None, "local", "LicenseRef-local", "FINDINGS: Clear lungs.")
    write_parquet(to_arrow(Report, [report]), workspace.tables("deid") / "reports" / "a.parquet")
    for batch in prepare(STAGE, workspace).batches:
        run_batch(STAGE, workspace, batch)
    written = read_rows(LabelMapRow, workspace.tables("mine"))
    sets = workspace.settings.mine.label_sets
    assert sorted(written, key=_place) == sorted(label_map(sets), key=_place)
    assert {row.label_set for row in written} == set(sets)
    assert read_rows(ConceptRow, workspace.tables("mine"))


def test_another_choice_of_sets_is_another_map(tmp_path: Path) -> None:
    workspace = workspace_at(tmp_path)
    report = Report("r1", "p", "", None, "local", "LicenseRef-local", "FINDINGS: Clear lungs.")
    write_parquet(to_arrow(Report, [report]), workspace.tables("deid") / "reports" / "a.parquet")
    known = {item.name: item.inputs for item in STAGE.plan(workspace)}
    params = workspace.root / "params.yaml"
    params.write_text(params.read_text().replace("[chexpert, nih, vindr]", "[chexpert]"))
    changed = {item.name: item.inputs for item in STAGE.plan(Workspace(workspace.root))}
    assert known["concepts"] != changed["concepts"]
    assert known["r1"] == changed["r1"]


@pytest.mark.parametrize("name", ALL)
def test_each_label_has_one_row_in_its_published_place(name: str) -> None:
    made = label_map((name,))
    assert [row.label for row in made] == list(label_set(name).labels)
    assert [row.position for row in made] == list(range(len(made)))
    assert {row.source for row in made} == {label_set(name).source} != {""}


@pytest.mark.parametrize("name", ALL)
def test_a_finding_gives_a_label_exactly_where_a_report_that_names_it_does(name: str) -> None:
    given = {row.label: set(row.findings) for row in label_map((name,))}
    for finding in label_set(name).present:
        decided = states(label_set(name), [(finding, Assertion.PRESENT)], examined=True)
        said = {label for label, (_, positions) in decided.items() if positions}
        assert said == {label for label, findings in given.items() if finding in findings}


@pytest.mark.parametrize("name", ALL)
def test_findings_are_concepts_and_parents_are_labels(name: str) -> None:
    made = label_map((name,))
    concepts, labels = {row.concept_id for row in vocabulary()}, {row.label for row in made}
    for row in made:
        assert concepts >= set(row.findings)
        assert labels >= set(row.parents)
        assert list(row.findings) == sorted(set(row.findings))
    for row in made:
        for parent in row.parents:
            assert set(row.findings) <= set(next(other.findings for other in made if other.label == parent))


def _place(row: LabelMapRow) -> tuple[str, int]:
    return row.label_set, row.position

"""The nearest reports as a stage: exact, of other patients only, the same however it is run."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.records import Assertion, Patient, Report, SimilarReport
from curation.stage import Stage, prepare, run_batch
from curation.store import read_rows, to_arrow, write_parquet
from curation.workspace import Workspace
from labeling import mine
from labeling.concepts.table import concepts
from labeling.similar import stage
from labeling.similarity import Anatomy, Said, Statement, about, chest_knowledge, chest_measure, read
from tests.builders import workspace_at

_SENTENCES = (
    "No pneumothorax.",
    "No pleural effusion.",
    "The lungs are clear.",
    "Heart size is normal.",
    "Small left pleural effusion.",
    "Large right pleural effusion.",
    "Opacity in the left lower lobe.",
    "Possible pneumonia in the right upper lobe.",
    "Cardiomegaly.",
    "Fracture of the left 5th rib.",
    "Endotracheal tube in place.",
    "Tortuous aorta.",
    "History of tuberculosis.",
)


def texts(count: int, seed: int) -> dict[str, str]:
    """Reports of a few sentences; they repeat themselves."""
    chance = Random(seed)  # noqa: S311 - repeatable, not secret
    return {f"r{n:03}": "FINDINGS: " + " ".join(chance.sample(_SENTENCES, chance.randint(1, 4))) for n in range(count)}


def mined(root: Path, words: Mapping[str, str], patients: Mapping[str, str]) -> Workspace:
    """A workspace whose reports have been mined."""
    workspace = workspace_at(root)
    reports = [
        Report(name, patients[name], "", None, "local", "LicenseRef-local", text) for name, text in words.items()
    ]
    people = [Patient(patient, "F", 1, 1) for patient in sorted(set(patients.values()))]
    write_parquet(to_arrow(Report, reports), workspace.tables("deid") / "reports" / "a.parquet")
    write_parquet(to_arrow(Patient, people), workspace.tables("catalog") / "patients" / "a.parquet")
    run(workspace, mine.STAGE)
    return workspace


def run(workspace: Workspace, what: Stage = stage.STAGE) -> int:
    """Do what is left to do; returns the number of batches."""
    batches = prepare(what, workspace).batches
    for batch in batches:
        assert run_batch(what, workspace, batch) == 0
    return len(batches)


def found(workspace: Workspace) -> dict[tuple[str, str], list[SimilarReport]]:
    """Rows by query and part, in order of rank."""
    rows: dict[tuple[str, str], list[SimilarReport]] = defaultdict(list)
    for row in read_rows(SimilarReport, workspace.tables("similar")):
        rows[row.query_id, row.anatomy].append(row)
    return rows


def cut(said: Said, part: str) -> Said:
    """What is said of a part of the body, one statement after the other."""
    if part == stage.WHOLE:
        return said
    if part == stage.DEVICE:
        return frozenset(one for one in said if concepts()[one.concept].kind == "device")
    return about(said, Anatomy(part), chest_knowledge())


def naive(said: Mapping[str, Said], patients: Mapping[str, str], query: str, k: int) -> list[tuple[str, float]]:
    """All pairs, sorted."""
    pairs = [
        (name, chest_measure().similarity(said[query], one))
        for name, one in said.items()
        if one and said[query] and patients[name] != patients[query]
    ]
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:k]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, dict[str, str], dict[str, str]]:
    words = texts(60, 3)
    patients = {name: f"p{number // 3}" for number, name in enumerate(words)}
    workspace = mined(tmp_path_factory.mktemp("similar"), words, patients)
    run(workspace)
    return workspace, words, patients


def test_the_nearest_are_those_of_all_pairs_in_every_part(
    cohort: tuple[Workspace, dict[str, str], dict[str, str]],
) -> None:
    workspace, words, patients = cohort
    rows = found(workspace)
    k = workspace.settings.similar.nearest
    expected = 0
    for part in (stage.WHOLE, *stage.PLACES, stage.DEVICE):
        said = {name: cut(read(text), part) for name, text in sorted(words.items())}
        for query in words:
            near = naive(said, patients, query, k)
            mine_ = rows.get((query, part), [])
            assert [row.candidate_id for row in mine_] == [name for name, _ in near]
            assert [row.score for row in mine_] == pytest.approx([score for _, score in near], abs=1e-9)
            expected += len(near)
    assert sum(map(len, rows.values())) == expected > 60 * k


def test_ranks_have_no_gaps_scores_never_rise_and_ties_go_by_id(
    cohort: tuple[Workspace, dict[str, str], dict[str, str]],
) -> None:
    workspace, _, patients = cohort
    for rows in found(workspace).values():
        assert [row.rank for row in rows] == list(range(1, len(rows) + 1))
        keys = [(-row.score, row.candidate_id) for row in rows]
        assert keys == sorted(keys)
        assert all(0 <= row.score <= 1 and row.metric == stage.METRIC for row in rows)
        assert all(patients[row.candidate_id] != patients[row.query_id] for row in rows)


def test_reports_of_two_patients_that_say_the_same_score_one(tmp_path: Path) -> None:
    same = "FINDINGS: Small left pleural effusion. No pneumothorax."
    words = {"a": same, "b": same, "c": "FINDINGS: Cardiomegaly."}
    workspace = mined(tmp_path, words, {"a": "p", "b": "q", "c": "s"})
    run(workspace)
    rows = found(workspace)
    for part in ("", "pleura"):
        assert (rows["a", part][0].candidate_id, rows["a", part][0].score) == ("b", 1.0)
    assert rows["a", ""][1].score < 1
    assert ("c", "pleura") not in rows
    assert ("c", "mediastinum") not in rows, "nobody else says anything of it"


def test_what_is_not_of_this_examination_is_neither_asked_nor_found(tmp_path: Path) -> None:
    words = {
        "a": "FINDINGS: Cardiomegaly.",
        "b": "FINDINGS: Cardiomegaly.",
        "c": "FINDINGS: Seen.",
        "d": "FINDINGS: History of pneumonia.",
    }
    workspace = mined(tmp_path, words, {name: f"p{name}" for name in words})
    run(workspace)
    rows = [row for rows in found(workspace).values() for row in rows]
    assert {row.query_id for row in rows} == {row.candidate_id for row in rows} == {"a", "b"}


def test_one_patient_alone_has_no_neighbours(tmp_path: Path) -> None:
    workspace = mined(tmp_path, texts(4, 1), dict.fromkeys(texts(4, 1), "p"))
    assert stage.plan(workspace) == []
    assert run(workspace) == 0


def test_nothing_is_done_twice_and_a_new_report_does_all_again(tmp_path: Path) -> None:
    words = texts(6, 2)
    workspace = mined(tmp_path, words, {name: name for name in words})
    assert run(workspace) == 1
    assert run(workspace) == 0
    late = Report("r9", "r9", "", None, "local", "LicenseRef-local", "FINDINGS: Cardiomegaly.")
    write_parquet(to_arrow(Report, [late]), workspace.tables("deid") / "reports" / "b.parquet")
    run(workspace, mine.STAGE)
    assert run(workspace) == 1
    assert "r9" in {query for query, _ in found(workspace)}


def test_the_size_of_items_and_batches_changes_no_row(
    cohort: tuple[Workspace, dict[str, str], dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, words, patients = cohort
    workspace = mined(tmp_path, dict(reversed(words.items())), patients)
    params = workspace.root / "params.yaml"
    params.write_text(params.read_text().replace("\n  nearest: 10", "\n  batch_items: 2\n  nearest: 10"))
    monkeypatch.setattr(stage, "CHUNK", 7)
    assert run(Workspace(workspace.root)) == 5
    assert read_rows(SimilarReport, workspace.tables("similar")) == read_rows(SimilarReport, before.tables("similar"))


_SAID = st.frozensets(
    st.builds(
        Statement,
        st.sampled_from(["pleural_effusion", "pneumothorax", "lung_opacity", "cardiomegaly", "pacemaker"]),
        st.sampled_from(list(Assertion)),
        st.sampled_from(["", "left", "right", "bilateral"]),
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(_SAID, st.sampled_from("pqs")), min_size=1, max_size=9), st.integers(1, 4))
def test_any_reports_have_a_total_order(given_: list[tuple[Said, str]], k: int) -> None:
    said = {f"r{number}": one for number, (one, _) in enumerate(given_)}
    patients = {f"r{number}": patient for number, (_, patient) in enumerate(given_)}
    whole = stage.pools(said, patients)[stage.WHOLE]
    for query, asked in said.items():
        near = [(one.report_id, one.similarity) for one in whole.near(query, k)]
        expected = naive(said, patients, query, k)
        assert [name for name, _ in near] == [name for name, _ in expected]
        others = [name for name in said if patients[name] != patients[query]]
        assert len(near) == min(k, len(others))
        assert [score for _, score in near] == sorted((score for _, score in near), reverse=True)
        assert all(score == 1 for name, score in near if said[name] == asked)

"""What the catalog keeps, and why it turns the rest away."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import curation.catalog
from curation import stage
from curation.catalog import STAGE
from curation.dicom import Header, header_of
from curation.records import Instance, Patient, Radiograph, Reason, Reject, Report, ReportLink, Series, Study
from curation.store import read_rows
from curation.workspace import Workspace
from tests.curation.slices import (
    SAGITTAL,
    add_ct,
    add_rows,
    ct_slice,
    dicom_file,
    instance,
    shard_at,
    workspace_at,
)

N = 16  # the fewest slices of a volume, as shipped


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return workspace_at(tmp_path)


def run(workspace: Workspace) -> list[Reject]:
    for batch in stage.prepare(STAGE, workspace).batches:
        stage.run_batch(STAGE, workspace, batch)
    return stage.rejects(workspace, STAGE)


def reason_of_series(workspace: Workspace) -> Reason:
    (outcome,) = (row for row in run(workspace) if "/series:" in row.item)
    assert not read_rows(Series, workspace.tables("catalog"))
    assert len(read_rows(Study, workspace.tables("catalog"))) == 1  # the study goes on
    return outcome.reason


def axial(positions: Sequence[float], **elements: Any) -> list[bytes]:
    return [ct_slice(n, (-10.0, -20.0, z), **elements) for n, z in enumerate(positions)]


def steps(n: int = N) -> list[float]:
    return [2.5 * k - 40 for k in range(n)]


# --- volumes ---------------------------------------------------------------------------------------------


def test_slices_are_ordered_by_position_and_not_by_instance_number(workspace: Workspace) -> None:
    shuffled = [steps()[(7 * k) % N] for k in range(N)]
    slices = [ct_slice(n, (-10.0, -20.0, z), InstanceNumber=(5 * n) % N) for n, z in enumerate(shuffled)]
    add_ct(workspace, slices)
    run(workspace)
    (series,) = read_rows(Series, workspace.tables("catalog"))
    assert series.shape_zyx == (N, 4, 6) and series.spacing_zyx_mm == (2.5, 0.5, 0.8)
    assert series.origin_xyz_mm == (-10.0, -20.0, -40.0)
    assert list(series.direction) == [1, 0, 0, 0, 1, 0, 0, 0, 1]
    by_position = sorted(range(N), key=lambda n: shuffled[n])
    assert series.instance_ids == tuple(f"2.25.1{n:03d}" for n in by_position)


def test_sagittal_slices_are_a_volume_with_its_own_axes(workspace: Workspace) -> None:
    slices = [ct_slice(n, (1.5 * n, -20.0, 30.0), SAGITTAL) for n in range(N)]
    add_ct(workspace, slices)
    run(workspace)
    (series,) = read_rows(Series, workspace.tables("catalog"))
    # x runs to the back, y runs down, so right-handed z runs to the patient's right: from high x to low
    assert list(series.direction) == [0, 0, -1, 1, 0, 0, 0, -1, 0]
    assert series.origin_xyz_mm == (1.5 * (N - 1), -20.0, 30.0)
    assert series.instance_ids[0] == f"2.25.1{N - 1:03d}"


@pytest.mark.parametrize(
    ("positions", "reason"),
    [
        (steps(N + 1)[:5] + steps(N + 1)[6:], Reason.MISSING_SLICES),
        (steps(N + 3)[:5] + steps(N + 3)[8:], Reason.MISSING_SLICES),
        ([*steps(), steps()[3]], Reason.IRREGULAR_GEOMETRY),  # one position twice
        (steps() * 2, Reason.IRREGULAR_GEOMETRY),  # every position twice
        ([*steps()[:-1], steps()[-1] + 1.0], Reason.IRREGULAR_GEOMETRY),
        ([2.5 * k + 0.004 * k * k for k in range(N)], Reason.IRREGULAR_GEOMETRY),  # each gap fits, the whole does not
        ([0.0] * N, Reason.IRREGULAR_GEOMETRY),
        (steps(N - 1), Reason.NOT_A_VOLUME),
    ],
)
def test_positions_that_are_no_volume(positions: list[float], reason: Reason, workspace: Workspace) -> None:
    add_ct(workspace, axial(positions))
    assert reason_of_series(workspace) == reason


def test_small_jitter_of_the_positions_is_a_volume(workspace: Workspace) -> None:
    add_ct(workspace, axial([z + (0.01 if n % 2 else 0) for n, z in enumerate(steps())]))
    run(workspace)
    assert len(read_rows(Series, workspace.tables("catalog"))) == 1


@pytest.mark.parametrize(
    "odd",
    [
        ct_slice(N, (-10.0, -20.0, 0.0), SAGITTAL),  # a second stack
        ct_slice(N, (-10.0, -20.0, 0.0), PixelSpacing=[0.5, 0.81]),
        ct_slice(N, (-9.0, -20.0, 0.0)),  # shifted in its plane
        dicom_file(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),  # no position
        dicom_file(ImagePositionPatient=[-10, -20, 0]),  # no orientation
    ],
)
def test_one_slice_that_does_not_fit(odd: bytes, workspace: Workspace) -> None:
    add_ct(workspace, [*axial(steps()), odd])  # the next position would be 0
    assert reason_of_series(workspace) == Reason.IRREGULAR_GEOMETRY


def test_a_tilted_gantry_is_not_a_regular_grid(workspace: Workspace) -> None:
    add_ct(workspace, [ct_slice(n, (-10.0, -20.0 + 0.5 * n, z)) for n, z in enumerate(steps())])
    assert reason_of_series(workspace) == Reason.IRREGULAR_GEOMETRY


def test_axes_that_are_not_orthogonal(workspace: Workspace) -> None:
    add_ct(workspace, axial(steps(), orientation=(1.0, 0.0, 0.0, 0.1, 0.995, 0.0)))
    assert reason_of_series(workspace) == Reason.IRREGULAR_GEOMETRY


def test_an_instance_that_cannot_be_read(workspace: Workspace) -> None:
    add_ct(workspace, [*axial(steps()), b"torn"])
    assert reason_of_series(workspace) == Reason.UNREADABLE


def test_other_modalities_are_not_used(workspace: Workspace) -> None:
    add_ct(workspace, axial(steps()), modality="MR")
    assert reason_of_series(workspace) == Reason.MODALITY_NOT_USED


# --- patients, studies, radiographs ----------------------------------------------------------------------


def test_a_patient_with_a_ct_and_two_radiographs(workspace: Workspace) -> None:
    known: dict[str, Any] = {"PatientSex": "F", "PatientAge": "067Y", "StudyDate": "20240229"}
    writer = shard_at(workspace)
    ct = [
        instance(data, writer, instance_id=f"i{n:03d}", series_id="s-ct", study_id="s1", accession_id="a1")
        for n, data in enumerate(axial(steps(), **known))
    ]
    films = [
        instance(data, writer, instance_id=name, series_id="s-dx", study_id="s2", modality="DX")
        for name, data in (
            ("x-lateral", dicom_file("DX", ViewPosition="LL", **known)),
            ("x-frontal", dicom_file("DX", ViewPosition="PA", PhotometricInterpretation="MONOCHROME1", **known)),
        )
    ]
    writer.close()
    add_rows(workspace, "deid", [*ct, *films])
    run(workspace)
    folder = workspace.tables("catalog")
    assert read_rows(Patient, folder) == [Patient("p1", "F", n_studies=2, n_reports=0)]
    assert read_rows(Study, folder) == [
        Study("s1", "p1", "a1", date(2024, 2, 29), 67, ("CT",), 1),
        Study("s2", "p1", "", date(2024, 2, 29), 67, ("DX",), 1),
    ]
    assert [series.modality for series in read_rows(Series, folder)] == ["CT", "DX"]
    assert read_rows(Radiograph, folder) == [
        Radiograph("x-frontal", "s-dx", "PA", "MONOCHROME1", 4, 6),
        Radiograph("x-lateral", "s-dx", "LAT", "MONOCHROME2", 4, 6),
    ]


def test_studies_that_contradict_each_other_leave_the_sex_open(workspace: Workspace) -> None:
    writer = shard_at(workspace)
    add_rows(
        workspace,
        "deid",
        [
            instance(
                dicom_file("DX", PatientSex=sex), writer, instance_id=sex, series_id=sex, study_id=sex, modality="DX"
            )
            for sex in "MF"
        ],
    )
    writer.close()
    run(workspace)
    assert read_rows(Patient, workspace.tables("catalog")) == [Patient("p1", "", 2, 0)]


def test_a_study_is_of_the_site_of_its_files(workspace: Workspace) -> None:
    writer = shard_at(workspace)
    places = [("s1", "s0f"), ("s2", ""), ("s3", "s0e")]
    rows = [
        instance(
            dicom_file("DX"), writer, instance_id=study, series_id=study, study_id=study, modality="DX", site_id=site
        )
        for study, site in places
    ]
    writer.close()
    add_rows(workspace, "deid", rows)
    run(workspace)
    assert [(row.study_id, row.site_id) for row in read_rows(Study, workspace.tables("catalog"))] == places


def test_each_header_is_read_once(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def counted(folder: Path, row: Instance) -> Header:
        seen.append(row.instance_id)
        return read(folder, row)

    read = header_of
    monkeypatch.setattr(curation.catalog, "header_of", counted)
    add_ct(workspace, axial(steps()))
    run(workspace)
    assert sorted(seen) == [f"2.25.1{n:03d}" for n in range(N)]


def test_one_new_study_costs_that_study_and_its_patient(workspace: Workspace) -> None:
    add_ct(workspace, axial(steps()))
    run(workspace)
    assert stage.prepare(STAGE, workspace).batches == ()
    writer = shard_at(workspace, "later")
    film = instance(
        dicom_file("DX"), writer, instance_id="x", series_id="sx", study_id="x", patient_id="p2", modality="DX"
    )
    writer.close()
    add_rows(workspace, "deid", [film], "later")
    (batch,) = stage.prepare(STAGE, workspace).batches
    assert [item.name for item in batch] == [
        "patient:p2",
        "patient:p2/study:x",
        "patient:p2/study:x/report",
        "patient:p2/study:x/series:sx",
    ]


# --- reports ---------------------------------------------------------------------------------------------


def report(name: str, patient: str = "p1", accession: str = "") -> Report:
    return Report(name, patient, accession, None, "local", "LicenseRef-local", "Lungs are clear.")


def film_of(workspace: Workspace, *studies: tuple[str, str, str]) -> None:
    """A radiograph for each (study, patient, accession)."""
    writer = shard_at(workspace)
    add_rows(
        workspace,
        "deid",
        [
            instance(
                dicom_file("DX"),
                writer,
                instance_id=study,
                series_id=study,
                study_id=study,
                patient_id=patient,
                accession_id=accession,
                modality="DX",
            )
            for study, patient, accession in studies
        ],
    )
    writer.close()


def test_a_report_is_linked_to_the_study_with_its_accession_number(workspace: Workspace) -> None:
    film_of(workspace, ("s1", "p1", "a1"), ("s2", "p1", "a2"), ("s3", "p2", ""))
    add_rows(workspace, "deid", [report("r1", accession="a1"), report("addendum", accession="a1"), report("r9", "p9")])
    rejects = run(workspace)
    folder = workspace.tables("catalog")
    assert read_rows(ReportLink, folder) == [ReportLink("addendum", "s1"), ReportLink("r1", "s1")]
    assert {row.item: row.reason for row in rejects} == {
        "patient:p1/study:s2/report": Reason.STUDY_WITHOUT_REPORT,
        "patient:p2/study:s3/report": Reason.STUDY_WITHOUT_REPORT,
    }
    assert read_rows(Patient, folder) == [Patient("p1", "", 2, 2), Patient("p2", "", 1, 0), Patient("p9", "", 0, 1)]


@pytest.mark.parametrize(
    ("studies", "words"),
    [
        ([("s1", "p1", "a2")], "no study"),
        ([("s1", "p2", "a1")], "another patient"),
        ([("s1", "p1", "a1"), ("s2", "p1", "a1")], "2 studies"),
    ],
)
def test_a_report_is_never_linked_by_a_guess(
    studies: list[tuple[str, str, str]], words: str, workspace: Workspace
) -> None:
    film_of(workspace, *studies)
    add_rows(workspace, "deid", [report("r1", accession="a1")])
    outcomes = {row.item: row for row in run(workspace)}
    assert outcomes["patient:p1/report:r1"].reason == Reason.REPORT_WITHOUT_STUDY
    assert words in outcomes["patient:p1/report:r1"].detail
    assert not read_rows(ReportLink, workspace.tables("catalog"))
    assert sum(row.reason == Reason.STUDY_WITHOUT_REPORT for row in outcomes.values()) == len(studies)


def test_the_same_accession_number_at_two_patients_links_each_to_their_own(workspace: Workspace) -> None:
    film_of(workspace, ("s1", "p1", "a1"), ("s2", "p2", "a1"))
    add_rows(workspace, "deid", [report("r1", "p2", "a1")])
    run(workspace)
    assert read_rows(ReportLink, workspace.tables("catalog")) == [ReportLink("r1", "s2")]

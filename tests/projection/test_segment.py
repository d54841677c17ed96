"""Labelmaps that come with a CT."""

import hashlib
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from curation import stage
from curation.records import Labelmap, LabelmapStructure, Reason, Reject, Segment, Series, Volume
from curation.store import read_member, read_rows
from curation.workspace import Workspace
from projection.segment import STAGE
from projection.volume import load_labels
from tests.curation.slices import add_rows, shard_at, workspace_at

CT = Series(
    series_id="ct",
    study_id="st",
    patient_id="p1",
    modality="CT",
    n_instances=3,
    shape_zyx=(3, 4, 6),
    spacing_zyx_mm=(2.5, 0.5, 0.8),
    origin_xyz_mm=(-10.0, -20.0, -40.0),
    direction=(1, 0, 0, 0, 1, 0, 0, 0, 1),
    instance_ids=("a", "b", "c"),
)
LAS = np.array([[-0.8, 0, 0, 10], [0, 0.5, 0, 18.5], [0, 0, 2.5, -40], [0, 0, 0, 1.0]])  # row 3 of the CT comes first


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = workspace_at(tmp_path)
    add_rows(made, "catalog", [CT])
    return made


def labels() -> NDArray[np.uint8]:
    made = np.zeros(CT.shape_zyx, np.uint8)
    made[1, 0, 2:5] = 118
    made[2, 3, 5] = 7
    return made


def add_labelmaps(
    workspace: Workspace, *files: tuple[str, str, bytes], names: tuple[tuple[int, str], ...] = ((7, "liver"),)
) -> None:
    """Labelmaps as (labelmap_id, series_id, file), all with the same names."""
    writer = shard_at(workspace)
    rows = []
    for labelmap_id, series_id, data in files:
        place = writer.add("map", data)
        rows.append(
            Labelmap(labelmap_id, series_id, "TotalSegmentator", place.sha256, place.shard, place.offset, place.length)
        )
    writer.close()
    add_rows(workspace, "deid", rows)
    add_rows(workspace, "deid", [LabelmapStructure(row.labelmap_id, *name) for row in rows for name in names])


def nifti(labels_zyx: NDArray[np.uint8], affine_ras: NDArray[np.float64] = LAS) -> bytes:
    image = nib.Nifti1Image(labels_zyx[:, ::-1].T, affine_ras)  # type: ignore[no-untyped-call]
    data: bytes = image.to_bytes()
    return data


def run(workspace: Workspace) -> dict[str, Reject]:
    for batch in stage.prepare(STAGE, workspace).batches:
        stage.run_batch(STAGE, workspace, batch)
    return {row.item: row for row in stage.rejects(workspace, STAGE)}


NAMES = ((7, "liver"), (118, "costal_cartilages"), (1, "spleen"))


def test_a_labelmap_is_laid_on_its_ct(workspace: Workspace) -> None:
    add_labelmaps(workspace, ("m1", "ct", nifti(labels())), names=NAMES)
    assert run(workspace) == {}
    (volume,) = read_rows(Volume, workspace.tables("segment"))
    assert (load_labels(workspace, volume) == labels()).all()
    assert volume.sha256 == hashlib.sha256(labels().tobytes()).hexdigest()
    assert (volume.labelmap_id, volume.engine) == ("m1", "TotalSegmentator")
    # a voxel is 2.5 × 0.5 × 0.8 mm = 0.001 ml; spleen has a name but no voxel
    assert read_rows(Segment, workspace.tables("segment")) == [
        Segment("ct", 7, "liver", 1, 0.001),
        Segment("ct", 118, "costal_cartilages", 3, 0.003),
    ]


def test_the_same_labels_are_the_same_bytes(workspace: Workspace, tmp_path: Path) -> None:
    packed = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        other = workspace_at(tmp_path / folder)
        add_rows(other, "catalog", [CT])
        add_labelmaps(other, ("m1", "ct", nifti(labels())), names=NAMES)
        run(other)
        (volume,) = read_rows(Volume, other.tables("segment"))
        packed.append(read_member(other.tables("segment"), volume.shard, volume.offset, volume.length))
    assert packed[0] == packed[1]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (nifti(labels()), Reason.LABELMAP_UNKNOWN_VALUE),  # 118 has no name here
        (nifti(np.zeros(CT.shape_zyx, np.uint8)), Reason.NO_LABELMAP),
        (nifti(labels()[1:]), Reason.LABELMAP_DOES_NOT_FIT),
        (nifti(labels(), LAS + np.eye(4, k=3)), Reason.LABELMAP_DOES_NOT_FIT),
        (b"torn", Reason.UNREADABLE),
    ],
)
def test_a_labelmap_that_cannot_be_used(data: bytes, reason: Reason, workspace: Workspace) -> None:
    add_labelmaps(workspace, ("m1", "ct", data))
    assert {name: row.reason for name, row in run(workspace).items()} == {"series:ct": reason}
    assert not read_rows(Volume, workspace.tables("segment"))


def test_two_values_with_one_name_are_not_told_apart_so_they_are_refused(workspace: Workspace) -> None:
    add_labelmaps(workspace, ("m1", "ct", nifti(labels())), names=tuple((value, "heart") for value, _ in NAMES))
    (row,) = run(workspace).values()
    assert (row.reason, row.detail) == (Reason.LABELMAP_UNKNOWN_VALUE, "two values have one name")


def test_a_ct_without_a_labelmap_and_a_labelmap_without_a_ct(workspace: Workspace) -> None:
    add_labelmaps(workspace, ("m1", "elsewhere", nifti(labels())))
    assert {name: row.reason for name, row in run(workspace).items()} == {
        "series:ct": Reason.NO_LABELMAP,
        "labelmap:m1": Reason.LABELMAP_WITHOUT_SERIES,
    }


def test_of_several_labelmaps_the_first_by_id_is_taken(workspace: Workspace) -> None:
    other = np.full(CT.shape_zyx, 7, np.uint8)
    add_labelmaps(workspace, ("m2", "ct", nifti(other)), ("m1", "ct", nifti(labels())), names=NAMES)
    assert {name: row.reason for name, row in run(workspace).items()} == {"labelmap:m2": Reason.LABELMAP_NOT_CHOSEN}
    (volume,) = read_rows(Volume, workspace.tables("segment"))
    assert volume.labelmap_id == "m1"


def test_a_new_name_for_a_value_makes_the_labels_anew(workspace: Workspace) -> None:
    add_labelmaps(workspace, ("m1", "ct", nifti(labels())))
    run(workspace)
    assert stage.prepare(STAGE, workspace).batches == ()
    add_rows(workspace, "deid", [LabelmapStructure("m1", 118, "costal_cartilages")], "later")
    assert run(workspace) == {}
    assert [row.structure for row in read_rows(Segment, workspace.tables("segment"))] == ["liver", "costal_cartilages"]

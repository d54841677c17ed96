"""The stage from DICOM slices, labels and readers' findings to views and masks."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from curation import rle, runs, stage
from curation.findings import name_findings
from curation.records import (
    Consensus,
    CtMeasurement,
    CtQuality,
    Instance,
    LabelGap,
    Mask,
    Picture,
    Reason,
    Segment,
    Series,
    View,
    VisibleMask,
    Volume,
)
from curation.stage import Todo
from curation.store import ShardWriter, read_member, read_rows, to_arrow, write_parquet
from curation.workspace import Workspace
from projection.anatomy import anatomy
from projection.project import STAGE
from projection.volume import pack_labels
from tests.curation.slices import PARAMS, add_ct, add_rows, dicom_file

SHAPE = (20, 32, 32)
SPACING_ZYX_MM = (15.0, 10.0, 10.0)
STRUCTURES = {
    4: "heart",
    9: "lung_upper_lobe_left",
    10: "lung_upper_lobe_right",
    30: "liver",
    31: "gluteus_maximus_left",
}
DIGITS = "0123456789abcdef"


def made_up_chest() -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """HU and labels: lungs at both sides, the heart to the left between them, the liver below right."""
    hu, labels = np.full(SHAPE, -1000, np.int16), np.zeros(SHAPE, np.uint8)
    hu[:, 6:26, 2:30] = 40
    boxes = {
        10: np.s_[6:19, 8:24, 4:13],
        9: np.s_[6:19, 8:24, 20:28],
        4: np.s_[7:12, 8:16, 13:22],
        30: np.s_[1:5, 8:24, 4:16],
    }
    for value, box in boxes.items():
        labels[box] = value
        hu[box] = -850 if value in (9, 10) else 60
    return hu, labels


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace as after catalog, segment and consensus."""
    text = PARAMS.read_text().replace("size_px: 1024", "size_px: 96")
    (tmp_path / "params.yaml").write_text(text)
    made = Workspace(tmp_path)
    hu, labels = made_up_chest()
    slices = [dicom_file(pixels=(plane.astype(np.int32) + 1024).astype(np.int16)) for plane in hu]
    instances = add_ct(made, slices, series_id="s1")
    add_rows(made, "catalog", [series("s1", tuple(row.instance_id for row in instances)), series("s2", ())])
    add_labels(made, labels)
    add_rows(
        made,
        "consensus",
        [finding("c2", (14, 12, 22)), finding("c1", (10, 14, 6)), finding("c3", (9, 9, 9), "non_nodule")],
    )
    return made


def series(name: str, instance_ids: tuple[str, ...]) -> Series:
    axes = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    return Series(name, "st1", "p1", "CT", SHAPE[0], SHAPE, SPACING_ZYX_MM, (-155.0, -155.0, 0.0), axes, instance_ids)


def add_labels(workspace: Workspace, labels: NDArray[np.uint8]) -> None:
    writer = ShardWriter(workspace.tables("segment") / "bytes" / "made.tar", "bytes/made.tar")
    place = writer.add("s1.npy.gz", pack_labels(labels))
    writer.close()
    volume = Volume("s1", "l1", "made", place.sha256, place.shard, place.offset, place.length)
    add_rows(workspace, "segment", [volume])
    add_rows(workspace, "segment", [Segment("s1", v, STRUCTURES[v], 1, 1.0) for v in STRUCTURES if (labels == v).any()])


def finding(name: str, start: tuple[int, ...], what: str = "nodule") -> Consensus:
    box = runs.encode(np.ones((2, 3, 3), dtype=bool))
    return Consensus(name, "s1", what, "staple", ("r1", "r2"), 2, ("o1", "o2"), start, box.shape_zyx, box.runs, 18)


def run(workspace: Workspace) -> Todo:
    todo = stage.prepare(STAGE, workspace)
    for batch in todo.batches:
        stage.run_batch(STAGE, workspace, batch)
    return todo


def masks_of(workspace: Workspace, view: str) -> dict[str, Mask]:
    folder = workspace.tables("project")
    wanted = next(row.view_id for row in read_rows(View, folder) if row.view == view)
    return {mask.label: mask for mask in read_rows(Mask, folder) if mask.view_id == wanted}


def pixels(mask: Mask) -> NDArray[np.bool_]:
    return rle.decode(mask.rle, 96, 96)


def test_a_ct_becomes_its_views_with_anatomy_and_findings(workspace: Workspace) -> None:
    assert run(workspace).n_items == 1  # s2 has no labels: segment has said why
    assert {row.view for row in read_rows(View, workspace.tables("project"))} == {"PA", "LAT"}
    found = masks_of(workspace, "PA")
    assert found.keys() >= {
        "heart", "mediastinum", "lung", "left lung", "right lung", "lung upper lobe left", "lung upper lobe right",
        "liver", "abdomen", "upper zone lung", "left upper zone lung", "nodule", "nodule_2",
    }  # fmt: skip
    assert (found["heart"].category_id, found["heart"].source) == (121, "segment")
    assert (found["nodule"].category_id, found["nodule"].source) == (1000, "consensus")
    assert found["nodule_2"].category_id == 1000
    assert found.keys() == masks_of(workspace, "LAT").keys()


def test_each_label_has_a_mask_or_a_gap_with_its_reason(workspace: Workspace) -> None:
    run(workspace)
    gaps = {row.label: row.reason for row in read_rows(LabelGap, workspace.tables("project"))}
    shown = masks_of(workspace, "PA").keys() | masks_of(workspace, "LAT").keys()
    assert {entry.label for entry in anatomy()} == (shown - {"nodule", "nodule_2"}) | gaps.keys()
    assert all(gaps.values())
    assert "not in the labelmap" in gaps["aorta"]
    assert "heartchambers" in gaps["heart atrium left"]


def test_lungs_as_a_film_shows_them_on_the_frontal_view(workspace: Workspace) -> None:
    run(workspace)
    folder = workspace.tables("project")
    views = {row.view_id: row.view for row in read_rows(View, folder)}
    visible = {(views[row.view_id], row.label): row for row in read_rows(VisibleMask, folder)}
    assert {view for view, _ in visible} == {"PA"}
    found = masks_of(workspace, "PA")
    left = rle.decode(visible["PA", "left lung"].rle, 96, 96)
    hidden = pixels(found["heart"]) | pixels(found.get("cardiomediastinum", found["heart"]))
    for side in ("left", "right"):
        if f"subdiaphragmatic region {side}" in found:
            hidden |= pixels(found[f"subdiaphragmatic region {side}"])
    assert (left == pixels(found["left lung"]) & ~hidden).all()
    assert 0 < left.sum() < found["left lung"].area_px
    assert visible["PA", "left lung"].area_px == left.sum()


def test_the_pictures_beside_the_view(workspace: Workspace) -> None:
    run(workspace)
    folder = workspace.tables("project")
    kinds = {"raw", "bone_suppressed", "bone_only", "lung_only"}
    rows = list(read_rows(Picture, folder))
    for view in read_rows(View, folder):
        assert {row.kind for row in rows if row.view_id == view.view_id} == kinds
    for row in rows:
        made = np.asarray(Image.open(io.BytesIO(read_member(folder, row.shard, row.offset, row.length))))
        assert made.shape == (96, 96)
        assert made.dtype == (np.uint16 if row.kind == "raw" else np.uint8)
        assert (row.scale < 1) == (row.kind == "raw")


def test_partners_can_be_left_out(workspace: Workspace) -> None:
    params = workspace.root / "params.yaml"
    params.write_text(params.read_text().replace("partners: true", "partners: false"))
    again = Workspace(workspace.root)
    run(again)
    assert not list(read_rows(Picture, again.tables("project")))


def test_what_is_known_of_the_ct_and_its_views(workspace: Workspace) -> None:
    run(workspace)
    folder = workspace.tables("project")
    (quality,) = read_rows(CtQuality, folder)
    assert (quality.series_id, quality.contrast, quality.slice_mm) == ("s1", "none", 15.0)
    assert "slices_very_thick" in quality.reasons
    assert {row.measure: row.reason for row in read_rows(CtMeasurement, folder)}.keys() >= {
        "cardiomegaly",
        "lung_volume",
    }
    for view in read_rows(View, folder):
        covered = rle.decode(view.coverage, 96, 96)
        assert covered[48, 48]
        assert not covered[0, 0]
        assert 1.05 < view.magnification < 1.2


def test_swapped_sides_are_rejected(workspace: Workspace) -> None:
    labels = made_up_chest()[1]
    swapped = labels.copy()
    swapped[labels == 9], swapped[labels == 10] = 10, 9
    for part in (workspace.tables("segment") / "volumes").glob("*"):
        part.unlink()
    for part in (workspace.tables("segment") / "segments").glob("*"):
        part.unlink()
    (workspace.tables("segment") / "bytes" / "made.tar").unlink()
    add_labels(workspace, swapped)
    run(workspace)
    (reject,) = stage.rejects(workspace, STAGE)
    assert (reject.reason, reject.detail) == (Reason.IMPLAUSIBLE_ANATOMY, "the labels break the rule of left_right")


def test_sides_agree_with_the_patient(workspace: Workspace) -> None:
    run(workspace)
    found = masks_of(workspace, "PA")
    middle = {label: mask.box[0] + mask.box[2] / 2 for label, mask in found.items()}
    assert middle["right lung"] < middle["heart"] < middle["left lung"]
    assert found["liver"].box[1] > found["lung"].box[1]
    assert middle["nodule"] < middle["nodule_2"]  # c1 lies in the right lung, c2 in the left


def test_a_part_lies_in_its_whole_and_a_finding_in_its_lobe(workspace: Workspace) -> None:
    run(workspace)
    for view in ("PA", "LAT"):
        found = masks_of(workspace, view)
        for part, whole in (("right lung", "lung"), ("heart", "mediastinum"), ("nodule", "lung upper lobe right")):
            assert not (pixels(found[part]) & ~pixels(found[whole])).any(), (view, part)
            assert found[part].area_px == pixels(found[part]).sum()


def test_the_picture_is_where_its_row_says(workspace: Workspace) -> None:
    run(workspace)
    folder = workspace.tables("project")
    for row in read_rows(View, folder):
        picture = np.asarray(Image.open(io.BytesIO(read_member(folder, row.shard, row.offset, row.length))))
        assert picture.shape == (row.rows, row.columns) == (96, 96)
        assert picture[pixels(masks_of(workspace, row.view)["liver"])].min() > 0
        assert picture[0, 0] == 0
        detector = np.array(row.detector_origin_xyz_mm) + 47.5 * row.pixel_spacing_mm * (
            np.array(row.detector_x_axis) + np.array(row.detector_y_axis)
        )
        distance_mm = np.linalg.norm(detector - np.array(row.source_xyz_mm))
        assert distance_mm == pytest.approx(row.source_to_detector_mm, abs=1e-4)
        assert row.view_id.strip(DIGITS) == ""


def test_done_again_gives_the_same_bytes(workspace: Workspace) -> None:
    run(workspace)
    files = {path: path.read_bytes() for path in workspace.tables("project").rglob("*") if path.is_file()}
    assert files
    assert run(workspace).batches == ()
    for path in files:
        path.unlink()
    run(workspace)
    assert files == {path: path.read_bytes() for path in workspace.tables("project").rglob("*") if path.is_file()}


def test_a_finding_that_is_gone_makes_the_views_stale(workspace: Workspace) -> None:
    run(workspace)
    (workspace.tables("consensus") / "consensus" / "made.parquet").unlink()
    assert len(run(workspace).batches) == 1
    assert "nodule" not in masks_of(workspace, "PA")


def test_a_ct_without_any_known_label_is_rejected(workspace: Workspace) -> None:
    (workspace.tables("consensus") / "consensus" / "made.parquet").unlink()
    labels = np.zeros(SHAPE, np.uint8)
    labels[4, 4, 4] = 31
    add_labels(workspace, labels)
    run(workspace)
    assert [row.reason for row in stage.rejects(workspace, STAGE)] == [Reason.EMPTY_PROJECTION]
    assert read_rows(View, workspace.tables("project")) == []


def test_findings_are_named_by_size_and_what_is_no_finding_is_left_out() -> None:
    sizes = (("b", "non_nodule", 99), ("c", "nodule", 7), ("a", "nodule", 7), ("d", "nodule", 50))
    rows = [replace(finding(name, (0, 0, 0), what), n_voxels=size) for name, what, size in sizes]
    named = {label: row.consensus_id for label, row in name_findings(rows).items()}
    assert named == {"nodule": "d", "nodule_2": "a", "nodule_3": "c"}


def test_other_pixels_under_the_same_ids_make_the_views_stale(workspace: Workspace) -> None:
    run(workspace)
    part = next((workspace.tables("deid") / "instances").glob("*.parquet"))
    changed = [replace(row, sha256="0" * 64) for row in read_rows(Instance, workspace.tables("deid"))]
    write_parquet(to_arrow(Instance, changed), part)
    assert len(stage.prepare(STAGE, workspace).batches) == 1

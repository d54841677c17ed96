"""Volumes and labelmaps on one grid."""

import gzip
from itertools import permutations, product
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from curation import stage
from curation.catalog import STAGE as CATALOG
from curation.errors import IntegrityError, Rejected
from curation.records import Reason, Series
from curation.store import read_rows
from projection.volume import grid_affine, load_ct, onto_grid, pack_labels, read_labelmap, unpack_labels
from tests.curation.slices import AXIAL, SAGITTAL, add_ct, ct_slice, workspace_at

SHAPE = (5, 4, 6)  # z, y, x
AFFINE = np.array([[0.8, 0, 0, -10], [0, 0.5, 0, -20], [0, 0, 2.5, -40], [0, 0, 0, 1.0]])
TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def numbered() -> NDArray[np.uint8]:
    return np.arange(np.prod(SHAPE), dtype=np.uint8).reshape(SHAPE)


def nifti(labels_zyx: NDArray[Any], affine_lps: NDArray[np.float64]) -> bytes:
    image = nib.Nifti1Image(labels_zyx.T, TO_RAS @ affine_lps)  # type: ignore[no-untyped-call]
    data: bytes = image.to_bytes()
    return data


def stored_otherwise(order: tuple[int, ...], flips: tuple[bool, ...]) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The numbered volume with its axes in another order and direction, and the affine that says so; by hand."""
    xyz = numbered().T
    columns, origin = AFFINE[:3, :3].copy(), AFFINE[:3, 3].copy()
    for axis, flip in enumerate(flips):
        if flip:
            origin = origin + columns[:, axis] * (xyz.shape[axis] - 1)
            columns[:, axis] *= -1
            xyz = np.flip(xyz, axis)
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = columns[:, order], origin
    return np.transpose(xyz, order).T, affine


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_every_storage_order_comes_back_exactly(order: tuple[int, ...]) -> None:
    for flips in product((False, True), repeat=3):
        labels, affine = read_labelmap(nifti(*stored_otherwise(order, flips)))
        assert (onto_grid(labels, affine, SHAPE, AFFINE, 0.01) == numbered()).all()


def test_las_storage_as_nifti_tools_write_it() -> None:
    labels, affine = stored_otherwise((0, 1, 2), (False, True, False))
    assert nib.aff2axcodes(TO_RAS @ affine) == ("L", "A", "S")  # type: ignore[no-untyped-call]
    assert (labels != numbered()).any()
    assert (onto_grid(labels, affine, SHAPE, AFFINE, 0.01) == numbered()).all()


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_labelmap_may_be_gzipped(compress: Any) -> None:
    labels, affine = read_labelmap(compress(nifti(numbered(), AFFINE)))
    assert labels.dtype == np.uint8 and (labels == numbered()).all()
    assert np.allclose(affine, AFFINE, atol=1e-5)  # NIfTI holds single precision


def shifted(**by: float) -> NDArray[np.float64]:
    affine = AFFINE.copy()
    affine[:3, 3] += [by.get("x", 0), by.get("y", 0), by.get("z", 0)]
    return affine


@pytest.mark.parametrize(
    ("labels", "affine"),
    [
        (numbered()[1:], AFFINE),  # fewer slices
        (np.zeros((5, 6, 4), np.uint8), AFFINE),  # rows and columns swapped, affine not
        (numbered(), shifted(z=2.5)),  # one slice off
        (numbered(), shifted(x=0.02)),
        (numbered(), AFFINE @ np.diag([1.01, 1, 1, 1])),  # other spacing
        (numbered(), AFFINE @ np.diag([0, 1, 1, 1])),  # singular
        (numbered(), np.full((4, 4), np.nan)),
    ],
)
def test_another_grid_does_not_fit(labels: NDArray[np.uint8], affine: NDArray[np.float64]) -> None:
    with pytest.raises(Rejected) as outcome:
        onto_grid(labels, affine, SHAPE, AFFINE, 0.01)
    assert outcome.value.reason == Reason.LABELMAP_DOES_NOT_FIT


def test_a_grid_within_the_tolerance_fits() -> None:
    assert (onto_grid(numbered(), shifted(x=0.004, z=-0.004), SHAPE, AFFINE, 0.01) == numbered()).all()


@pytest.mark.parametrize(
    ("values", "fits"),
    [
        (np.array([0, 1, 255], np.float32), True),
        (np.array([0, 117], np.int16), True),
        (np.array([0.5], np.float32), False),
        (np.array([np.nan], np.float32), False),
        (np.array([-1], np.int16), False),
        (np.array([256], np.int16), False),
    ],
)
def test_labels_are_integers_that_fit_a_byte(values: NDArray[Any], fits: bool) -> None:
    data = nifti(values.reshape(1, 1, -1), AFFINE)
    if fits:
        assert read_labelmap(data)[0].ravel().tolist() == values.tolist()
        return
    with pytest.raises(Rejected) as outcome:
        read_labelmap(data)
    assert outcome.value.reason == Reason.LABELMAP_UNKNOWN_VALUE


@pytest.mark.parametrize("data", [b"", b"text", b"\x1f\x8bnot gzip", nifti(numbered(), AFFINE)[:400], bytes(400)])
def test_what_is_not_nifti_is_unreadable(data: bytes) -> None:
    with pytest.raises(Rejected) as outcome:
        read_labelmap(data)
    assert outcome.value.reason == Reason.UNREADABLE


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_ends_in_a_rejection_and_in_nothing_else(data: st.DataObject) -> None:
    whole = nifti(numbered(), AFFINE)
    damaged = bytearray(whole[: data.draw(st.integers(1, len(whole)))])
    for _ in range(data.draw(st.integers(0, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        onto_grid(*read_labelmap(bytes(damaged)), SHAPE, AFFINE, 0.01)
    except Rejected as outcome:
        assert outcome.reason in (
            Reason.UNREADABLE,
            Reason.LABELMAP_DOES_NOT_FIT,
            Reason.LABELMAP_UNKNOWN_VALUE,
        )


def test_packed_labels_are_the_same_bytes_each_time() -> None:
    assert pack_labels(numbered()) == pack_labels(numbered()[:, ::-1][:, ::-1])
    assert (unpack_labels(pack_labels(numbered())) == numbered()).all()


@pytest.mark.parametrize(
    ("orientation", "step"), [(AXIAL, (0, 0, 2.5)), (SAGITTAL, (1.5, 0, 0)), ((1, 0, 0, 0, 0, -1), (0, -2, 0))]
)
def test_a_ct_lies_where_its_slices_say(
    orientation: tuple[float, ...], step: tuple[float, ...], tmp_path: Path
) -> None:
    workspace = workspace_at(tmp_path)
    places = [tuple(start + n * s for start, s in zip((-10.0, -20.0, 30.0), step, strict=True)) for n in range(16)]
    order = [(5 * n) % 16 for n in range(16)]  # arrive shuffled; slice n holds n HU
    add_ct(workspace, [ct_slice(n, places[n], orientation) for n in order])
    for batch in stage.prepare(CATALOG, workspace).batches:
        stage.run_batch(CATALOG, workspace, batch)
    (series,) = read_rows(Series, workspace.tables("catalog"))
    ct = load_ct(workspace, series)
    assert ct.hu_zyx.dtype == np.int16 and ct.hu_zyx.shape == (16, 4, 6)
    for z, n in enumerate(ct.hu_zyx[:, 0, 0].tolist()):
        assert np.allclose((ct.affine @ [0, 0, z, 1])[:3], places[n])
    row, column = 3, 5  # PixelSpacing is row, column: 0.5, 0.8
    expected = ct.affine[:3, 3] + 5 * 0.8 * np.array(orientation[:3]) + 3 * 0.5 * np.array(orientation[3:])
    assert np.allclose((ct.affine @ [column, row, 0, 1])[:3], expected)
    assert np.linalg.det(ct.affine[:3, :3]) > 0 and (ct.affine == grid_affine(series)).all()


def test_an_instance_that_has_gone_is_an_error_of_the_run(tmp_path: Path) -> None:
    series = Series("s", "st", "p", "CT", 1, (1, 4, 6), (1, 1, 1), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1), ("gone",))
    with pytest.raises(IntegrityError):
        load_ct(workspace_at(tmp_path), series)

"""A CT and its labels from files: every orientation, and files that cannot be used."""

import gzip
from collections.abc import Callable
from itertools import permutations, product
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from curation.errors import InputError
from projection.anatomy.body import turned
from projection.files import read_ct, read_labels
from projection.volume import Ct
from tests.curation.slices import dicom_file
from tests.projection.made_ct import AFFINE, RAS_FROM_LPS, SHAPE, hu_zyx, nifti, turned_grid, values_zyx

ORIENTATIONS = list(product(permutations(range(3)), product((False, True), repeat=3)))


@pytest.mark.parametrize("order,flips", ORIENTATIONS[::5])
def test_a_ct_and_its_labels_in_any_orientation_are_the_same_body(
    order: tuple[int, ...], flips: tuple[bool, ...], tmp_path: Path
) -> None:
    hu, affine = turned_grid(hu_zyx(), order, flips)
    scan = read_ct(nifti(hu, tmp_path / "ct.nii.gz", affine))
    labels = read_labels(nifti(values_zyx(), tmp_path / "labels.nii.gz"), scan.ct)
    body = turned(labels.values_zyx, {1: "heart"}, scan.ct.affine, scan.ct.hu_zyx)
    assert body.hu is not None and np.array_equal(body.hu, hu_zyx()) and np.array_equal(body.values, values_zyx())
    assert np.allclose(body.affine, AFFINE, atol=1e-4)
    assert (scan.slices, scan.notes, labels.notes, labels.names) == ((), (), (), {})


def save(array_zyx: NDArray[Any], path: Path, change: Callable[[Any], None] = lambda _: None) -> Path:
    image: Any = nib.Nifti1Image(array_zyx.T, RAS_FROM_LPS @ AFFINE)  # type: ignore[no-untyped-call]
    change(image)
    nib.save(image, path)
    return path


def test_slope_and_intercept_are_applied_and_padding_ends_at_minus_1024(tmp_path: Path) -> None:
    stored = (hu_zyx() + 1024) // 2
    stored[0, 0, 0] = -1000  # -3024 HU: outside the round field of view
    path = save(stored.astype(np.int16), tmp_path / "ct.nii", lambda image: image.header.set_slope_inter(2, -1024))
    hu = read_ct(path).ct.hu_zyx
    expected = hu_zyx() // 2 * 2
    expected[0, 0, 0] = -1024
    assert (hu == expected).all() and hu.dtype == np.int16


def test_a_fourth_axis_of_one_is_no_fourth_axis(tmp_path: Path) -> None:
    assert read_ct(save(hu_zyx()[None], tmp_path / "ct.nii")).ct.hu_zyx.shape == SHAPE
    with pytest.raises(InputError, match="three dimensions"):
        read_ct(save(np.stack([hu_zyx()] * 2), tmp_path / "two.nii"))


def no_orientation(image: Any) -> None:
    image.set_sform(None, 0)
    image.set_qform(None, 0)


def sheared(image: Any) -> None:
    affine = image.affine.copy()
    affine[1, 2] += 2.0
    image.set_sform(affine, 1)


def infinite(image: Any) -> None:
    image.header["srow_x"] = np.inf


def flat(image: Any) -> None:
    image.header["srow_x"] = 0
    image.header["srow_y"] = 0


@pytest.mark.parametrize(
    "change,message",
    [
        (no_orientation, "left is unknown"),
        (sheared, "tilted gantry or sheared.*dcm2niix"),
        (flat, "no length"),
        (lambda image: image.header.set_xyzt_units("meter"), "another unit"),
    ],
)
def test_a_header_that_leaves_the_geometry_open(change: Callable[[Any], None], message: str, tmp_path: Path) -> None:
    path = save(hu_zyx(), tmp_path / "ct.nii", change if change is not flat else lambda _: None)
    if change is flat:
        data = bytearray(path.read_bytes())
        data[280:312] = bytes(32)  # srow_x and srow_y, nifti1.h
        path.write_bytes(data)
    with pytest.raises(InputError, match=message):
        read_ct(path)


@pytest.mark.parametrize(
    "array,message",
    [
        (np.where(hu_zyx() > 0, np.nan, hu_zyx()).astype(np.float32), "NaN"),
        (hu_zyx() + 1024, "intercept of -1024 missing"),
        (hu_zyx()[:1], "expected a volume"),
        (hu_zyx().astype(np.complex64), "real numbers"),
    ],
)
def test_voxels_that_are_no_ct(array: NDArray[Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        read_ct(save(array, tmp_path / "ct.nii"))


def test_files_that_are_no_nifti(tmp_path: Path) -> None:
    path = save(hu_zyx(), tmp_path / "ct.nii")
    whole = path.read_bytes()
    zipped = gzip.compress(whole)
    for data, message in (
        (b"", "empty file"),
        (b"not a NIfTI", "not a readable NIfTI"),
        (zipped[:-20], "cut short"),
        (whole[:-200], "voxels cannot be read"),
    ):
        path.write_bytes(data)
        with pytest.raises(InputError, match=message):
            read_ct(path)
    with pytest.raises(InputError, match="FileNotFoundError"):
        read_ct(tmp_path / "none.nii")


# --- labels ----------------------------------------------------------------------------------------------

CT = Ct(hu_zyx(), AFFINE)


def test_labels_on_a_finer_grid_come_over_with_a_note(tmp_path: Path) -> None:
    fine = values_zyx().repeat(2, 0).repeat(2, 1).repeat(2, 2)
    affine = AFFINE.copy()
    affine[:3, :3] /= 2
    affine[:3, 3] -= affine[:3, :3].sum(axis=1) / 2
    found = read_labels(nifti(fine, tmp_path / "labels.nii", affine), CT)
    assert (found.values_zyx == values_zyx()).all()
    assert "resampled" in found.notes[0]


def test_labels_of_a_part_of_the_ct_leave_the_rest_background(tmp_path: Path) -> None:
    affine = AFFINE.copy()
    affine[:3, 3] += AFFINE[:3, :3] @ (2, 2, 1)
    found = read_labels(nifti(values_zyx()[1:9, 2:12, 2:14], tmp_path / "labels.nii", affine), CT)
    assert (found.values_zyx == values_zyx()).all() and found.notes


@pytest.mark.parametrize(
    "array,message",
    [
        (values_zyx() * 0.5, "integers"),
        (values_zyx() * np.int16(100), "integers"),
        (values_zyx() * 0, "nothing but background"),
        (np.stack([values_zyx()] * 2), "three dimensions"),
    ],
)
def test_a_labelmap_that_is_none(array: NDArray[Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        read_labels(nifti(array, tmp_path / "labels.nii"), CT)


def test_a_labelmap_of_somebody_else(tmp_path: Path) -> None:
    affine = AFFINE.copy()
    affine[2, 3] += 80
    with pytest.raises(InputError, match="this patient's"):
        read_labels(nifti(values_zyx(), tmp_path / "labels.nii", affine), CT)


@pytest.mark.parametrize("number", [np.nan, 0.0])
def test_a_labelmap_without_a_place(number: float, tmp_path: Path) -> None:
    path = nifti(values_zyx(), tmp_path / "labels.nii")
    data = bytearray(path.read_bytes())
    data[280:296] = np.full(4, number, "<f4").tobytes()  # srow_x
    path.write_bytes(data)
    with pytest.raises(InputError, match="no length"):
        read_labels(path, CT)


# --- DICOM -----------------------------------------------------------------------------------------------


def slices(folder: Path, **elements: Any) -> list[Path]:
    """The made-up chest as DICOM files, from the feet up; an element may be a list with a value for each slice."""
    folder.mkdir(exist_ok=True)
    paths = []
    for z, plane in enumerate(hu_zyx()):
        own = {keyword: value[z] if isinstance(value, list) else value for keyword, value in elements.items()}
        usual = {
            "SOPInstanceUID": f"2.25.1{z:03d}",
            "ImagePositionPatient": (AFFINE[:3, 3] + AFFINE[:3, 2] * z).tolist(),
            "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
            "PixelSpacing": [8.0, 9.0],
            "FrameOfReferenceUID": "2.25.9",
        }
        path = folder / f"{(z * 7) % len(hu_zyx())}.dcm"
        path.write_bytes(dicom_file(pixels=plane + np.int16(1024), **{**usual, **own}))
        paths.append(path)
    return paths


def test_a_dicom_folder_in_any_order_of_files(tmp_path: Path) -> None:
    paths = slices(tmp_path)
    (tmp_path / "readme.txt").write_text("no DICOM")
    (tmp_path / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    (tmp_path / "dose.dcm").write_bytes(dicom_file("SR", SOPInstanceUID="2.25.7"))
    scan = read_ct(tmp_path)
    assert (scan.ct.hu_zyx == hu_zyx()).all() and np.allclose(scan.ct.affine, AFFINE)
    assert list(scan.slices) == paths
    assert scan.notes == ("3 files of the folder are not slices of a CT and were left out",)


def test_a_whole_dicom_folder_needs_no_note(tmp_path: Path) -> None:
    slices(tmp_path)
    assert read_ct(tmp_path).notes == ()


def test_a_folder_with_several_series_says_how_many(tmp_path: Path) -> None:
    slices(tmp_path, SeriesInstanceUID=[f"2.25.{z // 4}" for z in range(len(hu_zyx()))])
    with pytest.raises(InputError, match="one CT series, got 3 among 10 files"):
        read_ct(tmp_path)


def test_a_folder_without_a_ct(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="got 0 among 0 files"):
        read_ct(tmp_path)


def test_a_series_that_is_not_one_regular_volume(tmp_path: Path) -> None:
    paths = slices(tmp_path)
    paths[4].unlink()
    with pytest.raises(InputError, match="1 missing between 9 slices"):
        read_ct(tmp_path)
    for path in paths[1:4] + paths[5:]:
        path.unlink()
    with pytest.raises(InputError, match="at least two slices"):
        read_ct(tmp_path)


def test_a_tilted_gantry_is_refused_with_what_to_do(tmp_path: Path) -> None:
    places = [[-70.0, -50.0 + 3 * z, -300.0 + 12 * z] for z in range(len(hu_zyx()))]
    slices(tmp_path, ImagePositionPatient=places)
    with pytest.raises(InputError, match=r"tilted.*dcm2niix"):
        read_ct(tmp_path)


def test_slices_of_several_sizes(tmp_path: Path) -> None:
    slices(tmp_path)
    (tmp_path / "0.dcm").write_bytes(
        dicom_file(ImagePositionPatient=[-70, -50, -300], ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    )
    with pytest.raises(InputError, match="rows or columns"):
        read_ct(tmp_path)


def test_a_damaged_slice_stops_the_whole(tmp_path: Path) -> None:
    paths = slices(tmp_path)
    whole = paths[3].read_bytes()
    paths[3].write_bytes(whole[:-100])
    with pytest.raises(InputError, match="pixels cannot be read"):
        read_ct(tmp_path)
    for data in (whole[:300], whole[:132] + b"\xff" * 9):
        paths[3].write_bytes(data)
        with pytest.raises(InputError, match="damaged"):
            read_ct(tmp_path)

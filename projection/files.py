"""A CT and its labelmap from files that people have: a NIfTI, or a folder with one DICOM series.

Any orientation: arrays stay as they are stored, as ``(z, y, x)``, and the affine (4×4, voxel ``(x, y, z, 1)`` to mm,
LPS) says what they mean. What cannot be read for certain is refused with what to do about it: tilted gantry, sheared
affine, missing slices, several series, no orientation, values that are no HU. A labelmap is flipped and swapped onto
the CT's grid, which is exact; on another grid of the same patient it is resampled to the nearest voxel, with a note.
"""

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from curation.catalog import regular_grid
from curation.dicom import AIR_HU, Header, read_header, read_hu
from curation.errors import InputError, Rejected
from projection.names import embedded_names
from projection.volume import LPS_FROM_RAS, MALFORMED, Ct, onto_grid, read_labelmap

Affine = NDArray[np.float64]
Labels = NDArray[np.uint8]

_SPACING_TOLERANCE = 0.05  # share of the slice spacing, as the catalog's in params.yaml
_GRID_TOLERANCE_MM = 0.01  # as segment's in params.yaml
_SHEAR = 1e-4  # the projector's own limit for the cosine between two axes
_INSIDE = 0.5  # share of the labelled volume that must lie in the CT for the labelmap to be its patient's
_LUNG_OR_AIR_HU = -500  # a chest CT holds air: lungs are about -850 HU (Kalender 2011), room air -1000
_LEAST_AIR = 1e-3  # share of the voxels; padding does not count, and the edge of a body alone is more
_MM_UNITS = ("mm", "unknown")


@dataclass(frozen=True)
class Scan:
    """A CT, and what was said about its files on the way."""

    ct: Ct
    slices: tuple[Path, ...] = ()
    """The DICOM files in the order of ``ct.hu_zyx``; none if it was a NIfTI."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabelFile:
    """A labelmap on its CT's grid, uint8 ``(z, y, x)``; ``names`` are those that the file itself holds, if any."""

    values_zyx: Labels
    names: dict[int, str]
    notes: tuple[str, ...] = ()


def read_ct(path: Path) -> Scan:
    """A CT from a NIfTI (gzipped or not) or a folder with one DICOM series; HU as int16, nothing below -1024.

    Raises InputError with what was expected, what came and what to do; never with a value of a header.
    """
    scan = _read_dicom(path) if path.is_dir() else _read_nifti(path)
    shape = scan.ct.hu_zyx.shape
    if min(shape) < 2:
        raise InputError(f"the CT has {' x '.join(map(str, shape))} voxels: expected a volume")
    _check_axes(scan.ct.affine)
    hu = scan.ct.hu_zyx
    if np.count_nonzero((hu > AIR_HU) & (hu < _LUNG_OR_AIR_HU)) < _LEAST_AIR * hu.size:
        raise InputError(
            "the CT holds no lung or air: expected Hounsfield units, with air near -1000; "
            "is the intercept of -1024 missing, or is this the labelmap?"
        )
    return scan


def read_labels(path: Path, ct: Ct) -> LabelFile:
    """A NIfTI labelmap on the CT's grid.

    Exact by flips and swaps of axes; if the grids differ, the nearest voxel with a note. Raises InputError if it
    cannot be read, is not of whole numbers from 0 to 255, or if less than half of what is labelled lies in the CT.
    """
    data = _bytes(path, "labelmap")
    try:
        stored, affine = read_labelmap(data)
    except Rejected as reject:
        raise InputError(f"the labelmap cannot be used: {reject.detail}") from None
    if not stored.any():
        raise InputError("the labelmap holds nothing but background")
    names = embedded_names(_nifti(data, "labelmap"))
    try:
        return LabelFile(onto_grid(stored, affine, ct.hu_zyx.shape, ct.affine, _GRID_TOLERANCE_MM), names)
    except Rejected as reject:
        values = _nearest(stored, affine, ct)
        return LabelFile(values, names, (f"labels resampled to the CT's grid, nearest voxel ({reject.detail})",))


# --- NIfTI -----------------------------------------------------------------------------------------------


def _bytes(path: Path, what: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"the {what} cannot be read ({type(error).__name__}): expected a NIfTI file") from None
    if not data:
        raise InputError(f"the {what} is an empty file")
    try:
        return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    except (OSError, EOFError, zlib.error):
        raise InputError(f"the {what} is a gzip file that is cut short or damaged: copy it again") from None


def _nifti(data: bytes, what: str) -> Any:
    try:
        with np.errstate(all="ignore"):  # a damaged header holds any number
            return nib.Nifti1Image.from_bytes(data)
    except MALFORMED as error:
        raise InputError(f"the {what} is not a readable NIfTI-1 file ({type(error).__name__})") from None


def _read_nifti(path: Path) -> Scan:
    image = _nifti(_bytes(path, "CT"), "CT")
    header = image.header
    if int(header["sform_code"]) == 0 and int(header["qform_code"]) == 0:
        raise InputError("the CT's header gives no orientation (sform and qform codes are 0): left is unknown")
    if header.get_xyzt_units()[0] not in _MM_UNITS:
        raise InputError("the CT's header gives lengths in another unit than mm")
    try:
        with np.errstate(all="ignore"):
            stored = np.asanyarray(image.dataobj.get_unscaled())
            slope, intercept = (float(number) for number in (image.dataobj.slope, image.dataobj.inter))
    except MALFORMED as error:
        raise InputError(f"the CT's voxels cannot be read ({type(error).__name__}): is the file whole?") from None
    stored = (
        stored.reshape(stored.shape[:3]) if stored.ndim > 3 and stored.size == np.prod(stored.shape[:3]) else stored
    )
    if stored.ndim != 3 or stored.dtype.kind not in "iuf":
        raise InputError(f"expected a CT of three dimensions and real numbers, got {stored.ndim} and {stored.dtype}")
    return Scan(Ct(_hu(stored.T, slope, intercept), LPS_FROM_RAS @ np.asarray(image.affine, np.float64)))


def _hu(stored_zyx: NDArray[Any], slope: float, intercept: float) -> NDArray[np.int16]:
    """HU, slice by slice, so that a large volume is never held as floats; below ``AIR_HU`` is padding."""
    hu = np.empty(stored_zyx.shape, np.int16)
    for out, plane in zip(hu, stored_zyx, strict=True):
        values = plane.astype(np.float64) * slope + intercept
        if not np.isfinite(values).all():
            raise InputError("the CT holds values that are not numbers (NaN or infinite): replace them by -1024")
        out[:] = np.rint(values.clip(AIR_HU, np.iinfo(np.int16).max))
    return hu


def _check_axes(affine: Affine) -> None:
    with np.errstate(all="ignore"):
        axes = affine[:3, :3] / np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
        off = float(np.abs(axes.T @ axes - np.eye(3)).max()) if np.isfinite(axes).all() else np.nan
    if np.isnan(off) or not np.isfinite(affine).all():
        raise InputError("the CT's affine is not finite, or an axis has no length")
    if off > _SHEAR:
        raise InputError(
            "the CT's axes are not orthogonal (tilted gantry or sheared affine): resample it to an orthogonal grid "
            "first, for example with dcm2niix, which writes a tilt-corrected volume"
        )


# --- DICOM -----------------------------------------------------------------------------------------------


def _read_dicom(folder: Path) -> Scan:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    headers = {path: _header(path) for path in files if _is_dicom(path)}
    slices = {path: header for path, header in headers.items() if header.modality == "CT"}
    series = len({header.series_id for header in slices.values()})
    if series != 1:
        raise InputError(f"expected a folder with one CT series, got {series} among {len(files)} files")
    if len(slices) < 2:
        raise InputError("expected a CT series of at least two slices, got one")
    paths = list(slices)
    affine, order = _grid([slices[path] for path in paths])
    ordered = tuple(paths[index] for index in order)
    left_out = len(files) - len(paths)
    notes = (f"{left_out} files of the folder are not slices of a CT and were left out",) if left_out else ()
    return Scan(Ct(np.stack([_slice_hu(path) for path in ordered]), affine), ordered, notes)


def _is_dicom(path: Path) -> bool:
    """By the mark after the preamble, PS3.10 section 7.1; a DICOMDIR is a list of others, section 8.6."""
    with path.open("rb") as handle:
        return path.name != "DICOMDIR" and handle.read(132)[128:] == b"DICM"


def _header(path: Path) -> Header:
    """A header; one without a modality is cut short, and its slice must not be left out in silence."""
    try:
        header = read_header(path.read_bytes())
    except Rejected as reject:
        raise InputError(f"a DICOM file of the folder is damaged: {reject.detail}") from None
    if not header.modality:
        raise InputError("a DICOM file of the folder is damaged, or names no modality: copy it again, or take it out")
    return header


def _grid(headers: Sequence[Header]) -> tuple[Affine, tuple[int, ...]]:
    """Affine, and the slices' order by rising position."""
    try:
        grid = regular_grid(headers, _SPACING_TOLERANCE)
    except Rejected as reject:
        raise InputError(
            f"the slices are not one regular volume: {reject.detail}. Complete the series, or (tilted gantry) resample "
            "it to an orthogonal grid first, for example with dcm2niix"
        ) from None
    affine = np.eye(4)
    z_mm, row_mm, column_mm = grid.spacing_zyx_mm
    affine[:3, :3] = np.array(grid.direction).reshape(3, 3) * (column_mm, row_mm, z_mm)
    affine[:3, 3] = grid.origin_xyz_mm
    return affine, grid.order


def _slice_hu(path: Path) -> NDArray[np.int16]:
    try:
        return read_hu(path.read_bytes())
    except Rejected as reject:
        raise InputError(f"a slice's pixels cannot be read: {reject.detail}") from None


# --- labels on another grid ------------------------------------------------------------------------------


def _nearest(labels_zyx: Labels, affine: Affine, ct: Ct) -> Labels:
    """Labels at the CT's voxels, each from the nearest voxel of the labelmap; background beyond it."""
    with np.errstate(all="ignore"):
        singular = not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < np.finfo(np.float64).tiny
    if singular:
        raise InputError("the labelmap's affine is not finite, or an axis has no length")
    to_labels = np.linalg.solve(affine, ct.affine)
    made = np.zeros(ct.hu_zyx.shape, np.uint8)
    y, x = np.mgrid[: made.shape[1], : made.shape[2]]
    sizes = labels_zyx.shape[::-1]
    for z, plane in enumerate(made):
        points = [
            np.floor(row[0] * x + row[1] * y + (row[2] * z + row[3] + 0.5)).astype(np.int64) for row in to_labels[:3]
        ]
        inside = np.logical_and.reduce([(at >= 0) & (at < size) for at, size in zip(points, sizes, strict=True)])
        i, j, k = (at[inside] for at in points)
        plane[inside] = labels_zyx[k, j, i]
    _check_same_patient(labels_zyx, affine, made, ct.affine)
    return made


def _check_same_patient(labels_zyx: Labels, affine: Affine, made_zyx: Labels, ct_affine: Affine) -> None:
    """Most of the labelled volume must have come over."""
    before_mm3 = np.count_nonzero(labels_zyx) * abs(np.linalg.det(affine[:3, :3]))
    share = np.count_nonzero(made_zyx) * abs(np.linalg.det(ct_affine[:3, :3])) / before_mm3
    if share < _INSIDE:
        raise InputError(
            f"only {share:.0%} of the labelled volume lies in the CT: is the labelmap this patient's, and its affine "
            "right?"
        )

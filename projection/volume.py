"""Volumes: a CT and its labels as arrays on one grid.

Reads DICOM instances and NIfTI labelmaps of ``data/``, and labels that ``segment`` wrote. Arrays are ``(z, y, x)``;
affines are 4×4, from voxel ``(x, y, z, 1)`` to mm, LPS. Nothing is resampled here: a labelmap is flipped and its axes
are swapped, which is exact, or it does not fit.
"""

import gzip
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import nibabel as nib
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from nibabel.filebasedimages import ImageFileError
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray

from curation.dicom import read_hu
from curation.errors import IntegrityError, Rejected
from curation.records import Instance, Reason, Series, Volume
from curation.store import read_member
from curation.workspace import Workspace

LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""NIfTI points x to the right and y to the front; it is its own inverse."""
_GZIP_LEVEL = 6  # the sample chest: 0.32 MB in 0.3 s; level 1: 0.71 MB in 0.13 s, level 9: 0.27 MB in 1.2 s
_GZIP_MAGIC = b"\x1f\x8b"
MALFORMED = (
    ImageFileError,
    HeaderDataError,
    WrapStructError,
    OSError,
    EOFError,
    ValueError,
    zlib.error,
    MemoryError,
    OverflowError,
)
"""What nibabel and zlib raise on a file that is not what it says."""


@dataclass(frozen=True)
class Ct:
    """A CT: HU, int16 ``(z, y, x)``, in its native orientation; affine from voxel ``(x, y, z)`` to mm, LPS."""

    hu_zyx: NDArray[np.int16]
    affine: NDArray[np.float64]


def grid_affine(series: Series) -> NDArray[np.float64]:
    """4×4 affine of a CT series: voxel ``(x, y, z, 1)`` to mm, LPS."""
    affine = np.eye(4)
    spacing_xyz = np.array(series.spacing_zyx_mm[::-1])
    affine[:3, :3] = np.array(series.direction).reshape(3, 3) * spacing_xyz  # scales the columns
    affine[:3, 3] = series.origin_xyz_mm
    return affine


def load_ct(workspace: Workspace, series: Series) -> Ct:
    """The CT of a catalogued series, slices in the order of ``instance_ids``, that is, of rising position.

    Raises Rejected(UNREADABLE) for pixels that cannot be decoded, IntegrityError if an instance of the series is gone.
    """
    folder = workspace.tables("deid")
    places = _places(folder, series.series_id)
    hu = np.empty(series.shape_zyx, np.int16)
    for index, instance_id in enumerate(series.instance_ids):
        if instance_id not in places:
            raise IntegrityError("an instance of a catalogued series is not in data/: run `paxflow run catalog`")
        slice_hu = read_hu(read_member(folder, *places[instance_id]))
        if slice_hu.shape != hu.shape[1:]:
            raise Rejected(Reason.UNREADABLE, "a slice's pixels are not as many as its header says")
        hu[index] = slice_hu
    return Ct(hu, grid_affine(series))


def _places(folder: Path, series_id: str) -> dict[str, tuple[str, int, int]]:
    """Shard, offset and length of each instance of a series."""
    parts = tuple(sorted((folder / Instance.about.name).glob("*.parquet")))
    table = _instance_table(parts)
    if table is None:
        return {}
    rows = table.filter(pc.equal(table.column("series_id"), series_id)).to_pylist()
    return {row["instance_id"]: (row["shard"], row["offset"], row["length"]) for row in rows}


@lru_cache(maxsize=1)  # parts are immutable and named by what is in them, so their names are a sound key
def _instance_table(parts: tuple[Path, ...]) -> pa.Table | None:
    columns = ["instance_id", "series_id", "shard", "offset", "length"]
    return pa.concat_tables([pq.read_table(part, columns=columns) for part in parts]) if parts else None


# --- labels that segment wrote ---------------------------------------------------------------------------


def pack_labels(labels_zyx: NDArray[np.uint8]) -> bytes:
    """Labels as a gzipped ``.npy`` with zeroed time: the same array gives the same bytes with the same zlib."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(labels_zyx), allow_pickle=False)
    return gzip.compress(buffer.getvalue(), compresslevel=_GZIP_LEVEL, mtime=0)


def unpack_labels(data: bytes) -> NDArray[np.uint8]:
    """The array that ``pack_labels`` packed, uint8 ``(z, y, x)``."""
    labels: NDArray[np.uint8] = np.load(io.BytesIO(gzip.decompress(data)), allow_pickle=False)
    return labels


def load_labels(workspace: Workspace, volume: Volume) -> NDArray[np.uint8]:
    """Labels of a CT on its own grid, uint8 ``(z, y, x)``."""
    return unpack_labels(read_member(workspace.tables("segment"), volume.shard, volume.offset, volume.length))


# --- labelmaps that came with a CT -----------------------------------------------------------------------


def read_labelmap(nifti_bytes: bytes) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """A NIfTI labelmap, gzipped or not: uint8 ``(z, y, x)`` as stored, and its affine, turned from RAS to LPS.

    Raises Rejected(UNREADABLE), or Rejected(LABELMAP_UNKNOWN_VALUE) if a value is no integer from 0 to 255.
    """
    try:
        data = gzip.decompress(nifti_bytes) if nifti_bytes.startswith(_GZIP_MAGIC) else nifti_bytes
        with np.errstate(all="ignore"):  # a damaged header holds any number
            image = nib.Nifti1Image.from_bytes(data)
            values = np.asanyarray(image.dataobj)  # with the header's slope and intercept applied
    except MALFORMED as error:
        raise Rejected(Reason.UNREADABLE, f"not a readable NIfTI file ({type(error).__name__})") from None
    if values.ndim > 3 and values.shape[3:] == (1,) * (values.ndim - 3):
        values = values.reshape(values.shape[:3])
    if values.ndim != 3:
        raise Rejected(Reason.LABELMAP_DOES_NOT_FIT, f"expected three dimensions, got {values.ndim}")
    labels = values.astype(np.uint8) if values.dtype.kind in "uif" and _are_labels(values) else None
    if labels is None:
        raise Rejected(Reason.LABELMAP_UNKNOWN_VALUE, "expected integers from 0 to 255")
    return labels.T, LPS_FROM_RAS @ np.asarray(image.affine, np.float64)


def _are_labels(values: NDArray[np.generic]) -> bool:
    if values.dtype == np.uint8 or values.size == 0:
        return True
    if not (values.min() >= 0 and values.max() <= 255):  # false for NaN too
        return False
    return values.dtype.kind != "f" or bool((values == np.rint(values)).all())


def onto_grid(
    labels_zyx: NDArray[np.uint8],
    label_affine: NDArray[np.float64],
    ct_shape_zyx: Sequence[int],
    ct_affine: NDArray[np.float64],
    tolerance_mm: float,
) -> NDArray[np.uint8]:
    """Labels as ``(z, y, x)`` on the CT's grid, by flips and swaps of axes alone, so exactly.

    Raises Rejected(LABELMAP_DOES_NOT_FIT) if afterwards the sizes differ or any corner is off by more than
    ``tolerance_mm``.
    """
    with np.errstate(all="ignore"):
        voxel_to_voxel = np.linalg.solve(ct_affine, label_affine)
    if not np.isfinite(voxel_to_voxel).all():
        raise Rejected(Reason.LABELMAP_DOES_NOT_FIT, "its affine is not finite")
    axes = io_orientation(voxel_to_voxel)  # type: ignore[no-untyped-call]
    if np.isnan(axes).any():
        raise Rejected(Reason.LABELMAP_DOES_NOT_FIT, "its affine is singular")
    labels_xyz = labels_zyx.T
    affine = label_affine @ inv_ornt_aff(axes, labels_xyz.shape)  # type: ignore[no-untyped-call]
    moved = apply_orientation(labels_xyz, axes).T  # type: ignore[no-untyped-call]
    if moved.shape != tuple(ct_shape_zyx):
        raise Rejected(Reason.LABELMAP_DOES_NOT_FIT, f"expected {tuple(ct_shape_zyx)} voxels, got {moved.shape}")
    last_xyz = np.array(moved.shape[::-1]) - 1
    corners = np.stack(np.meshgrid(*((0, last) for last in last_xyz), [1], indexing="ij"), -1).reshape(-1, 4)
    off_mm = float(np.linalg.norm(corners @ (affine - ct_affine).T, axis=1).max())
    if off_mm > tolerance_mm:
        raise Rejected(Reason.LABELMAP_DOES_NOT_FIT, f"a corner is {off_mm:.3f} mm away from the CT's")
    return np.ascontiguousarray(moved)

"""The 3-D labels as NIfTI labelmaps on the CT's own grid, for any viewer.

One file a sheet of labels that do not overlap (``labels-1.nii.gz``, …), uint8, and ``labels.json`` with what each value
stands for. A NIfTI-1 header of the grid alone, sform and qform alike, no time and no text: the same labels give the
same bytes.
"""

import gzip
import json
from collections.abc import Sequence
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from projection.volume import LPS_FROM_RAS

FILE = "labels.json"

_LEVEL = 6  # as the labels that segment packs
_SCANNER = 1  # NIFTI_XFORM_SCANNER_ANAT: the place in space is the scanner's, nifti1.h


def sheet_name(number: int) -> str:
    """File name of a sheet, from 1."""
    return f"labels-{number}.nii.gz"


def labelmap(values_zyx: NDArray[np.uint8], affine: NDArray[np.float64]) -> bytes:
    """A gzipped NIfTI of labels; ``affine`` goes from voxel ``(x, y, z)`` to mm, LPS."""
    image: Any = nib.Nifti1Image(values_zyx.T, LPS_FROM_RAS @ affine)  # type: ignore[no-untyped-call]
    image.header.set_xyzt_units("mm")
    image.set_sform(image.affine, _SCANNER)
    image.set_qform(image.affine, _SCANNER)
    return gzip.compress(image.to_bytes(), compresslevel=_LEVEL, mtime=0)


def names_json(found: Sequence[tuple[str, ...]]) -> str:
    """What the values of each sheet stand for; ``found`` holds the labels of each."""
    return json.dumps(
        {
            sheet_name(number): {str(value): label for value, label in enumerate(labels, 1)}
            for number, labels in enumerate(found, 1)
        },
        indent=1,
    )

"""Specks: stray voxels that a segmentation leaves far from what they are named for.

One stray voxel of a clavicle or a rib moves every plane and order that is read from extreme points.
"""

from dataclasses import replace

import numpy as np

from projection.anatomy.body import Body
from projection.kernels import specks as kernels

SPECK_ML = 0.05
"""A cube of 3.7 mm, less than the smallest structure of a chest CT has; ours to choose."""
SPECK_SHARE = 0.01
"""Of a structure's largest piece: what is more is kept, however small."""


def without_specks(body: Body) -> Body:
    """The body without the pieces of structures that are below both limits; pieces touch at corners too."""
    voxel_ml = float(np.prod(body.spacing_zyx_mm)) / 1000
    values = np.ascontiguousarray(body.values)
    runs, starts, piece = kernels.pieces(values)
    sizes = np.bincount(piece, weights=runs[:, 1] - runs[:, 0], minlength=len(runs)) if len(runs) else np.zeros(0)
    largest = np.zeros(256)
    np.maximum.at(largest, runs[:, 2], sizes[piece])
    small = (sizes[piece] * voxel_ml < SPECK_ML) & (sizes[piece] < SPECK_SHARE * largest[runs[:, 2]])
    if not small.any():
        return body
    cleaned = values.copy()
    kernels.erase(cleaned, runs, starts, small)
    return replace(body, values=cleaned)

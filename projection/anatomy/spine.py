"""The spinous processes: the midline of the back, against which a film's rotation is read.

The processes stand farther from the clavicles than the vertebral bodies do, so that a small turn of the patient moves
them apart; on a film their tips are seen through the bodies, and a mask of whole vertebrae does not show them.
"""

import numpy as np
from numpy.typing import NDArray

from projection.anatomy.body import Body, Floats, Region
from projection.anatomy.structures import MIDLINE_LEVELS

SPINOUS = "spinous processes"
_VERTEBRAE = tuple(f"vertebrae_{level}" for level in MIDLINE_LEVELS)
TIP_MM = 10.0
"""How much of a vertebra, from its hindmost voxel on, is the free end of its process: it is some 3 cm long."""


def parts(body: Body) -> dict[str, Region]:
    """ "spinous processes": the free ends of the processes of T1 to T7 that are there, one region; or nothing."""
    tips = [_tip(body, name) for name in _VERTEBRAE if body.has(name)]
    if not tips:
        return {}
    whole = body.region(*_VERTEBRAE)
    voxels = np.concatenate(tips) - whole.start_zyx
    mask = np.zeros(whole.mask.shape, bool)
    mask[tuple(voxels.T)] = True
    return {SPINOUS: whole.within(mask)}


def tips_mm(body: Body) -> Floats:
    """Middle of the free end of each process of T1 to T7, ``(n, 3)`` LPS mm, from the head down."""
    return np.array([body.mm(_tip(body, name)).mean(axis=0) for name in _VERTEBRAE if body.has(name)]).reshape(-1, 3)


def _tip(body: Body, name: str) -> NDArray[np.int64]:
    voxels = body.region(name).voxels()
    back_mm = body.mm(voxels)[:, 1]
    tip: NDArray[np.int64] = voxels[back_mm > back_mm.max() - TIP_MM]
    return tip

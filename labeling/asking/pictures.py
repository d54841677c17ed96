"""Pictures of a radiograph that a reader can look at: as its header wants it seen, and two windows, for bone and lung.

All are 8-bit PNG files of the radiograph's own size, bone bright, so that a mark's place is the original pixel's.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curation.dicom import Film
from curation.films import Grey, Shade, grey_of, middle, png, scaled, seen, windowed

_LUNG = (0.02, 0.70)
"""Lung is the dark part of a chest: what lies above turns white."""
_COARSE = 24
"""A coarse picture has this many pixels along its shorter side: a rib is finer than its pixels, a lung is not."""
_SHADE = 0.25
"""How much of the coarse picture stays in that of bones."""
_DETAIL = (0.01, 0.995)


def pictures_of(film: Film, with_windows: bool) -> dict[str, bytes]:
    """``image``, as the header wants it seen, and on wish ``bone`` and ``lung``."""
    grey = grey_of(film)
    return {"image": png(seen(film, grey).picture)} | (windows_of(grey) if with_windows else {})


def windows_of(grey: Grey) -> dict[str, bytes]:
    """Two further pictures, ``bone`` and ``lung``.

    Bone is shown by its detail: what a coarse picture leaves, and a part of that one. Lung is a narrow window.
    """
    return {"bone": png(_detail(grey)), "lung": png(windowed(grey, *_LUNG))}


def _detail(grey: Grey) -> Shade:
    """The picture less three quarters of its coarse one."""
    values = grey.astype(np.float32)
    rows, columns = grey.shape
    step = max(min(rows, columns) // _COARSE, 1)
    small = Image.fromarray(values).resize((max(columns // step, 1), max(rows // step, 1)), Image.Resampling.BOX)
    coarse = np.asarray(small.resize((columns, rows), Image.Resampling.BICUBIC), np.float32)
    detail: NDArray[np.float32] = values - np.float32(1 - _SHADE) * coarse
    low, high = np.percentile(middle(detail)[::4, ::4], [100 * share for share in _DETAIL])
    return scaled(detail, float(low), max(float(high), float(low) + 1))

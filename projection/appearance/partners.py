"""Partners of a picture, pixel by pixel on its grid: without the bones, the bones alone, the lungs alone.

A radiograph has no such truth; the CT has. Without bone each ray's bone is soft tissue of 40 HU. The scatter and the
draws of the noise are the picture's, so that picture and partner differ by what the bones attenuate and nothing else.
"""

import numpy as np

from projection.appearance.detector import Exposure, Integrals, Steps, Weights, attenuated, measured, smoothed
from projection.appearance.presets import Preset, Tone
from projection.appearance.tone import Picture, Window, settled, toned

BONE_SUPPRESSED, BONE_ONLY, LUNG_ONLY = "bone_suppressed", "bone_only", "lung_only"
_ALONE = Tone(None, 998)
_SOME = 40
"""Steps: something from half a millimetre of water on."""


def soft_steps(integrals: Integrals, preset: Preset, voxel_px: tuple[float, float]) -> Steps | None:
    """−ln I without what bone has beyond soft tissue; None if the bone is not known."""
    if integrals.bone_mm is None:
        return None
    return smoothed(attenuated(integrals.total_mm - integrals.bone_mm, None, preset.beam), voxel_px)


def bone_suppressed(soft: Steps, body: Weights, shown: tuple[Exposure, Window], preset: Preset) -> Picture:
    """The picture without bones, through the picture's exposure and window: the same where there is no bone near."""
    made, window = shown
    return toned(measured(soft, made), body, window, preset.tone)


def bone_only(clean: Steps, soft: Steps) -> Picture:
    """What the bones attenuate, straight from none to the thickest; free of noise, in a window of its own."""
    return _alone(clean - soft)


def lung_only(integrals: Integrals, preset: Preset, voxel_px: tuple[float, float]) -> Picture | None:
    """The lungs with nothing before or behind them, as ``bone_only``; None if they are not known."""
    if integrals.lung_mm is None:
        return None
    return _alone(smoothed(attenuated(integrals.lung_mm, None, preset.beam), voxel_px))


def _alone(steps: Steps) -> Picture:
    """Alone, bone and lung lie far below the picture's window: from the open beam to nearly the thickest part."""
    inside = (steps >= _SOME).astype(np.uint8)
    return toned(steps, inside, settled(steps, inside, _ALONE), _ALONE)

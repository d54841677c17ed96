"""Names that several parts take: TotalSegmentator's classes, and the words and numbers that labels count with."""

from collections.abc import Mapping

LOBES: Mapping[str, tuple[str, ...]] = {
    "left": ("lung_upper_lobe_left", "lung_lower_lobe_left"),
    "right": ("lung_upper_lobe_right", "lung_middle_lobe_right", "lung_lower_lobe_right"),
}
"""The lobes of each lung: classes, by side."""
ALL_LOBES = (*LOBES["left"], *LOBES["right"])
SPINE_LEVELS = tuple(f"{part}{n}" for part, last in (("C", 7), ("T", 12), ("L", 5)) for n in range(1, last + 1))
"""C1 to L5, from the head down: a class is ``vertebrae_T1``, a label ``vertebrae T1``."""
MIDLINE_LEVELS = tuple(f"T{n}" for n in range(1, 8))
"""Levels at which the midline of the back is read, in the CT and on a film."""
VERTEBRAE = tuple(f"vertebrae_{level}" for level in SPINE_LEVELS)
"""Classes, from the head down."""
ORDINALS = ("1st", "2nd", "3rd", *(f"{n}th" for n in range(4, 13)))
"""Of the ribs 1 to 12, as labels have them: ``posterior 2nd rib left``."""

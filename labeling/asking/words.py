"""Plain words for what stages say with ids, and what they mean for a reader's choices."""

MASK_FLAGS = {
    "mask_empty": "no pixel",
    "mask_opposite": "on the other side of the body",
    "mask_out_of_place": "not where it should be",
    "mask_fragmented": "in pieces",
    "mask_size": "of unlikely size",
    "mask_at_border": "cut by the border",
    "mask_uncovered": "cut by the end of the CT",
}
"""By rule of ``mask_quality``."""

ORIENTATIONS = {
    "as_is": "right way round",
    "mirrored": "mirrored",
    "upside_down": "upside down",
    "turned": "turned",
}
"""By ``view_quality.orientation``."""

VIEW_POSITIONS = {"PA": "PA", "AP": "AP", "LAT": "LAT", "RL": "LAT"}
"""A radiograph's or a view's own; any other that is named is ``other``."""

FLAWS = {
    "view_lungs_cut": "anatomy cut off",
    "view_off_detector": "anatomy cut off",
    "lung_cut_top": "anatomy cut off",
    "lung_cut_bottom": "anatomy cut off",
    "lung_cut_side": "anatomy cut off",
    "metal": "artefact or object",
    "slice_gap": "artefact or object",
    "view_no_lungs": "wrong masks",
    "view_one_lung": "wrong masks",
    "view_absent": "wrong masks",
    "view_many_absent": "wrong masks",
    "view_flawed": "wrong masks",
}
"""By rule of ``view_quality`` and ``ct_quality``; rules that say nothing of what a reader is asked are left out."""

MEASURED_FLAWS = {
    "rotation": "patient rotated",
    "inspiration": "poor inspiration",
    "inclusion": "anatomy cut off",
}
"""By measure whose verdict is a finding."""

FINDINGS_OF_READERS = {"nodule": "Nodule/Mass"}
"""What readers of CTs mark, by VinDr-CXR's name."""

STATES = {1: "present", 0: "absent", -1: "uncertain", None: "not mentioned"}
"""State of a report's label."""

"""Promises of a labelling: what breaks them is found, and a healthy one passes."""

import numpy as np
import pytest

from projection.anatomy import anatomy
from projection.anatomy.body import Floats
from projection.anatomy.checks import ORGANS, VERTEBRAE, VOLUME_ML, Finding, check
from projection.layers import Layers

AFFINE = np.diag([8.0, 8.0, 8.0, 1.0])
SHAPE = (80, 40, 60)
RIBS = {side: [f"posterior {n} rib {side}" for n in ("1st", "2nd", "3rd", "4th")] for side in ("left", "right")}
Boxes = dict[str, tuple[slice, slice, slice]]


def chest() -> Boxes:
    """Boxes for labels, in voxels of 8 mm: x rises to the left, z to the head."""
    boxes: Boxes = {
        "left lung": np.s_[20:60, 6:16, 33:53],
        "right lung": np.s_[20:60, 6:16, 8:28],
        "heart": np.s_[22:34, 5:15, 28:33],
        "aorta": np.s_[20:50, 18:20, 29:31],
        "liver": np.s_[8:20, 8:24, 8:24],
        "stomach": np.s_[8:18, 8:18, 34:44],
    }
    for at, label in enumerate(VERTEBRAE):
        top = 78 - 3 * at
        boxes[label] = np.s_[top - 2 : top, 26:30, 28:32]
    for side, x in (("left", np.s_[33:45]), ("right", np.s_[15:27])):
        for at, label in enumerate(RIBS[side]):
            boxes[label] = np.s_[56 - 3 * at : 58 - 3 * at, 27:29, x]
    return boxes


def layers(boxes: Boxes, unions: dict[str, tuple[str, ...]] | None = None) -> Layers:
    values = np.zeros(SHAPE, np.uint8)
    labels = [*boxes, *(unions or {})]
    for number, box in enumerate(boxes.values(), 1):
        values[box] = number
    members = {
        number: (number - 1, *(labels.index(whole) for whole, parts in (unions or {}).items() if label in parts))
        for number, label in enumerate(boxes, 1)
    }
    return Layers(values, tuple(labels), members)


UNIONS = {"lung": ("left lung", "right lung"), "spine": VERTEBRAE}


def found(boxes: Boxes, affine: Floats = AFFINE) -> list[Finding]:
    return check(layers(boxes, UNIONS), affine)


def rules(findings: list[Finding]) -> set[tuple[str, str]]:
    return {(finding.rule, finding.severity) for finding in findings}


def test_a_healthy_chest_has_no_findings() -> None:
    assert found(chest()) == []


def test_names_are_those_of_the_table() -> None:
    labels = {entry.label for entry in anatomy()}
    assert {*VERTEBRAE, *ORGANS, *VOLUME_ML, *RIBS["left"], "stomach"} <= labels


def test_nothing_labelled() -> None:
    assert check(Layers(np.zeros((2, 3, 4), np.uint16), ("heart",), {300: (0,)}), AFFINE) == []


def test_swapped_sides() -> None:
    boxes = chest()
    swap = {"left": "right", "right": "left"}
    changed = {" ".join(swap.get(word, word) for word in label.split()): box for label, box in boxes.items()}
    findings = found(changed)
    assert {f.label for f in findings if f.rule == "left_right"} == {"left lung", *RIBS["left"]}
    assert ("left_right", "reject") in rules(findings)


def test_a_mirrored_volume_whose_names_fit_is_warned_of_by_its_organs() -> None:
    boxes = chest() | {"liver": np.s_[8:20, 8:24, 36:52], "stomach": np.s_[8:18, 8:18, 16:26]}
    assert rules(found(boxes)) == {("situs", "warn")}


@pytest.mark.parametrize("flips", [(1, -1, 1), (-1, 1, 1), (1, 1, -1), (-1, -1, -1)])
def test_the_direction_of_the_axes_does_not_matter(flips: tuple[int, int, int]) -> None:
    """Values flipped together with the affine are the same patient; the affine alone is another."""
    healthy = layers(chest(), UNIONS)
    flip_affine = AFFINE @ np.diag([*flips, 1.0])
    turned = Layers(healthy.values[:: flips[2], :: flips[1], :: flips[0]], healthy.labels, healthy.members)
    assert check(turned, flip_affine) == []
    alone = check(healthy, flip_affine)
    assert ({"left_right", "situs"} <= {f.rule for f in alone}) == (flips[0] < 0)
    assert ("order" in {f.rule for f in alone}) == (flips[2] < 0)


def test_shuffled_vertebrae() -> None:
    boxes = chest()
    boxes["vertebrae T4"], boxes["vertebrae T7"] = boxes["vertebrae T7"], boxes["vertebrae T4"]
    findings = found(boxes)
    assert {(f.label, f.severity) for f in findings} == {("vertebrae T4", "reject"), ("vertebrae T6", "reject")}


def test_shuffled_ribs_by_their_ends_at_the_spine() -> None:
    boxes = chest()
    boxes[RIBS["left"][1]], boxes[RIBS["left"][2]] = boxes[RIBS["left"][2]], boxes[RIBS["left"][1]]
    findings = found(boxes)
    assert [(f.rule, f.label, f.severity) for f in findings] == [("order", RIBS["left"][1], "reject")]
    assert "24 mm below" in findings[0].detail


def test_a_long_rib_that_slopes_below_a_short_one_is_in_order() -> None:
    """The 11th falls below the whole 12th at the side, but not at the spine."""
    values = np.zeros(SHAPE, np.uint8)
    for x in range(33, 50):
        values[40 - (x - 33) : 42 - (x - 33), 27:29, x] = 1
    values[37:39, 27:29, 33:36] = 2
    values[37:39, 26:27, 33:36] = 2
    labels = ("posterior 11th rib left", "posterior 12th rib left")
    assert check(Layers(values, labels, {1: (0,), 2: (1,)}), AFFINE) == []


def test_in_a_bent_neck_neighbours_may_lie_at_one_height() -> None:
    neck: Boxes = {"vertebrae C7": np.s_[56:58, 22:26, 28:32], "vertebrae T1": np.s_[56:58, 26:30, 28:32]}
    assert check(layers(neck), AFFINE) == []
    neck["vertebrae T1"] = np.s_[57:59, 26:30, 28:32]
    assert rules(check(layers(neck), AFFINE)) == {("order", "reject")}


def test_specks_and_missing_labels_are_not_placed() -> None:
    boxes = chest()
    del boxes["vertebrae T3"], boxes["right lung"]
    boxes["vertebrae T8"] = np.s_[79:80, 39:40, 59:60]
    fine = AFFINE * [[0.9], [0.9], [0.9], [1.0]]
    assert not {f.rule for f in found(boxes, fine)} & {"order", "left_right"}


def test_a_part_that_reaches_out_of_its_whole() -> None:
    healthy = layers(chest(), UNIONS)
    at = healthy.labels.index("vertebrae C7")
    members = dict(healthy.members)
    members[at + 1] = (at,)
    findings = check(
        Layers(
            healthy.values, (*healthy.labels, "cervical spine"), members | {at: (*members[at], len(healthy.labels))}
        ),
        AFFINE,
    )
    rejected = {f.label for f in findings if f.rule == "part_of_whole"}
    assert "vertebrae C7" in rejected
    assert rejected <= {f"vertebrae C{n}" for n in range(1, 8)}
    assert "lie outside" in findings[0].detail


def test_volumes_too_large_and_too_small() -> None:
    boxes = chest() | {"heart": np.s_[22:24, 5:8, 28:30], "liver": np.s_[1:20, 3:30, 1:24]}
    findings = found(boxes)
    assert [(f.rule, f.label, f.severity) for f in findings] == [
        ("volume", "heart", "warn"),
        ("volume", "liver", "warn"),
    ]
    assert findings[0].detail == "6 ml, expected 300 to 2000"


def test_an_organ_that_the_scan_cuts_may_be_small() -> None:
    assert found(chest() | {"liver": np.s_[0:3, 8:12, 8:12]}) == []
    assert rules(found(chest() | {"liver": np.s_[1:4, 8:12, 8:12]})) == {("volume", "warn")}


def test_an_organ_in_two_pieces() -> None:
    healthy = layers(chest(), UNIONS)
    healthy.values[40:42, 6:16, 8:28] = 0
    findings = check(healthy, AFFINE)
    assert [(f.rule, f.label, f.severity) for f in findings] == [("pieces", "right lung", "warn")]
    assert findings[0].detail == "the largest of 2 pieces is 53% of it"


def test_fine_voxels_are_thinned_out_for_pieces() -> None:
    values = np.zeros((40, 120, 120), np.uint8)
    values[5:35, 5:55, 5:115] = 1
    values[5:35, 62:115, 5:115] = 1
    findings = check(Layers(values, ("heart",), {1: (0,)}), np.diag([1.0, 1.0, 2.5, 1.0]))
    assert [f.rule for f in findings] == ["pieces"]

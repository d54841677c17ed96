"""All labels of one body: nothing is left out in silence."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from projection.anatomy import anatomy
from projection.anatomy.body import Body
from projection.anatomy.derive import breasts, derive, reasons, why_not
from projection.layers import Layers

SHAPE = (40, 40, 40)
NUMBERS = {
    "lung_upper_lobe_left": 1,
    "lung_lower_lobe_right": 2,
    "heart": 3,
    "trachea": 4,
    "aorta": 5,
    "vertebrae_T5": 6,
    "sternum": 7,
    "liver": 8,
    "breast": 9,
    "heart_atrium_left": 10,
    "rib_left_3": 11,
    "spleen": 12,
}
TABLE = {row.label: row for row in anatomy()}


def chest() -> NDArray[np.uint8]:
    """Blocks where organs are: the smallest chest that every part is tried on."""
    values = np.zeros(SHAPE, np.uint8)
    values[8:36, 8:32, 26:38] = 1
    values[8:36, 8:32, 2:14] = 2
    values[8:20, 10:24, 16:25] = 3
    values[24:40, 18:21, 18:21] = 4
    values[4:26, 26:29, 21:24] = 5
    values[20:24, 30:36, 17:23] = 6
    values[14:30, 2:4, 18:22] = 7
    values[0:8, 8:30, 2:20] = 8
    values[10:16, 0:3, 4:37] = 9
    values[14:18, 18:22, 18:22] = 10
    values[30, 5:34, 39] = 11
    values[0:7, 20:32, 26:36] = 12
    return values


BODY = Body(chest(), NUMBERS, np.diag([8.0, 8.0, 8.0, 1.0]))


def voxels(layers: Layers, label: str) -> NDArray[np.bool_]:
    position = layers.labels.index(label)
    return np.isin(layers.values, [value for value, found in layers.members.items() if position in found])


def test_every_label_is_in_the_layers_or_has_a_reason() -> None:
    made = derive(BODY)
    assert {*made.layers.labels, *made.missing} == TABLE.keys()
    assert not {*made.layers.labels} & made.missing.keys()
    assert all(made.missing.values())
    assert made.layers.values.shape == SHAPE
    for label in made.layers.labels:
        assert voxels(made.layers, label).any(), label


def test_every_part_lies_in_its_whole() -> None:
    layers = derive(BODY).layers
    for label in layers.labels:
        if TABLE[label].parent in layers.labels:
            assert not (voxels(layers, label) & ~voxels(layers, TABLE[label].parent)).any(), label


def test_the_parts_given_are_the_parts_composed() -> None:
    made = derive(BODY)
    for label, region in made.parts.items():
        if not TABLE[label].labels:
            np.testing.assert_array_equal(voxels(made.layers, label), region.full(SHAPE))


def test_without_any_structure_every_label_says_why() -> None:
    made = derive(replace(BODY, values=np.zeros(SHAPE, np.uint8)))
    assert made.layers.labels == ()
    assert made.parts == {}
    assert made.missing.keys() == TABLE.keys()
    assert made.missing["spine"].startswith("not in the labelmap: vertebrae_L5, ")
    assert made.missing["left lung base"] == "not in the labelmap: lung_upper_lobe_left, lung_lower_lobe_left"
    assert made.missing["heart atrium left"] == "needs TotalSegmentator task heartchambers_highres"
    assert made.missing["breast left"] == "needs TotalSegmentator task breasts"


def test_what_cannot_be_cut_from_what_is_there_says_so() -> None:
    assert why_not(TABLE["posterior 3rd rib left"], BODY).startswith(
        "none of it could be cut in this scan: cut across "
    )
    assert why_not(TABLE["posterior 3rd rib"], BODY) == "none of it could be cut in this scan: the halves of both sides"


def test_breasts_part_at_the_middle_of_the_spine() -> None:
    made = {label: region.full(SHAPE) for label, region in breasts(BODY).items()}
    assert made.keys() == {"breast left", "breast right"}
    assert np.argwhere(made["breast left"])[:, 2].min() == 20
    assert np.argwhere(made["breast right"])[:, 2].max() == 19
    np.testing.assert_array_equal(made["breast left"] | made["breast right"], BODY.region("breast").full(SHAPE))


def test_one_breast_in_the_scan_is_one_and_without_a_spine_none() -> None:
    values = BODY.values.copy()
    values[:, :4, :20][values[:, :4, :20] == 9] = 0
    assert breasts(replace(BODY, values=values)).keys() == {"breast left"}
    values[values == 6] = 0
    assert breasts(replace(BODY, values=values)) == {}


def test_a_cut_that_knows_its_reason_gives_it() -> None:
    values = np.where(BODY.values == 1, 0, BODY.values).astype(np.uint8)
    made = derive(replace(BODY, values=values))
    assert made.missing["left hemidiaphragm"] == "no lobe of the left lung is labelled"
    assert made.missing["cardiomediastinum"].startswith("no lobe of the left lung is labelled: ")
    assert made.missing["heart atrium right"] == "needs TotalSegmentator task heartchambers_highres"
    assert reasons(BODY, {"heart"}) == {}


def test_the_mediastinum_is_cut_with_the_aorta_and_holds_the_heart() -> None:
    layers = derive(BODY).layers
    assert {"cardiomediastinum", "lower mediastinum", "middle mediastinum"} <= {*layers.labels}
    assert not (voxels(layers, "heart") & ~voxels(layers, "middle mediastinum")).any()

"""The table of anatomy labels, and composing structures and parts to one labelmap."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.errors import InputError
from projection.anatomy import Anatomy, How, anatomy, compose
from projection.anatomy.body import Region
from projection.layers import Layers

TABLE = {row.label: row for row in anatomy()}


def inside(row: Anatomy) -> set[str]:
    """All labels and structures that a label holds by construction."""
    own = set() if row.cut else set(row.structures)
    return own.union({row.label}, *(inside(TABLE[label]) for label in row.labels))


def cut_from(row: Anatomy) -> set[str]:
    """All structures that a label comes from."""
    return set(row.structures).union(*(cut_from(TABLE[label]) for label in row.labels))


def labels_at(layers: Layers, *index: int) -> set[str]:
    return {layers.labels[position] for position in layers.members.get(int(layers.values[index]), ())}


def box(start: tuple[int, int, int], shape: tuple[int, int, int]) -> Region:
    return Region(start, np.ones(shape, bool))


# --- the table -----------------------------------------------------------------------------------------------


def test_all_159_labels_of_paxray_plus_plus_with_their_ids() -> None:
    numbered = [row.category_id for row in anatomy() if row.category_id < 500]
    assert numbered == list(range(159))
    assert [row.category_id for row in anatomy() if row.category_id >= 500] == [*range(500, 504), *range(600, 609)]
    assert len(TABLE) == len(anatomy()) == 172
    assert TABLE["heart"].category_id == 121


def test_how_many_labels_come_from_what() -> None:
    """The posterior 12th ribs, which are the whole rib, count as direct; the four super-categories as unions."""
    assert Counter(row.how for row in anatomy()) == {
        How.DIRECT: 48, How.UNION: 42, How.RIB_SPLIT: 44, How.GEOMETRY: 31, How.TASK: 7
    }  # fmt: skip


def test_each_row_says_how_it_is_made() -> None:
    for row in anatomy():
        assert row.rule or row.how in (How.DIRECT, How.UNION), row.label
        assert row.structures or row.labels, row.label
        assert set(row.labels) <= TABLE.keys(), row.label
        if row.how in (How.DIRECT, How.TASK):
            assert len(row.structures) == 1
            assert not row.labels
        if row.how is How.TASK:
            assert row.rule.startswith("TotalSegmentator task ")
        if row.how is How.UNION:
            assert len(row.structures) + len(row.labels) > 1


def test_every_parent_holds_its_parts_by_construction() -> None:
    """A cut part is a cut of its structures, unless its whole names it; the rest is in the whole's own sources."""
    for row in anatomy():
        if row.parent:
            whole = inside(TABLE[row.parent])
            assert row.label in whole or cut_from(row) <= whole, row.label


# --- composing -----------------------------------------------------------------------------------------------


def test_values_stand_for_labels_by_name_not_by_number() -> None:
    values = np.array([[[77, 3, 9, 0]]], np.uint8)
    numbers = {"lung_upper_lobe_right": 77, "lung_upper_lobe_left": 3, "gluteus_maximus_left": 9}
    made = compose(values, numbers, {})
    assert labels_at(made, 0, 0, 0) == {"lung", "right lung", "lung upper lobe right"}
    assert labels_at(made, 0, 0, 1) == {"lung", "left lung", "lung upper lobe left"}
    assert labels_at(made, 0, 0, 2) == labels_at(made, 0, 0, 3) == set()
    assert made.values.dtype == np.uint8
    assert made.values[0, 0, 2] == made.values[0, 0, 3] == 0


def test_a_part_brings_its_wholes_and_reaches_voxels_without_a_structure() -> None:
    values = np.array([[[1, 1, 2, 0]]], np.uint8)
    parts = {"carina": box((0, 0, 1), (1, 1, 3)), "trachea without bronchi": box((0, 0, 0), (1, 1, 2))}
    made = compose(values, {"trachea": 1, "thyroid_gland": 2}, parts)
    assert labels_at(made, 0, 0, 0) == {"trachea", "mediastinum", "trachea without bronchi"}
    assert labels_at(made, 0, 0, 1) == {"trachea", "mediastinum", "trachea without bronchi", "carina"}
    assert labels_at(made, 0, 0, 2) == labels_at(made, 0, 0, 3) == {"mediastinum", "carina"}


def test_both_halves_of_a_pair_of_ribs_make_the_pair() -> None:
    values = np.array([[[4, 5, 5, 0]]], np.uint8)
    parts = {"posterior 4th rib left": box((0, 0, 0), (1, 1, 1)), "anterior 4th rib right": box((0, 0, 2), (1, 1, 1))}
    made = compose(values, {"rib_left_4": 4, "rib_right_4": 5}, parts)
    assert labels_at(made, 0, 0, 0) == {"posterior 4th rib left", "posterior 4th rib", "ribs", "bones"}
    assert labels_at(made, 0, 0, 1) == {"ribs", "bones"}
    assert labels_at(made, 0, 0, 2) == {"anterior 4th rib right", "anterior 4th rib", "ribs", "bones"}


def test_the_heart_is_not_a_cardiomediastinum_that_could_not_be_cut() -> None:
    values = np.array([[[1, 1]]], np.uint8)
    alone = compose(values, {"heart": 1}, {})
    assert set(alone.labels) == {"heart", "mediastinum"}
    parts = {"cardiomediastinum": box((0, 0, 0), (1, 1, 1)), "middle mediastinum": box((0, 0, 0), (1, 1, 1))}
    cut = compose(values, {"heart": 1}, parts)
    assert labels_at(cut, 0, 0, 1) == {"heart", "mediastinum", "cardiomediastinum"}


def test_structures_of_another_task_become_labels() -> None:
    values = np.array([[[1, 2, 3]]], np.uint8)
    made = compose(values, {"heart_atrium_left": 1, "pulmonary_artery": 2, "breast": 3}, {})
    assert labels_at(made, 0, 0, 0) == {"heart atrium left", "heart", "mediastinum"}
    assert labels_at(made, 0, 0, 1) == {"pulmonary artery", "mediastinum"}
    assert labels_at(made, 0, 0, 2) == {"breast"}


def test_an_empty_part_and_one_of_no_label_leave_no_trace() -> None:
    values = np.array([[[1]]], np.uint8)
    parts = {"carina": Region((0, 0, 0), np.zeros((0, 0, 0), bool)), "something else": box((0, 0, 0), (1, 1, 1))}
    assert set(compose(values, {"trachea": 1}, parts).labels) == {"trachea", "mediastinum"}


CUT = [row.label for row in anatomy() if row.cut]


@given(st.data())
def test_any_overlap_is_as_a_slow_look_at_each_voxel_says(data: st.DataObject) -> None:
    numbers = {"trachea": 1, "aorta": 2, "heart": 3, "rib_left_3": 4}
    values = np.array(data.draw(st.lists(st.integers(0, 5), min_size=12, max_size=12)), np.uint8).reshape(2, 2, 3)
    parts = {}
    for label in data.draw(st.lists(st.sampled_from(CUT), unique=True, max_size=6)):
        bits = data.draw(st.lists(st.booleans(), min_size=4, max_size=4))
        parts[label] = Region((0, 1, data.draw(st.integers(0, 1))), np.array(bits).reshape(2, 1, 2))
    made = compose(values, numbers, parts)
    names = {number: name for name, number in numbers.items()}
    there = {label for label, region in parts.items() if region.mask.any()}
    masks = {label: parts[label].full(values.shape) for label in there}
    for index in np.ndindex(values.shape):
        here = {names.get(int(values[index]))} | {label for label, mask in masks.items() if mask[index]}
        wanted = {label for label, row in TABLE.items() if (not row.cut or label in there) and _holds(row, here, there)}
        assert labels_at(made, *index) == wanted


def _holds(row: Anatomy, here: set[str | None], there: set[str]) -> bool:
    if row.cut and row.label not in there:
        return False
    own = row.label in here if row.cut else bool(here.intersection(row.structures))
    return own or any(_holds(TABLE[label], here, there) for label in row.labels)


def test_more_sets_than_a_value_can_say_are_an_error() -> None:
    bits = (np.arange(1 << 17)[:, None] >> np.arange(17) & 1).astype(bool)
    parts = {label: Region((0, 0, 0), bits[:, i].reshape(2, 256, 256)) for i, label in enumerate(CUT[:17])}
    with pytest.raises(InputError, match="65536 sets"):
        compose(np.zeros((2, 256, 256), np.uint8), {}, parts)


def test_more_than_255_sets_take_wider_values() -> None:
    bits = (np.arange(1 << 9)[:, None] >> np.arange(9) & 1).astype(bool)
    parts = {label: Region((0, 0, 0), bits[:, i].reshape(2, 16, 16)) for i, label in enumerate(CUT[:9])}
    made = compose(np.zeros((2, 16, 16), np.uint8), {}, parts)
    assert made.values.dtype == np.uint16
    assert len(np.unique(made.values)) == 512

"""The table of anatomy labels, and which of them a labelmap can give."""

from collections import Counter

import numpy as np

from projection.anatomy import How, anatomy, anatomy_layers, derivable

STRUCTURES = {entry.label: set(entry.structures) for entry in anatomy()}


def test_all_159_labels_of_paxray_plus_plus_with_their_ids() -> None:
    numbered = [entry.category_id for entry in anatomy() if entry.category_id < 500]
    assert numbered == list(range(159))
    assert len(STRUCTURES) == len(anatomy()) == 163
    assert {entry.label: entry.category_id for entry in anatomy()}["heart"] == 121


def test_how_many_labels_come_from_what() -> None:
    """The posterior 12th ribs, which are the whole rib, count as direct; the four super-categories as unions."""
    assert Counter(entry.how for entry in anatomy()) == {
        How.DIRECT: 48, How.UNION: 15, How.RIB_SPLIT: 66, How.GEOMETRY: 25, How.TASK: 9
    }  # fmt: skip


def test_each_row_says_how_it_is_made() -> None:
    for entry in anatomy():
        assert entry.rule or entry.how in (How.DIRECT, How.UNION), entry.label
        if entry.how is How.DIRECT:
            assert len(entry.structures) == 1
        if entry.how is How.UNION:
            assert len(entry.structures) > 1


def test_a_part_has_no_structure_that_its_whole_has_not() -> None:
    ready = {entry.label: entry for entry in anatomy() if entry.how in (How.DIRECT, How.UNION)}
    checked = [e for e in ready.values() if e.parent in ready and e.parent != e.label]
    assert len(checked) > 50
    for entry in checked:
        assert set(entry.structures) <= STRUCTURES[entry.parent], entry.label


def test_every_label_is_available_or_says_why_not() -> None:
    found = derivable(["heart", "rib_left_3", "aorta", "vertebrae_T4", "lung_upper_lobe_left"])
    names = {entry.label for entry in found.available}
    assert names == {
        "heart", "aorta", "mediastinum", "ribs", "bones", "vertebrae T4", "thoracic spine", "spine",
        "lung upper lobe left", "left lung", "lung",
    }  # fmt: skip
    assert names | found.missing.keys() == STRUCTURES.keys()
    assert not names & found.missing.keys()
    assert found.missing["right lung"] == "not in the labelmap"
    assert found.missing["aortic arch"].startswith("not derived yet: ")
    assert found.missing["heart atrium left"].startswith("needs another segmentation: ")


def test_the_labels_that_reports_and_measurements_need() -> None:
    everything = derivable([name for entry in anatomy() for name in entry.structures])
    wanted = {
        "heart", "lung", "left lung", "right lung", "ribs", "clavicles", "mediastinum", "trachea", "aorta", "liver",
        "spine",
    }  # fmt: skip
    assert wanted <= {entry.label for entry in everything.available}


def test_values_stand_for_labels_by_name_not_by_number() -> None:
    values = np.zeros((1, 1, 4), np.uint8)
    made = anatomy_layers(values, {77: "lung_upper_lobe_right", 3: "lung_upper_lobe_left", 9: "gluteus_maximus_left"})
    assert {v: {made.labels[i] for i in m} for v, m in made.members.items()} == {
        77: {"lung", "right lung", "lung upper lobe right"},
        3: {"lung", "left lung", "lung upper lobe left"},
    }

"""Names that several parts take are those of the label table."""

from projection.anatomy.labels import anatomy
from projection.anatomy.structures import ALL_LOBES, LOBES, MIDLINE_LEVELS, ORDINALS, SPINE_LEVELS, VERTEBRAE


def test_every_name_stands_in_the_label_table() -> None:
    labels = {row.label for row in anatomy()}
    classes = {name for row in anatomy() for name in row.structures}
    assert {*ALL_LOBES, *VERTEBRAE} <= classes
    assert {f"vertebrae {level}" for level in SPINE_LEVELS} <= labels
    assert {f"posterior {ordinal} rib {side}" for ordinal in ORDINALS for side in LOBES} <= labels


def test_names_are_all_there_and_in_order() -> None:
    assert {side: len(lobes) for side, lobes in LOBES.items()} == {"left": 2, "right": 3}
    assert all(lobe.endswith(side) for side, lobes in LOBES.items() for lobe in lobes)
    assert (ORDINALS[0], ORDINALS[10], ORDINALS[11], len(ORDINALS)) == ("1st", "11th", "12th", 12)
    assert (SPINE_LEVELS[0], SPINE_LEVELS[7], SPINE_LEVELS[-1], len(SPINE_LEVELS)) == ("C1", "T1", "L5", 24)
    assert SPINE_LEVELS[7:14] == MIDLINE_LEVELS

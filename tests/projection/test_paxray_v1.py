"""The names of PAXRay v1 and what they are made of."""

from projection.anatomy import anatomy
from projection.anatomy.paxray_v1 import missing_v1, names_v1, to_v1

LABELS = {entry.label for entry in anatomy()}


def test_all_165_names_once_as_published() -> None:
    names = [row.name for row in names_v1()]
    assert len(names) == len(set(names)) == 165
    assert {"cocygis", "lung_left_lobelower", "t13", "l6", "rib_left_anterior_12"} <= set(names)
    assert names[0] == "airways"
    assert names[-1] == "t13"


def test_each_name_is_made_of_known_labels_or_says_what_it_needs() -> None:
    for row in names_v1():
        assert [bool(row.labels), bool(row.structures), bool(row.needs)].count(True) == 1, row.name
        assert set(row.labels) <= LABELS, row.name


def test_names_of_ribs_are_their_halves() -> None:
    rows = {row.name: set(row.labels) for row in names_v1()}
    for number, ordinal in enumerate(("1st", "2nd", "3rd", *(f"{n}th" for n in range(4, 12))), 1):
        halves = {f"{end} {ordinal} rib {side}" for end in ("anterior", "posterior") for side in ("left", "right")}
        assert rows[f"rib_{number}"] == halves
        assert rows[f"rib_left_{number}"] == {half for half in halves if half.endswith("left")}
        assert rows[f"rib_anterior_{number}"] == {half for half in halves if half.startswith("anterior")}
        assert rows[f"rib_right_posterior_{number}"] == {f"posterior {ordinal} rib right"}
    assert rows["rib_12"] == rows["rib_posterior_12"] == {"posterior 12th rib left", "posterior 12th rib right"}
    assert not rows["rib_anterior_12"]


def test_a_name_is_given_with_at_least_one_of_its_parts() -> None:
    given = to_v1({"heart", "anterior 4th rib left", "sacrum", "vertebrae T3", "breast"})
    assert given == {
        "heart": ("heart",),
        "rib_4": ("anterior 4th rib left",),
        "rib_anterior_4": ("anterior 4th rib left",),
        "rib_left_4": ("anterior 4th rib left",),
        "rib_left_anterior_4": ("anterior 4th rib left",),
        "sacrum": ("sacrum",),
        "t3": ("vertebrae T3",),
    }


def test_every_name_is_given_or_missing_with_a_reason() -> None:
    for labels in (set(), {"heart"}, LABELS, LABELS | {"sacrum"}):
        given, missing = to_v1(labels), missing_v1(labels)
        assert given.keys() | missing.keys() == {row.name for row in names_v1()}
        assert not given.keys() & missing.keys()
        assert all(missing.values())
    assert len(to_v1(LABELS)) == 165 - len([row for row in names_v1() if row.needs]) - 1
    assert missing_v1(LABELS)["sacrum"] == "none of these is there: sacrum"
    assert missing_v1(LABELS)["l6"].startswith("needs")

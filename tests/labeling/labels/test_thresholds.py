import polars as pl
import pytest

from curation.errors import UsageError
from labeling.labels.thresholds import HALF, Band, Thresholds, parse_thresholds, state_of

LABELS = ("Edema", "Fracture", "Nodule/Mass")


def states(thresholds: Thresholds, label: str, probabilities: list[float | None]) -> list[int | None]:
    frame = pl.DataFrame({"label": [label] * len(probabilities), "p": probabilities})
    return frame.select(state_of(thresholds, pl.col("label"), pl.col("p")).alias("state"))["state"].to_list()


def test_a_threshold_belongs_to_what_is_present() -> None:
    assert states(HALF, "Edema", [0.0, 0.49, 0.5, 1.0, None]) == [0, 0, 1, 1, None]


def test_between_the_edges_of_a_band_is_doubt() -> None:
    thresholds = parse_thresholds("0.4-0.6", LABELS)
    assert states(thresholds, "Edema", [0.39, 0.4, 0.59, 0.6]) == [0, -1, -1, 1]


def test_a_label_with_its_own_band_leaves_the_others_theirs() -> None:
    thresholds = parse_thresholds("Nodule/Mass=0.1-0.3, *=0.9", LABELS)
    assert thresholds == {"Nodule/Mass": Band(0.1, 0.3), "*": Band(0.9, 0.9)}
    assert states(thresholds, "Nodule/Mass", [0.2, 0.3]) == [-1, 1]
    assert states(thresholds, "Edema", [0.2, 0.89, 0.9]) == [0, 0, 1]


def test_labels_that_nothing_is_said_of_are_cut_in_the_middle() -> None:
    assert states(parse_thresholds("Edema=0.9", LABELS), "Fracture", [0.49, 0.5]) == [0, 1]


@pytest.mark.parametrize("text", ["", "half", "1.1", "-0.1", "0.6-0.4", "0.1-0.2-0.3", "Edema=", "nan"])
def test_what_is_no_threshold_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        parse_thresholds(text, LABELS)


@pytest.mark.parametrize(
    ("text", "message"), [("Edma=0.5", "did you mean 'Edema'"), ("0.4,0.5", "has two"), ("Edema=0.1,Edema=0.2", "two")]
)
def test_unknown_labels_and_second_thresholds_are_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_thresholds(text, LABELS)

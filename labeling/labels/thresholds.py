"""From a model's probabilities to states: a threshold, or a doubtful band, for all labels or for each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from curation.errors import UsageError
from labeling.labels.near import nearest

OTHERS = "*"


@dataclass(frozen=True)
class Band:
    """A probability of ``high`` or more is present, one below ``low`` absent, and one between them uncertain."""

    low: float
    high: float


Thresholds = Mapping[str, Band]
"""A band by label; ``*`` stands for all others."""
HALF: Thresholds = {OTHERS: Band(0.5, 0.5)}
"""What is used where nothing is said."""


def parse_thresholds(text: str, labels: Iterable[str]) -> Thresholds:
    """Thresholds as people write them: ``0.5``, ``0.4-0.6``, or ``Edema=0.3-0.5,Fracture=0.7,*=0.5``.

    Without ``*`` the others are left to whoever asks. Raises UsageError for a label that is none of ``labels``, for one
    that comes twice, and for what is no number between 0 and 1, or no band.

    >>> parse_thresholds("Edema=0.3-0.5", ["Edema"])["Edema"]
    Band(low=0.3, high=0.5)
    """
    known = {*labels, OTHERS}
    bands: dict[str, Band] = {}
    for part in text.split(","):
        label, sign, band = (piece.strip() for piece in part.rpartition("="))
        label = label if sign else OTHERS
        if label not in known:
            raise UsageError(f"expected thresholds for labels of the set; got another name{nearest(label, known)}")
        if label in bands:
            raise UsageError("expected one threshold for each label, and one for all others; one of them has two")
        bands[label] = _band(band)
    return bands


def _band(text: str) -> Band:
    low, _, high = text.partition("-")
    try:
        band = Band(float(low), float(high or low))
    except ValueError:
        band = Band(1.0, 0.0)
    if not 0.0 <= band.low <= band.high <= 1.0:
        raise UsageError("expected a threshold such as 0.5, or a band such as 0.4-0.6, between 0 and 1")
    return band


def state_of(thresholds: Thresholds, label: pl.Expr, probability: pl.Expr) -> pl.Expr:
    """The state (Int8) that a column of probabilities gives a column of labels; null stays null."""
    low, high = _edge(thresholds, label, "low"), _edge(thresholds, label, "high")
    state = pl.when(probability >= high).then(1).when(probability < low).then(0).when(probability.is_not_null())
    return state.then(-1).otherwise(None).cast(pl.Int8)


def _edge(thresholds: Thresholds, label: pl.Expr, edge: str) -> pl.Expr:
    edges = {name: getattr(band, edge) for name, band in thresholds.items() if name != OTHERS}
    others = getattr(thresholds.get(OTHERS, HALF[OTHERS]), edge)
    return label.replace_strict(edges, default=others, return_dtype=pl.Float64) if edges else pl.lit(others)

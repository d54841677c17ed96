"""What the soft measure of a pair and of a whole index share; the formula stands in ``labeling.similar.soft``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from curation.errors import UsageError
from curation.records import Assertion
from labeling.similar.statements import BILATERAL, LEFT, RIGHT, UNSAID, Statement

Floats = NDArray[np.float64]

DIGITS = 12
"""Similarities are rounded to it, so that sums in another order do not break ties."""

BY_TYPE: Mapping[str, float] = MappingProxyType({"T037": 2.0, "T073": 1.5, "T074": 1.5})
"""Injuries (fractures), and made objects and devices, which are few and told in few words; all else counts once."""


@dataclass(frozen=True)
class Parameters:
    """What the measure may be tuned by; the defaults were chosen on half of the Open-I reports with gold labels."""

    by_type: Mapping[str, float] = field(default_factory=lambda: BY_TYPE)
    """Weight of a semantic type (TUI), 1 where it is not named."""
    present: float = 1.0
    uncertain: float = 0.6
    absent: float = 0.1
    floor: float = 0.5
    kin: float = 0.3
    hedged: float = 0.7
    side_share: float = 0.15
    place_share: float = 0.15
    one_sided: float = 0.5
    hedged_conflict: float = 0.5
    alpha: float = 0.5
    beta: float = 1.0
    gamma: float = 1.0

    def __post_init__(self) -> None:
        shares = {name: value for name, value in vars(self).items() if name not in ("by_type", "beta", "gamma")}
        wrong = [name for name, value in shares.items() if not 0 <= value <= 1]
        wrong += [name for name in ("present", "uncertain", "absent") if getattr(self, name) == 0]
        wrong += [name for name in ("beta", "gamma") if getattr(self, name) < 0]
        wrong += ["by_type"] if min(self.by_type.values(), default=1) <= 0 else []
        wrong += ["side_share + place_share"] if self.side_share + self.place_share > 1 else []
        if wrong:
            raise UsageError(
                "similarity: expected shares in [0, 1], weights above 0, beta and gamma of 0 or more; got others for "
                f"{', '.join(wrong)}"
            )

    def weight(self, one: Statement, kind: str) -> float:
        """How much a statement of a concept of this semantic type counts."""
        if one.is_absent:
            return self.by_type.get(kind, 1.0) * self.absent
        certain = self.present if one.assertion is Assertion.PRESENT else self.uncertain
        return self.by_type.get(kind, 1.0) * certain

    def ratio(self, agreed: Floats, alone: tuple[Floats, Floats], clash: Floats) -> Floats:
        """The last line of the formula, for many pairs; where nothing at all is said of a pair, 0."""
        apart = self.alpha * np.minimum(*alone) + (1 - self.alpha) * np.maximum(*alone)
        total = agreed + self.beta * np.maximum(apart, 0.0) + self.gamma * clash
        shares: Floats = np.divide(agreed, total, out=np.zeros(len(agreed)), where=total > 0)
        return shares


def side_likeness(one: str, other: str) -> float:
    """1 for the same side, 0 for left and right, ½ where one is unsaid or bilateral."""
    if one == other:
        return 1.0
    return 0.0 if {one, other} == {LEFT, RIGHT} else 0.5


def covers_side(absent: str, there: str) -> bool:
    """Whether what is absent on a side says something of what is there on another."""
    return absent in (UNSAID, BILATERAL) or there in (absent, BILATERAL)


def supports(one: Statement, other: Statement) -> bool:
    """Whether a statement stands by another: the same concept and assertion, not on the other side."""
    same = one.concept == other.concept and one.assertion is other.assertion
    return same and {one.laterality, other.laterality} != {LEFT, RIGHT}

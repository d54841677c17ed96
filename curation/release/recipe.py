"""What a recipe is, and which there are: one module each in ``curation.recipes``, which holds ``RECIPE``."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from curation.errors import UsageError
from curation.records import Record, ReleaseImage
from curation.release.opened import Opened
from curation.release.sources import Sources

RADIOGRAPH, PROJECTION = "radiograph", "projection"
"""Kinds of images."""
Rows = tuple[type[Record], Sequence[Record]]
"""A table: what its rows are (there may be none), and the rows."""
Tables = Mapping[str, Rows]
"""Tables by file name, without its ending."""
Check = Callable[[Opened], Iterable[str]]
"""Looks at a release in its folder; says what is broken, one line each: the table and what is wrong, never a value."""


def _no_files(_: Tables) -> Mapping[str, Any]:
    return {}


def _every_image(_: Sources) -> Callable[[str], bool]:
    return lambda _: True


@dataclass(frozen=True)
class Recipe:
    """A kind of release as data: which images, which tables, which of them are answers, what is promised of them."""

    name: str
    tags: tuple[str, ...]
    """Of the data card, e.g. object-detection."""
    kinds: tuple[str, ...]
    """Which images, of ``RADIOGRAPH`` and ``PROJECTION``."""
    about: Mapping[str, str]
    """For each table that ``tables`` gives: one row is …, for the card."""
    tables: Callable[[Sources, Sequence[ReleaseImage]], Tables]
    """The tables beside the spine. What it leaves out it says to ``Sources.leave_out``."""
    answers: tuple[str, ...] = ()
    """Tables that hold answers: of a hidden test they have no row of its patients."""
    checks: tuple[Check, ...] = ()
    chooses: Callable[[Sources], Callable[[str], bool]] = _every_image
    """Says of an image of these kinds, by its id, whether it is in the release."""
    files: Callable[[Tables], Mapping[str, Any]] = _no_files
    """JSON documents by path, made from all tables that are passed on, e.g. COCO files."""


_MODULES = {
    "classification": "curation.recipes.classification",
    "reader-boxes": "curation.recipes.reader_boxes",
    "paxray": "curation.recipes.paxray",
    "report-pairs": "curation.recipes.report_pairs",
    "prior-grounded": "curation.recipes.prior_grounded",
    "concepts": "curation.recipes.concepts",
}
NAMES = tuple(_MODULES)


def recipe_named(name: str) -> Recipe:
    """The recipe; raises UsageError with the names there are."""
    if name not in _MODULES:
        raise UsageError(f"there is no recipe '{name}': there are {', '.join(NAMES)}")
    recipe: Recipe = import_module(_MODULES[name]).RECIPE
    return recipe

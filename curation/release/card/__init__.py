"""The data card: ``README.md``, ``statistics.json`` and pictures, made from the files of the release alone.

small       which counts of patients are hidden
statistics  every number of the card: people, labels, and the contents of single recipes
charts      drawn from the statistics with svg; montage: some of the images
text        the page, rendered from statistics, provenance, and what the tables' records say of themselves
"""

from collections.abc import Mapping
from typing import Any

from curation.release.card.charts import charts
from curation.release.card.montage import montage
from curation.release.card.statistics import STATISTICS, as_bytes, headlines, statistics
from curation.release.card.text import page
from curation.release.opened import Opened

__all__ = ["MONTAGE", "again", "counted", "describe"]
MONTAGE = "card/montage.png"
"""Of releases that have images."""


def describe(release: Opened, previous: Opened | None) -> Mapping[str, bytes]:
    """Contents by path in the release."""
    return _counted(release, headlines(previous)) | _drawn(release)


def again(release: Opened) -> Mapping[str, bytes]:
    """What ``describe`` gives for a finished release."""
    return counted(release) | _drawn(release)


def counted(release: Opened) -> dict[str, bytes]:
    """All of ``again`` but the montage: of the version before, its own statistics say what to compare."""
    return _counted(release, release.document(STATISTICS)["before"])


def _counted(release: Opened, before: Mapping[str, Any] | None) -> dict[str, bytes]:
    told = statistics(release, before)
    drawn = charts(told)
    pictures = (*drawn, MONTAGE) if release.table("images").height else tuple(drawn)
    return {STATISTICS: as_bytes(told), "README.md": page(release, told, pictures).encode(), **drawn}


def _drawn(release: Opened) -> dict[str, bytes]:
    sheet = montage(release)
    return {MONTAGE: sheet} if sheet else {}

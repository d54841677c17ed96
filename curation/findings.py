"""Readers' findings: which are projected, and what the masks of several objects are called."""

from collections import Counter
from collections.abc import Iterable

from curation.records import Consensus

FINDINGS = {"nodule": 1000}
"""Findings that are projected, with their category id; what readers call a non-nodule is no finding."""


def name_findings(objects: Iterable[Consensus]) -> dict[str, Consensus]:
    """One series' projected objects by their mask's label, the largest first: nodule, nodule_2, …"""
    seen: Counter[str] = Counter()
    named = {}
    for row in sorted(objects, key=lambda row: (-row.n_voxels, row.consensus_id)):
        if row.finding in FINDINGS:
            seen[row.finding] += 1
            named[row.finding if seen[row.finding] == 1 else f"{row.finding}_{seen[row.finding]}"] = row
    return named

"""What stopped, and why, over all stages."""

from collections import Counter

from curation.errors import VaultError
from curation.records import Reject
from curation.store import read_rows
from curation.workspace import Workspace
from flows.stages import BORDER, PIPELINE


def counts(workspace: Workspace) -> list[tuple[str, str, int]]:
    """(stage, reason, items) in order of the pipeline; the vault's stages only where the vault is."""
    found: list[tuple[str, str, int]] = []
    for step in PIPELINE:
        try:
            folder = workspace.control(step.name)
        except VaultError:
            if step.name in BORDER:
                continue
            raise
        by_reason = Counter(row.reason.value for row in read_rows(Reject, folder))
        found += [(step.name, reason, count) for reason, count in sorted(by_reason.items())]
    return found

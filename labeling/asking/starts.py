"""What the proposals of all tasks share."""

from collections.abc import Callable

from curation.records import ReadingCase
from curation.workspace import Workspace
from labeling.asking.asked import Proposal

Propose = Callable[[ReadingCase], Proposal | None]
"""The proposal of one case; None where its subject is gone, or nothing is known of it."""


def by_stages(workspace: Workspace, *stages: str) -> str:
    """What made the marks: ``paxflow`` and the stages with the versions of their code, e.g. ``paxflow mine 2``."""
    versions = ", ".join(f"{stage} {getattr(workspace.settings, stage).version}" for stage in stages)
    return f"paxflow {versions}"

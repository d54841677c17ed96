"""The picture report: one page that shows what a run made, to look at before anyone relies on it.

Reads every table that is there (of the vault only counts), and writes ``work/report/index.html``: a single file that
loads nothing. It shows report texts, some under licences that forbid passing them on, so it stays in ``work/``.
``report_page`` shows mined reports by themselves, without a workspace.
"""

from pathlib import Path

from curation.pictures.alone import report_page
from curation.pictures.page import page
from curation.pictures.readings import Reading, reading_of
from curation.pictures.shown import gather
from curation.store import atomic
from curation.workspace import Workspace

__all__ = ["Reading", "reading_of", "report_page", "write_page"]


def write_page(workspace: Workspace) -> Path:
    """Write the page from what is there and return its path; the same rows give the same bytes."""
    path = workspace.root / "work" / "report" / "index.html"
    content = page(gather(workspace))
    with atomic(path) as temporary:
        temporary.write_text(content, encoding="utf-8")
    return path

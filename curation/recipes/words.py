"""Whose words a release may hold: reports under the licences that the recipe names."""

from curation.errors import IntegrityError
from curation.records import Report
from curation.release.sources import Sources
from curation.settings import TextSettings


class Words:
    """Words of clean reports; reports under other licences keep their offsets and give no words."""

    def __init__(self, sources: Sources) -> None:
        """Raises IntegrityError where the recipe's section of ``params.yaml`` has no ``text_licences``."""
        if not isinstance(sources.settings, TextSettings):
            raise IntegrityError("a recipe that passes words on needs `text_licences` in its section of params.yaml")
        allowed = set(sources.settings.text_licences)
        self._texts = {row.report_id: row.text for row in sources.rows(Report) if row.licence in allowed}

    def withheld(self, report_id: str) -> bool:
        """Whether the report's words may not be passed on."""
        return report_id not in self._texts

    def text(self, report_id: str) -> str | None:
        """The whole clean text; None if it is withheld."""
        return self._texts.get(report_id)

    def words(self, report_id: str, start: int, end: int) -> str | None:
        """Characters ``start`` to ``end`` of the clean text; None if it is withheld."""
        text = self._texts.get(report_id)
        return None if text is None else text[start:end]

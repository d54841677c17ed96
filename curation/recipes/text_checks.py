"""What checks of releases with reports share: answers that stand apart, words that may not be passed on, duplicates."""

from collections.abc import Mapping, Sequence

import polars as pl

from curation.recipes.studies import FINDINGS, IMPRESSION
from curation.release.duplicates import crossing, near_duplicates
from curation.release.hidden import HIDDEN
from curation.release.opened import Opened

WITHHELD = "words of a report whose licence does not allow to pass them on"
"""What checks say where ``tells``."""


def expected(release: Opened, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows whose answers must be at hand: all, or without the hidden test if its answers are not at hand."""
    away = release.settings["hidden_test"] and release.answers is None
    return rows.filter(pl.col("split") != HIDDEN) if away else rows


def wrong_groups(release: Opened) -> list[str]:
    """Reports that say nearly the same, in two splits: by their words where they may be passed on, and as grouped."""
    texts = release.whole("texts")
    spoken = texts.with_columns(words=pl.concat_str(FINDINGS, IMPRESSION, separator="\n", ignore_nulls=True))
    alike = near_duplicates(dict(spoken.select("report_id", "words").iter_rows()))
    splits = dict(texts.select("report_id", "split").iter_rows())
    by_group = texts.select("report_id", "duplicate_group", "split").iter_rows()
    crossed = crossing({name: (alike[name], splits[name]) for name in alike})
    crossed_groups = crossing({name: (group, split) for name, group, split in by_group})
    return ["texts: reports that say nearly the same stand in two splits"] if crossed or crossed_groups else []


def tells(release: Opened, rows: pl.DataFrame, by: str, columns: Sequence[str]) -> bool:
    """Whether any of the columns holds words of a report, named in ``by``, whose licence does not allow that."""
    allowed = release.settings["text_licences"]
    withheld = release.whole("texts").filter(~pl.col("licence").is_in(allowed)).select("report_id")
    own = rows.join(withheld, left_on=by, right_on="report_id", how="semi")
    return not own.filter(pl.any_horizontal(pl.col(columns).is_not_null())).is_empty()


def faults(table: str, rows: pl.DataFrame, found: Mapping[str, pl.Expr]) -> list[str]:
    """A line for each fault, in words, that any row has."""
    if rows.is_empty():  # Polars takes is_not_null().any() of no rows for true
        return []
    seen = rows.select(**{said: fault.any() for said, fault in found.items()}).row(0, named=True)
    return [f"{table}: {said}" for said, is_so in seen.items() if is_so]

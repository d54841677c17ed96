"""Why a row of a release differs from the version before: what it speaks of came or went, or how it is made changed."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from curation.release.opened import Opened

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
_SUBJECTS = (
    *("image_id", "view_id", "subject_id", "item_id", "report_id", "query_id", "candidate_id", "series_id"),
    *("study_id", "patient_id"),
)
"""Columns that say what a row speaks of, the narrowest first."""
NEEDED = (*_SUBJECTS, "source")
"""Columns of a row that its reason depends on."""
_KINDS = {"patient": "patients", "study": "studies", "series": "images", "image": "images", "report": "reports"}
"""What a row may speak of, and the table that names all of its kind."""
_SPLIT_RULE = ("recipe.split", "recipe.stratify", "recipe.official")
_MADE_WITH: Mapping[str, tuple[str, ...]] = {
    "images": ("render", "project"),
    "landmarks": ("measure", "project"),
    "geometry": ("project",),
    "pictures": ("project",),
    "phrases": ("ground", "mine", "recipe"),
    "reports": ("deid", "recipe"),
    "sections": ("mine", "recipe"),
    "pairs": ("mine", "recipe"),
    "texts": ("mine", "deid", "recipe"),
    "grounded": ("mine", "render", "recipe"),
    "mentions": ("mine", "recipe"),
    "concept_labels": ("mine",),
    "similar": ("similar", "mine"),
    "reads": ("decide",),
    "image_labels": ("decide",),
    "left_out": ("recipe", "render"),
    "targets": ("recipe",),
}
"""Sections of params.yaml behind tables that only releases have; of the others, the stage that writes them."""
_SOURCES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "readers": ("readers decided", ("decide",)),
    "reading": ("readers drew", ("decide",)),
    "outline": ("readers' outlines changed", ("consensus", "project")),
    "consensus": ("readers' outlines changed", ("consensus",)),
    "measurement": ("measured otherwise", ("measure", "project", "segment")),
    "report": ("its report says otherwise", ("mine", "deid")),
}
"""Where a label or box is from: why it may differ, and the sections behind it."""
_OTHERWISE = {
    "labels": "a labeler says otherwise",
    **dict.fromkeys(("reads", "consensus", "agreement"), "readers' outlines changed"),
    **dict.fromkeys(
        ("decisions", "decision_marks", "answers", "answer_marks", "annotation_events"), "readers answered"
    ),
}
"""What is said of tables whose settings are the same."""
_PLAINLY = "what it is made from changed"


@dataclass(frozen=True)
class Reasons:
    """What came and what went, by id, and which parameters differ."""

    came: pl.DataFrame
    went: pl.DataFrame
    parameters: tuple[str, ...]
    stages: Mapping[str, str]
    """The stage that writes each table."""
    whole: Mapping[str, str]
    """Tables that one version does not have, and why all their rows differ."""

    @staticmethod
    def of(old: Opened, new: Opened, parameters: tuple[str, ...]) -> "Reasons":
        """Between two versions."""
        whole = dict.fromkeys({*new.names} - {*old.names}, "the table is new")
        whole |= dict.fromkeys({*old.names} - {*new.names}, "the table is gone")
        came = _fates(new, old, "new {}", "no longer left out: ")
        went = _fates(old, new, "its {} is gone", "left out: ")
        stages = {name: new.record(name).about.stage for name in new.names}
        return Reasons(came, went, parameters, stages, whole)

    def give(self, table: str, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with their reasons."""
        if table in self.whole:
            return rows.with_columns(reason=pl.lit(self.whole[table]))
        subjects = [column for column in _SUBJECTS if column in rows.columns]
        came, went = (
            pl.coalesce(pl.lit(None, pl.String), *(_looked_up(column, fates) for column in subjects))
            for fates in (self.came, self.went)
        )
        fate = pl.when(what=ADDED).then(came).when(what=REMOVED).then(went).otherwise(self._moved(table))
        return rows.with_columns(reason=pl.coalesce(fate, self._cause(table, "source" in rows.columns)))

    def _moved(self, table: str) -> pl.Expr:
        """What is said of rows whose split differs."""
        rule = [path for path in self.parameters if path.startswith(_SPLIT_RULE)]
        why = f"the split's rule changed: {', '.join(rule)}" if rule else "its patient moved, though no rule changed"
        is_moved = pl.col("columns").str.split(", ").list.contains("split")
        return pl.when(is_moved).then(pl.lit("its patient moved" if table != "splits" else why))

    def _cause(self, table: str, has_source: bool) -> pl.Expr:
        """How the rows are made changed: by where each is from, if it says so, else as its table is made."""
        whole = pl.lit(self._settings(_MADE_WITH.get(table, (self.stages[table],))) or _OTHERWISE.get(table, _PLAINLY))
        if not has_source:
            return whole
        by_source = {source: self._settings(behind) or words for source, (words, behind) in _SOURCES.items()}
        reason = pl.col("source").replace_strict(by_source, default=None, return_dtype=pl.String)
        return pl.coalesce(reason, whole)

    def _settings(self, sections: tuple[str, ...]) -> str:
        """Which parameters of some sections differ; empty if none does."""
        paths = [path for path in self.parameters if path.partition(".")[0] in sections]
        return f"made anew: {', '.join(paths)} changed" if paths else ""


def _fates(here: Opened, there: Opened, words: str, left: str) -> pl.DataFrame:
    """What is here and not there, the widest first: ``id`` and ``reason``."""
    kinds = _KINDS if "reports" in here.names else _KINDS | {"report": "report_links"}
    parts = [_missing(here, there, table, kind) for kind, table in kinds.items() if table in here.names]
    lost = pl.concat(parts, how="diagonal")
    held = there.table("left_out").select("item_id", (pl.lit(left) + pl.col("reason")).alias("why")).unique("item_id")
    why = pl.col("id").replace_strict(old=held["item_id"], new=held["why"], default=None, return_dtype=pl.String)
    lost_of = {kind: lost.filter(kind=kind)["id"].implode() for kind in ("patient", "study")}
    reason = (
        pl.when(pl.col("patient_id").is_in(lost_of["patient"]))
        .then(pl.lit(words.format("patient")))
        .when(why.is_not_null())
        .then(why)
        .when(pl.col("study_id").is_in(lost_of["study"]))
        .then(pl.lit(words.format("study")))
        .otherwise(pl.format(words, pl.col("kind")))
    )
    return lost.select("id", reason.alias("reason")).unique("id", keep="first", maintain_order=True)


def _missing(here: Opened, there: Opened, table: str, kind: str) -> pl.DataFrame:
    """The ids of one kind that are here and not there, with their study, if a study has them, and patient."""
    column = f"{kind}_id"
    rows = here.table(table)
    if table in there.names:
        rows = rows.join(there.table(table), on=column, how="anti")
    about = [name for name in ("study_id", "patient_id") if name in rows.columns]
    return rows.select(pl.col(column).alias("id"), pl.lit(kind).alias("kind"), *about)


def _looked_up(column: str, fates: pl.DataFrame) -> pl.Expr:
    return pl.col(column).replace_strict(old=fates["id"], new=fates["reason"], default=None, return_dtype=pl.String)

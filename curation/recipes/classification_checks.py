"""What the ``classification`` recipe promises, proved from the release's own tables."""

from collections.abc import Iterator

import polars as pl

from curation.recipes.image_labels import CONSENSUS, MEASUREMENT, READERS, REPORT
from curation.records import CHEXPERT
from curation.release.opened import Opened

CHEXPERT_14 = (
    "No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Lesion", "Lung Opacity", "Edema", "Consolidation",
    "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion", "Pleural Other", "Fracture", "Support Devices",
)  # fmt: skip
"""Irvin et al. 2019, in the order and spelling of the published files."""
POLICY = {"ignore": None, "ones": 1, "zeros": 0}
"""What a state that is neither 1 nor 0 becomes as a target: U-Ignore, U-Ones, U-Zeros (Irvin et al. 2019)."""
RANKS = {READERS: 0, CONSENSUS: 1, MEASUREMENT: 2, REPORT: 4}
"""The best source first; other labelers come after them, by name."""
SILENT_READERS, OTHERS = 3, 5
STRENGTH = {1: 0, -1: 1, 0: 2, None: 3}
"""Of several statements of one source, e.g. two reports of a study, the first of these stands."""
ORIGINS = {
    READERS: ("decisions", "decision_id"),
    CONSENSUS: ("consensus", "consensus_id"),
    MEASUREMENT: ("measurements", "measure"),
    REPORT: ("report_labels", "report_id"),
}
"""The table that a label's source_id stands in, and its column; of other labelers it is in ``opinions``."""
_CELL = ["image_id", "label_set", "label"]


def wrong_states(release: Opened) -> Iterator[str]:
    """States and targets that are none."""
    for table, column, values in (
        ("labels", "state", (1, 0, -1)),
        ("targets", "state", (1, 0, -1)),
        ("targets", "target", (1, 0)),
    ):
        if not release.whole(table)[column].drop_nulls().is_in(values).all():
            yield f"{table}: a {column} is none of {', '.join(map(str, values))} and null"


def strangers(release: Opened) -> Iterator[str]:
    """Labels of images that the release does not have."""
    images = release.table("images")["image_id"].to_list()
    for table, column in (("labels", "image_id"), ("targets", "image_id"), ("measurements", "view_id")):
        if not release.whole(table)[column].is_in(images).all():
            yield f"{table}: an image is not in the release"


def wrong_names(release: Opened) -> Iterator[str]:
    """Labels that their set does not have, and CheXpert's under other names."""
    known = release.table("label_map").select("label_set", "label", "position")
    chexpert = known.filter(pl.col("label_set") == CHEXPERT).sort("position")["label"].to_list()
    if chexpert and tuple(chexpert) != CHEXPERT_14:
        yield "label_map: CheXpert's labels are not the fourteen published ones in their order"
    for table in ("labels", "targets"):
        if release.whole(table).join(known, on=["label_set", "label"], how="anti").height:
            yield f"{table}: a label is not in label_map: run `paxflow run mine`"


def wrong_targets(release: Opened) -> Iterator[str]:
    """Targets that do not follow from the labels and the policy."""
    targets, labels = release.whole("targets"), release.whole("labels")
    expected = _expected(labels)
    told = ["state", "source", "source_id", "n_sources", "contradicted"]
    silent = targets.join(labels, on=_CELL, how="anti")
    if targets.select(_CELL).is_duplicated().any() or labels.join(targets, on=_CELL, how="anti").height:
        yield "targets: a label of an image has no row, or several"
    elif not targets.join(labels, on=_CELL, how="semi").sort(_CELL).select(_CELL + told).equals(expected):
        yield "targets: a state, its source or n_sources does not follow from labels"
    if silent.filter(pl.col("state").is_not_null() | (pl.col("source") != "") | (pl.col("n_sources") != 0)).height:
        yield "targets: a state of which no label speaks"
    if not targets["target"].equals(targets.select(_target(release)).to_series(), null_equal=True, check_names=False):
        yield "targets: a target does not follow from its state and the policy"


def _expected(labels: pl.DataFrame) -> pl.DataFrame:
    """The best source of each label of each image, as the recipe ranks them."""
    state, source = pl.col("state"), pl.col("source")
    spoken = source.replace_strict(RANKS, default=OTHERS, return_dtype=pl.Int64)
    unsaid = pl.when(source == READERS).then(SILENT_READERS).otherwise(spoken + OTHERS)
    strength = state.replace_strict(STRENGTH, default=None, return_dtype=pl.Int64)
    ranked = labels.with_columns(
        rank=pl.when(state.is_null()).then(unsaid).otherwise(spoken),
        strength=strength,
    ).sort(*_CELL, "rank", "source", "strength", "source_id")
    best = ranked.group_by(_CELL, maintain_order=True).agg(
        pl.first("state", "source", "source_id"),
        n_sources=source.filter(state.is_not_null()).n_unique().cast(pl.Int64),
        denied=(state == 0).any(),
        affirmed=(state == 1).any(),
    )
    opposite = ((state == 1) & pl.col("denied")) | ((state == 0) & pl.col("affirmed"))
    return best.with_columns(contradicted=opposite.fill_null(False)).drop("denied", "affirmed")


def _target(release: Opened) -> pl.Expr:
    uncertain, unmentioned = (POLICY[release.settings[name]] for name in ("uncertain", "not_mentioned"))
    state = pl.col("state")
    doubtful = pl.when(state.is_null()).then(pl.lit(unmentioned, pl.Int64)).otherwise(pl.lit(uncertain, pl.Int64))
    return pl.when(state >= 0).then(state).otherwise(doubtful)


def lost_origins(release: Opened) -> Iterator[str]:
    """Labels whose trail breaks off."""
    labels = release.whole("labels")
    for source, (table, column) in ORIGINS.items():
        own = labels.filter(pl.col("source") == source)
        if not own["source_id"].is_in(release.whole(table)[column].to_list()).all():
            yield f"labels: a source_id of {source} is not in {table}"
    others = labels.filter(~pl.col("source").is_in(list(ORIGINS)))
    opinions = release.whole("opinions").rename({"subject_id": "source_id"})
    if others.join(opinions, on=["source", "source_id", "label"], how="anti").height:
        yield "labels: a labeler's source_id is not in opinions"
    for table, column, origin, key in LINKS:
        said = release.whole(table)[column].explode().drop_nulls()
        if not said.is_in(release.whole(origin)[key].to_list()).all():
            yield f"{table}: a row of {column} is not in {origin}"


LINKS = (
    ("report_labels", "report_id", "report_links", "report_id"),
    ("report_labels", "mention_ids", "mentions", "mention_id"),
    ("consensus", "object_ids", "ct_outlines", "object_id"),
    ("decisions", "event_ids", "answers", "event_id"),
    ("answers", "event_id", "annotation_events", "event_id"),
)
"""A table, a column of it, and the table and column that hold what the column names."""
CHECKS = (wrong_states, strangers, wrong_names, wrong_targets, lost_origins)

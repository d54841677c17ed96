"""Labels of a release, counted in patients: one patient counts once, under the first of present, uncertain, absent."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from curation.records import SPLITS
from curation.release.card.small import LIMIT, WITHHELD, Cell, few, of_row, withheld
from curation.release.opened import Opened

STATES = ("present", "uncertain", "absent", "not mentioned")
_RANK = {1: 0, -1: 1, 0: 2}
_PEOPLE_READ = ("readers", "consensus")
_MOST = 20
"""Labels in the table of pairs: those of most patients."""


def prevalence(release: Opened) -> dict[str, Any]:
    """By label set: patients; by label: patients by state, patients and images with it by split."""
    rows = _states(release)
    return {name: _set(rows.filter(pl.col("label_set") == name), name) for name in sorted(rows["label_set"].unique())}


def _set(own: pl.DataFrame, label_set: str) -> dict[str, Any]:
    """Of fewer than ten patients there are no rows: that a label is there would say whose it is."""
    whole = _row(_counts(own, ["label_set"], "patient"), (label_set,))
    patients = few(sum(whole))
    return {"patients": patients, "rows": _label_rows(own, whole) if isinstance(patients, int) else []}


def _label_rows(own: pl.DataFrame, whole: list[int]) -> list[dict[str, Any]]:
    best = own.group_by("patient", "split", "label").agg(pl.col("rank").min())
    patients = _counts(best, ["label", "rank"], "patient")
    images = _counts(own.filter(pl.col("rank") == 0), ["label"], "image")
    return [
        _label_row(label, [_row(patients, (label, rank)) for rank in range(3)], _row(images, (label,)), whole)
        for label in sorted(own["label"].unique())
    ]


def _label_row(label: str, said: list[list[int]], images: list[int], whole: list[int]) -> dict[str, Any]:
    sums = [sum(row) for row in said]
    states = withheld([*sums, sum(whole) - sum(sums)], spared={0})
    present: list[Cell] = of_row(said[0], whole) if isinstance(states[0], int) else [WITHHELD] * len(SPLITS)
    return {
        "label": label,
        "states": states,
        "present": present,
        "images": [n if isinstance(cell, int) else WITHHELD for n, cell in zip(images, present, strict=True)],
    }


def together(release: Opened) -> dict[str, Any]:
    """Patients who have two labels, of the first label set; a pair is shown if none of its four cells is small."""
    sets = sorted(release.table(_table(release))["label_set"].unique())
    if not sets:
        return {"label_set": "", "labels": [], "patients": []}
    own = _states(release, sets[0])
    present = own.filter(pl.col("rank") == 0).select("patient", "label").unique()
    most = (
        present.group_by("label").len().filter(pl.col("len") >= LIMIT).sort(["len", "label"], descending=[True, False])
    )
    shown = {row["label"] for row in _set(own, sets[0])["rows"] if isinstance(row["states"][0], int)}
    names = sorted([name for name in most["label"] if name in shown][:_MOST])
    return {"label_set": sets[0], "labels": names, "patients": _pairs(present, names, own["patient"].n_unique())}


def _pairs(present: pl.DataFrame, names: list[str], whole: int) -> list[list[Cell]]:
    patients = {name: n for n, name in enumerate(present["patient"].unique().sort())}
    has = np.zeros((len(patients), len(names)), dtype=np.int64)
    for place, name in enumerate(names):
        has[[patients[row] for row in present.filter(pl.col("label") == name)["patient"]], place] = 1
    both = has.T @ has
    alone = np.diag(both)
    cells = [both, alone[:, None] - both, alone[None, :] - both, whole - alone[:, None] - alone[None, :] + both]
    small = np.any([(cell > 0) & (cell < LIMIT) for cell in cells], axis=0)
    np.fill_diagonal(small, val=False)
    return [
        [WITHHELD if hide else int(n) for n, hide in zip(*pair, strict=True)] for pair in zip(both, small, strict=True)
    ]


def origins(release: Opened) -> dict[str, Any]:
    """Images by whether they have labels, and whether a reader gave one; rows by source."""
    rows = release.table("labels")
    counts = rows.group_by("source").len().sort("source")
    read = rows.filter(pl.col("source").is_in(_PEOPLE_READ))["image_id"].n_unique()
    return {
        "images": release.table("images").height,
        "labelled": rows["image_id"].n_unique(),
        "read": read,
        "sources": [list(row) for row in counts.iter_rows()],
    }


def targets(release: Opened) -> dict[str, Any]:
    """Rows that can be trained on, and rows whose sources contradict each other."""
    rows = release.table("targets")
    return {
        "rows": rows.height,
        "used": rows["target"].count(),
        "contradicted": int(rows["contradicted"].sum()),
        "sources": [list(row) for row in rows.group_by("source").len().sort("source").iter_rows()],
    }


def _table(release: Opened) -> str:
    return "targets" if "targets" in release.names else "labels"


def _states(release: Opened, label_set: str | None = None) -> pl.DataFrame:
    """Image and patient as numbers, split, label and rank: place of the best state in ``STATES``, over all sources."""
    rank = pl.col("state").replace_strict(_RANK, default=len(_RANK), return_dtype=pl.Int8)
    rows = release.table(_table(release))
    rows = rows if label_set is None else rows.filter(pl.col("label_set") == label_set)
    numbers = {"image": pl.int_range(pl.len(), dtype=pl.UInt32), "patient": pl.col("patient_id").rank("dense")}
    whose = release.table("images").select("image_id", "split", **numbers)
    return rows.select("image_id", "label_set", "label", rank=rank).join(whose, on="image_id").drop("image_id")


Counts = Mapping[tuple[Any, ...], int]


def _counts(rows: pl.DataFrame, by: list[str], of: str) -> Counts:
    counted = rows.group_by([*by, "split"]).agg(pl.col(of).n_unique())
    return {tuple(key): n for *key, n in counted.iter_rows()}


def _row(counts: Counts, key: tuple[Any, ...]) -> list[int]:
    return [counts.get((*key, split), 0) for split in SPLITS]

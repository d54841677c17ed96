"""Labels as files: MIMIC-CXR-JPG's table, ChestX-ray14's column, JSON lines, and a long Parquet.

All but the long table hold what the policy for uncertain labels makes of them; JSON lines and Parquet keep raw states.
"""

import gzip
import io
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import polars as pl

from curation.errors import UsageError
from labeling.labels.near import nearest
from labeling.labels.policy import Policy, becomes
from labeling.labels.sources import Source
from labeling.labels.tables import JOINED
from labeling.target import check_target, new_file


def resolved(source: Source, policy: Policy) -> pl.DataFrame:
    """The source's frame with two more columns: raw_state as it was, and state as the policy makes it.

    Raises UsageError for a word that is no policy.
    """
    what = pl.DataFrame(
        {"label": source.labels, "becomes": [becomes(policy, label) for label in source.labels]},
        schema={"label": pl.String, "becomes": pl.Int8},
    )
    frame = source.frame.rename({"state": "raw_state"}).join(what, on="label", how="left", maintain_order="left")
    state = pl.when(pl.col("raw_state") == -1).then(pl.col("becomes")).otherwise(pl.col("raw_state"))
    return frame.select("id", "label", state.alias("state"), "raw_state", "probability")


def mimic_csv(source: Source, frame: pl.DataFrame) -> bytes:
    """MIMIC-CXR-JPG's layout (Johnson 2019): subject, study, then labels by name; 1.0, 0.0, -1.0, or blank."""
    wide = frame.pivot("label", index="id", values="state", maintain_order=True).rename({"id": source.id_column})
    rows = source.keys.join(wide, on=source.id_column, how="left", maintain_order="left")
    keys = sorted(source.keys.columns, key=lambda column: {"subject_id": 0, "study_id": 1}.get(column, 2))
    numbers = (pl.col(label).cast(pl.Float64) for label in sorted(source.labels))
    return rows.select(*keys, *numbers).write_csv(float_precision=1).encode()


def nih_csv(source: Source, frame: pl.DataFrame) -> bytes:
    """ChestX-ray14's layout (Wang 2017): a column ``Finding Labels`` of what is present, ``|`` between.

    The label for no finding stands alone, also where the policy made every doubt a negative. A row is blank where the
    report says neither, or where a doubt is left.
    """
    clear = source.label_set.no_finding
    is_clear, doubt = pl.col("label") == clear, pl.col("raw_state").eq_missing(-1)
    rows = frame.group_by("id", maintain_order=True).agg(
        found=pl.col("label").filter(~is_clear & (pl.col("state") == 1)).str.join("|"),
        clear=(is_clear & (pl.col("state") == 1)).any()
        | (doubt.any() & (~doubt | pl.col("state").eq_missing(0)).all()),
    )
    alone = pl.when("clear").then(pl.lit(clear)).otherwise(pl.lit(""))
    named = rows.select(
        pl.col("id").alias(source.id_column),
        pl.when(pl.col("found") != "").then("found").otherwise(alone).alias(JOINED),
    )
    return source.keys.join(named, on=source.id_column, how="left", maintain_order="left").write_csv().encode()


def jsonl(source: Source, frame: pl.DataFrame) -> bytes:
    """A line for each id: its keys, ``labels``, and ``raw_labels`` where the policy changed any."""
    columns = frame.group_by("id", maintain_order=True).agg("state", "raw_state")
    lines = []
    for keys, states, raw in zip(
        source.keys.iter_rows(named=True), columns["state"], columns["raw_state"], strict=True
    ):
        line = {**keys, "labels": dict(zip(source.labels, states, strict=True))}
        if not states.equals(raw):
            line["raw_labels"] = dict(zip(source.labels, raw, strict=True))
        lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    return "".join(lines).encode()


def parquet(source: Source, frame: pl.DataFrame) -> bytes:
    """A row for each id and label: keys, label, state, raw_state, probability."""
    rows = source.keys.join(frame.rename({"id": source.id_column}), on=source.id_column, maintain_order="left_right")
    return _parquet(rows)


FORMATS: Mapping[str, Callable[[Source, pl.DataFrame], bytes]] = {
    "mimic-csv": mimic_csv,
    "nih-csv": nih_csv,
    "jsonl": jsonl,
    "parquet": parquet,
}


def write_labels(source: Source, path: Path, layout: str, policy: Policy) -> None:
    """Write a source in one of ``FORMATS``; what was at ``path`` stays until all is done, ``.gz`` packs it.

    Raises UsageError for a layout or a policy that there is none of.
    """
    if layout not in FORMATS:
        raise UsageError(f"expected a format, one of {', '.join(FORMATS)}; got another{nearest(layout, FORMATS)}")
    _write(FORMATS[layout](source, resolved(source, policy)), path)


def write_table(table: pl.DataFrame, path: Path) -> None:
    """Write a table as its name says; raises UsageError as ``check_table``."""
    check_table(path)
    _write(_parquet(table) if path.name.endswith(".parquet") else table.write_csv().encode(), path)


def check_table(path: Path, others: Iterable[Path] = ()) -> None:
    """Before any work: raises UsageError unless a table can be written here, and is none of the ``others``."""
    if not path.name.endswith((".csv", ".csv.gz", ".parquet")):
        raise UsageError(f"{path.name}: expected a name that ends in .csv, .csv.gz or .parquet")
    check_target(path, others)


def _parquet(table: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    table.rechunk().write_parquet(file)
    return file.getvalue()


def _write(content: bytes, path: Path) -> None:
    with new_file(path) as pending:
        pending.write_bytes(gzip.compress(content, mtime=0) if path.name.endswith(".gz") else content)

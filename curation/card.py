"""The data card of a release: ``README.md`` with Hugging Face front matter, its numbers counted from the rows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from curation.records import Record
from curation.settings import RecipeSettings

_ABOUT = {
    "images": "one image: patient, split, view, pixel spacing, and where its PNG lies (`shard`, `offset`, `length`)",
    "masks": "one label on one image as COCO RLE, with area, box and mean thickness in mm",
    "measurements": "one measurement on one image, with its landmarks, threshold and verdict",
    "labels": "one label of one image from one source; 1 present, 0 absent, -1 uncertain, null not mentioned",
    "phrases": "one finding of one report, by character offsets, on one image; no report text",
    "reads": "one outline by one reader on one CT slice, as drawn",
    "consensus": "one object that readers agree on, as runs over a box of the CT grid",
    "agreement": "the Dice overlap of two readers on one object",
    "decisions": "one question about one image or report that readers answered: the answer, by which method, how sure",
    "decision_marks": "one box or mask that stands for several readers', or an adjudicator's",
    "answers": "one reader's answer to one question, as it stood in the end",
    "answer_marks": "one box, mask, point or span of one reader",
    "annotation_events": "one thing that a reader did: who (pseudonym), when, how long, from which pre-annotation",
    "studies": "one imaging study; dates are moved by a secret number of days per patient",
    "patients": "one patient under a pseudonym",
    "splits": "one patient's split",
}


def card(recipe: str, settings: RecipeSettings, tables: Mapping[str, Sequence[Record]]) -> str:
    """The card as Markdown."""
    front: dict[str, Any] = {
        "pretty_name": settings.title,
        "license": "other",
        "license_name": settings.licence,
        "tags": ["medical", "chest-x-ray", "segmentation"],
        "configs": [
            {"config_name": name, "data_files": f"{name}.parquet", **({"default": True} if name == "images" else {})}
            for name in tables
        ],
    }
    return _PAGE.format(
        front=yaml.safe_dump(front, sort_keys=False).rstrip(),
        title=settings.title,
        recipe=recipe,
        attribution=settings.attribution,
        licence=settings.licence,
        tables="\n".join(f"| `{name}.parquet` | {len(rows):,} | {_ABOUT[name]} |" for name, rows in tables.items()),
        splits="\n".join(_split_rows(tables)),
        n_labels=len({getattr(row, "label") for row in tables["masks"]}),  # noqa: B009 - rows of several types
    )


_PAGE = """---
{front}
---

# {title}

Made by paxflow with the recipe `{recipe}`. {attribution}

Licence: {licence}

## Tables

| file | rows | one row is |
|---|---|---|
{tables}

`coco/instances_<split>.json` holds the same masks for pycocotools. `provenance.json` names parameters and package
versions, `CHECKSUMS.sha256` every file. The version is the git tag that this folder was pulled at.

## Splits

By patient, from a hash of the pseudonym: a patient never moves when data grows.

| split | patients | images |
|---|---|---|
{splits}

## Masks

{n_labels} labels. A mask is the true projection of its organ (its footprint), so masks overlap, and a lung goes on
behind the heart and below the dome of the diaphragm.

## Read it

```python
import io

import polars as pl
from PIL import Image
from pycocotools.coco import COCO

row = pl.read_parquet("images.parquet").row(0, named=True)
with open(row["shard"], "rb") as shard:
    shard.seek(row["offset"])
    image = Image.open(io.BytesIO(shard.read(row["length"])))

coco = COCO(f"coco/instances_{{row['split']}}.json")
masks = [coco.annToMask(annotation) for annotation in coco.loadAnns(coco.getAnnIds())]
```
"""


def _split_rows(tables: Mapping[str, Sequence[Record]]) -> list[str]:
    patients = Counter(getattr(row, "split") for row in tables["splits"])  # noqa: B009 - rows of several types
    images = Counter(getattr(row, "split") for row in tables["images"])  # noqa: B009
    return [f"| {split} | {patients[split]:,} | {images[split]:,} |" for split in ("train", "valid", "test")]

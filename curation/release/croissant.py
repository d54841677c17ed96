"""``croissant.json``: the release for machines, as MLCommons Croissant 1.1 (JSON-LD).

``datePublished`` is not in it: the tag that pins the release has the date, and its bytes must not. ``version`` is the
recipe's own, with a digest of all rows behind the plus sign (semver's build metadata): the release's is the tag.
"""

from collections.abc import Iterator
from typing import Any

import polars as pl

from curation.records import Field, fields, key_of
from curation.release.opened import Opened
from curation.release.recipe import recipe_named
from curation.store import digest, file_sha256

CROISSANT = "croissant.json"
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The standard's own."""
_ABOUT_PEOPLE = {
    "rai:personalSensitiveInformation": [
        "Pseudonyms by a keyed hash stand for people, studies and reports; dates are moved by a secret number of "
        "days per patient. Sex is in patients, age in years in studies; 90 stands for 90 and above.",
    ],
    "rai:dataAnnotationAnalysis": ["Every label names its source: readers, a measurement, a report or a labeler."],
}
"""What holds of every release, in the words of Croissant RAI 1.0."""
_TYPES = {"String": "sc:Text", "Int64": "sc:Integer", "Float64": "sc:Float", "Boolean": "sc:Boolean", "Date": "sc:Date"}
_SPLITS = {"train": "cr:TrainingSplit", "valid": "cr:ValidationSplit", "test": "cr:TestSplit"}
_SPLIT = "split"


def croissant(release: Opened) -> dict[str, Any]:
    """The metadata as JSON-LD: every table as a file and a set of records, the shards as a set of files, the splits."""
    settings = release.settings
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": release.recipe,
        "description": f"{settings['title']}. De-identified; split by patient. See README.md.",
        "license": settings["licence"],
        "citeAs": settings["attribution"],
        "creator": {"@type": "Organization", "name": settings["attribution"]},
        "version": f"{settings['version']}.0.0+{digest(release.provenance['tables'])[:12]}",
        "keywords": list(recipe_named(release.recipe).tags),
        **_ABOUT_PEOPLE,
        "distribution": [*_tables(release), *_shards(release)],
        "recordSet": [_splits(), *(_records(release, name) for name in release.names)],
    }


def _tables(release: Opened) -> Iterator[dict[str, Any]]:
    for name in release.names:
        path = release.folder / f"{name}.parquet"
        yield {
            "@type": "cr:FileObject",
            "@id": path.name,
            "name": path.name,
            "contentUrl": path.name,
            "contentSize": f"{path.stat().st_size} B",
            "encodingFormat": "application/x-parquet",
            "sha256": file_sha256(path),
        }


def _shards(release: Opened) -> Iterator[dict[str, Any]]:
    """The tar files, and of each folder of them the set of its pictures."""
    folders: dict[str, list[str]] = {}
    for path in sorted(release.folder.glob("*/*.tar")):
        name = path.relative_to(release.folder).as_posix()
        folders.setdefault(path.parent.name, []).append(name)
        yield {
            "@type": "cr:FileObject",
            "@id": name,
            "name": name,
            "contentUrl": name,
            "contentSize": f"{path.stat().st_size} B",
            "encodingFormat": "application/x-tar",
            "sha256": file_sha256(path),
        }
    for folder, names in folders.items():
        yield {
            "@type": "cr:FileSet",
            "@id": f"{folder}-files",
            "name": f"{folder}-files",
            "containedIn": [{"@id": name} for name in names],
            "encodingFormat": "image/png",
            "includes": "*.png",
        }


def _splits() -> dict[str, Any]:
    """The splits' names, and what each is in the standard's words."""
    return {
        "@type": "cr:RecordSet",
        "@id": _SPLIT,
        "name": _SPLIT,
        "dataType": "cr:Split",
        "key": {"@id": f"{_SPLIT}/name"},
        "field": [
            {"@type": "cr:Field", "@id": f"{_SPLIT}/name", "name": "name", "dataType": "sc:Text"},
            {"@type": "cr:Field", "@id": f"{_SPLIT}/url", "name": "url", "dataType": "sc:URL"},
        ],
        "data": [
            {f"{_SPLIT}/name": name, f"{_SPLIT}/url": url.replace("cr:", "http://mlcommons.org/croissant/")}
            for name, url in _SPLITS.items()
        ],
    }


def _records(release: Opened, name: str) -> dict[str, Any]:
    record = release.record(name)
    about = recipe_named(release.recipe).about.get(name, record.about.grain)
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"One row is {about}.",
        "key": [{"@id": f"{name}/{column}"} for column in key_of(record)],
        "field": [_field(name, field, release.table(name).schema[field.name]) for field in fields(record)],
    }


def _field(table: str, field: Field, dtype: pl.DataType) -> dict[str, Any]:
    base = dtype.inner if isinstance(dtype, pl.List) else dtype
    unit = f" [{field.column.unit}]" if field.column.unit else ""
    described: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{table}/{field.name}",
        "name": field.name,
        "description": field.column.doc + unit,
        "dataType": _TYPES.get(str(base), "sc:DateTime"),
        "source": {"fileObject": {"@id": f"{table}.parquet"}, "extract": {"column": field.name}},
    }
    if isinstance(dtype, pl.List):
        described |= {"isArray": True, "arrayShape": "-1"}
    if field.name == "split":
        described["references"] = {"field": {"@id": f"{_SPLIT}/name"}}
    return described

"""The page: ``README.md``, rendered from the statistics, the provenance, and what tables say of themselves."""

import re
from collections.abc import Collection, Mapping
from typing import Any

import yaml

from curation.records import SPLITS, fields
from curation.release.card import contained, limits, origin
from curation.release.card.markdown import folded, picture, said, section, table
from curation.release.card.small import FEW, LIMIT
from curation.release.opened import Opened
from curation.release.recipe import recipe_named
from curation.release.spine import SPINE

_TASKS = {
    "masks": "image-segmentation",
    "targets": "image-classification",
    "annotations_train": "object-detection",
    "pairs": "image-to-text",
    "grounded": "image-to-text",
    "similar": "sentence-similarity",
}
"""Tasks of the Hugging Face hub, by the table that serves them."""
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))
"""Of the hub; a release has fewer images than the last."""
_LICENCE = re.compile(r"\b(?:CC0-[\d.]+|CC-BY[A-Z-]*-[\d.]*\d|LicenseRef-[\w-]+)")
"""SPDX identifiers that a licence text of ours names."""
_ROLES = {
    "prevalence": "For each label, the share of patients in whom it is present, uncertain, absent or not mentioned.",
    "cooccurrence": "How often two labels are present in the same patient.",
    "missing": "Columns with empty fields, and the share of rows.",
    "demographics": "Patients by sex and age.",
    "agreement": "How readers came to their answers, by question.",
    "text_lengths": "Words in each section of the reports.",
    "changes": "Rows by table, in this version and the one before.",
}


def page(release: Opened, told: Mapping[str, Any], pictures: Collection[str]) -> str:
    """The whole page."""
    shown = {path.split("/")[1].split(".")[0]: path for path in pictures}
    charts = {name: picture(path, _ROLES[name]) for name, path in shown.items() if name in _ROLES}
    made = release.provenance
    parts = (
        _front(release, told),
        _head(made, told),
        _montage(shown),
        section("At a glance", _glance(told)),
        section("Load it", contained.loading(told)),
        section("Tables", _tables(release, told)),
        section("Splits", origin.splits(made, told, recipe_named(release.recipe).answers)),
        section("Labels", contained.labels(made, told), charts.get("prevalence", ""), charts.get("cooccurrence", "")),
        section("Patients", contained.people(told), charts.get("demographics", "")),
        *contained.sections(told, charts),
        section("Left out, and empty fields", origin.left_out(told), charts.get("missing", "")),
        section("De-identification", origin.deidentified(made, told)),
        section("Known limits", limits.limits(made, told)),
        section("Changes", origin.changes(told), charts.get("changes", "")),
        section("Licence, sources, citation", origin.licence(made)),
        section("Check the files", origin.checking()),
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _front(release: Opened, told: Mapping[str, Any]) -> str:
    """Metadata as the Hugging Face hub reads it: one configuration for each table, and one for the release in small."""
    configs: list[dict[str, Any]] = [
        {"config_name": name, "data_files": f"{name}.parquet", **({"default": True} if name == "images" else {})}
        for name in release.names
    ]
    found = dict.fromkeys(match.lower() for match in _LICENCE.findall(release.settings["licence"]))
    tasks = sorted({task for name, task in _TASKS.items() if name in told["rows"]})
    front = {
        "pretty_name": release.settings["title"],
        "license": "other",
        "license_name": "-and-".join(found) or "see-below",
        "tags": ["medical", *recipe_named(release.recipe).tags],
        **({"task_categories": tasks} if tasks else {}),
        "size_categories": [_size(max(told["images"]["n"], told.get("reports", {}).get("n", 0)))],
        "configs": [*configs, {"config_name": "mini", "data_files": "mini/images.parquet"}],
    }
    return f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=120).rstrip()}\n---"


def _size(count: int) -> str:
    return next((name for most, name in _SIZES if count < most), "10M<n<100M")


def _head(made: Mapping[str, Any], told: Mapping[str, Any]) -> str:
    settings, whole = made["parameters"]["recipe"], told["splits"]["all"]
    *most, last = (_counted(whole, name) for name in ("images", "studies", "reports") if name in whole)
    counted = f"{', '.join(most)} and {last} of {_people(whole['patients'])}"
    lines = [
        f"# {said(settings['title'])}",
        f"**{counted}**, de-identified, with a split for each patient. Built by paxflow with its recipe "
        f"`{made['recipe']}`; the version is the tag that you pulled. "
        f"{said(settings['attribution'])}",
        _promises(),
    ]
    if whole["patients"] == FEW:
        lines.insert(2, _TINY)
    return "\n\n".join(lines)


_TINY = (
    f"> **This release has fewer than {LIMIT} patients.** Numbers of so few people are not shown, so most tables below "
    "say only that. It is for trying files and code, not for training or for a result."
)


def _promises() -> str:
    return (
        "Checked from the files before it was published: no patient, and no image with the same pixels, stands in two "
        "splits; every table has the columns and keys that it promises; every label names the report, measurement or "
        "reader it is from. The same sources give the same bytes. Every number on this page is counted from the files, "
        "and stands in `statistics.json`."
    )


def _counted(whole: Mapping[str, Any], name: str) -> str:
    count = whole[name]
    if count == FEW:
        return f"fewer than {LIMIT} {name}"
    return f"{said(count)} {name if count != 1 else _ONE[name]}"


_ONE = {"images": "image", "studies": "study", "reports": "report"}


def _people(count: Any) -> str:
    return f"fewer than {LIMIT} patients" if count == FEW else f"{said(count)} patients"


def _montage(shown: Mapping[str, str]) -> str:
    if "montage" not in shown:
        return ""
    words = "Images of each split and view, chosen by digest, with some of their masks and boxes where there are any"
    return f"{picture(shown['montage'], words)}\n\n*{words}.*"


def _glance(told: Mapping[str, Any]) -> str:
    names = [name for name in ("patients", "studies", "images", "reports") if name in told["splits"]["all"]]
    rows = [[split, *(told["splits"][split][name] for name in names)] for split in (*SPLITS, "all")]
    hidden = any(isinstance(cell, str) for row in rows for cell in row[1:])
    return table(["split", *names], rows) + (f"\n\n{_HIDDEN}" if hidden else "")


_HIDDEN = (
    f"Counts of patients below {LIMIT} are shown as &lt;{LIMIT}. Where one could be computed from the others, another "
    f"is hidden too: ≥{LIMIT} or –. Zero is zero."
)


def _tables(release: Opened, told: Mapping[str, Any]) -> str:
    about = {**SPINE, **recipe_named(release.recipe).about}
    order = [*SPINE, *(name for name in release.names if name not in SPINE)]
    rows = [[f"`{name}.parquet`", told["rows"][name], about.get(name, "")] for name in order if name in told["rows"]]
    lines = ["| file | rows | one row is |", "|---|---:|---|"]
    lines += [f"| {name} | {said(count)} | {words} |" for name, count, words in rows]
    columns = [_columns(release, name) for name in order if name in told["rows"]]
    rest = (
        "Each has a twin as `.csv.gz`. `mini/` holds the same layout with at most a hundred images; `croissant.json` "
    )
    rest += "describes all of it for machines, `provenance.json` says what it was made from and with."
    return "\n\n".join(["\n".join(lines), rest, folded("What each column means", *columns)])


def _columns(release: Opened, name: str) -> str:
    rows = [
        [f"`{field.name}`{' (key)' if field.column.key else ''}", field.column.doc, field.column.unit or ""]
        for field in fields(release.record(name))
    ]
    return f"**{name}**\n\n" + table(["column", "what it is", "unit"], rows, n_words=3)

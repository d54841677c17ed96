"""Where a release is from: splits, what is left out, de-identification, changes, licence, checksums."""

from collections.abc import Mapping, Sequence
from typing import Any

from curation.records import SPLITS
from curation.release.card.charts import changed
from curation.release.card.markdown import code, listed, said, table
from curation.release.card.small import LIMIT, Cell

Told = Mapping[str, Any]
_SOURCES = {
    "derived": "by a hash of pseudonym and salt",
    "official": "as published by others",
    "balanced": "by hash within a stratum",
    "kept": "as in the version before",
}
_REASONS = {
    "duplicate_image": "its pixels stand in another split",
    "near_duplicate_report": "a report that says nearly the same stands in another split",
    "no_render": "it has no picture",
}


def splits(made: Told, told: Told, answers: Sequence[str]) -> str:
    """How the splits were made."""
    settings = made["parameters"]["recipe"]
    shares = ", ".join(f"{100 * settings['split'][name]:g} % {name}" for name in SPLITS if name in settings["split"])
    lines = [
        f"By patient: all images and reports of a patient are in one split. Aimed at {shares}, by a hash of pseudonym "
        f"and salt (`{said(settings['split_salt'])}`), so a patient does not move when others arrive.",
    ]
    if settings["stratify"]:
        strata = ", ".join(f"`{said(name)}`" for name in settings["stratify"])
        lines.append(f"Balanced by {strata}; a patient who was in an earlier version stays in its split.")
    if settings["official"]:
        lines.append(f"The official split `{said(settings['official'])}` is honoured before any other rule.")
    if settings["hidden_test"]:
        names = ", ".join(f"`{name}`" for name in answers if name in told["rows"])
        lines.append(f"**The answers of the test split are not in this release**: {names} have no row of its patients.")
    lines.append("An image whose pixels stand in two splits stays in one of them; the other is in `left_out`.")
    if {"reports", "texts"} & told["rows"].keys():
        lines.append("So does a report that says nearly the same as one in another split.")
    rows = [[f"{name}: {_SOURCES.get(name, '')}", cell] for name, cell in told["split_sources"]]
    return "\n\n".join([*lines, table(["split of a patient is", "patients"], rows)])


def left_out(told: Told) -> str:
    """What is held back, by reason."""
    rows = [[kind, _REASONS.get(reason, reason), count] for kind, reason, count in told["left_out"]]
    if not rows:
        return "Nothing was left out."
    return "Nothing is dropped in silence: each of these has a row in `left_out`.\n\n" + table(
        ["left out", "because", "how many"], rows, n_words=2
    )


def deidentified(made: Told, told: Told) -> str:
    """What was done so that nobody is known by it."""
    deid = made["parameters"]["deid"]
    lines = [
        "Patients, studies, images, reports, sites and readers have pseudonyms by a keyed hash; the key is not here.",
        f"Dates of a patient are moved back by one secret number of days (1 to {said(deid['max_shift_days'])}): "
        "intervals are true, dates and seasons are not.",
        f"Ages of {deid['oldest_age_years']} and more are given as {deid['oldest_age_years']}.",
        "Headers follow DICOM PS3.15 Annex E (Basic Profile with options); text in pixels and names in reports were "
        "looked for and removed.",
        f"On this page counts of fewer than {LIMIT} patients are hidden. The tables hold one row for each patient: who "
        "pulls them is bound by the licence, and must not try to find out who somebody is.",
    ]
    if told.get("reports", {}).get("withheld"):
        count = said(told["reports"]["withheld"])
        lines.append(f"The text of {count} reports is withheld by licence; their offsets and what was mined are here.")
    return listed(lines)


def changes(told: Told) -> str:
    """What differs from the version before, in numbers."""
    before = told["before"]
    if not before:
        return ""
    rows = [[f"`{name}`", old, new, f"{new - old:+,}"] for name, old, new in changed(told)]
    tables = table(["table", "rows before", "rows now", "change"], rows) if rows else "Every table has as many rows."
    parts = ["`CHANGES.md` says what came, went and changed, by row and reason.", tables, _people(before, told)]
    return "\n\n".join(part for part in parts if part)


def _people(before: Told, told: Told) -> str:
    names = [name for name in (*SPLITS, "all") if name in before.get("splits", {})]
    rows = [[name, before["splits"][name]["patients"], told["splits"][name]["patients"]] for name in names]
    rows += [[f"with {label}", *pair] for label, pair in _present(before, told)]
    return table(["patients", "before", "now"], rows) if rows else ""


def _present(before: Told, told: Told) -> list[tuple[str, tuple[Cell, Cell]]]:
    """Labels of the first set whose number of patients is another, or is hidden in one of the versions only."""
    for name in sorted(told.get("labels", {})):
        old = before.get("present", {}).get(name, {})
        new = {row["label"]: row["states"][0] for row in told["labels"][name]["rows"]}
        return [(label, (old.get(label, 0), cell)) for label, cell in new.items() if old.get(label, 0) != cell]
    return []


def licence(made: Told) -> str:
    """Licence, those of the reports it was made from, and how to cite."""
    settings = made["parameters"]["recipe"]
    rows = [[row["collection"], row["licence"], _few(row["reports"])] for row in made["reports"]]
    sources = table(["reports of", "licence", "how many"], rows, n_words=2) if rows else ""
    parts = [
        f"{said(settings['licence'])}.".replace("..", "."),
        sources,
        f"Cite the sources: {said(settings['attribution'])}",
        "Name this dataset by its title, recipe and tag: "
        f"*{said(settings['title'])}*, recipe `{made['recipe']}`, paxflow {made['paxflow']}. "
        "Whoever published it is the one to ask.",
    ]
    return "\n\n".join(part for part in parts if part)


def _few(count: int) -> Cell:
    return f"<{LIMIT}" if 0 < count < LIMIT else count


def checking() -> str:
    """How to see that nothing is torn or changed."""
    return code("sh", "sha256sum --check --quiet CHECKSUMS.sha256")

"""Known limits: what a modeler should know before trusting a number. Computed where that is possible."""

from collections.abc import Iterator, Mapping
from typing import Any

from curation.records import SPLITS
from curation.release.card.markdown import listed, said, share
from curation.release.card.small import FEW, LIMIT

Told = Mapping[str, Any]


def limits(made: Told, told: Told) -> str:
    """The list."""
    return listed((*_size(told), *_images(told), *_labels(told), *_texts(told), *_readers(told), *_always(made)))


def _size(told: Told) -> Iterator[str]:
    splits = told["splits"]
    empty = [name for name in SPLITS if splits[name]["patients"] == 0]
    if empty:
        yield f"No patient is in {' or '.join(f'`{name}`' for name in empty)}."
    small = [name for name in SPLITS if splits[name]["patients"] == FEW]
    if small:
        names = " and ".join(f"`{name}`" for name in small)
        yield f"Fewer than {LIMIT} patients are in {names}: a result on so few says little."
    sites = [name for name, *_ in told["site"]["rows"]]
    if len(sites) < 2 and told["splits"]["all"]["patients"] != FEW:
        where = "No site is named" if sites in ([], ["not named"]) else "All studies are of one site"
        yield f"{where}: how a model does elsewhere cannot be told from this release."


def _images(told: Told) -> Iterator[str]:
    images = told["images"]
    projected = sum(row[-1] for row in images["kinds"] if row[0] == "projection")
    if projected:
        some = "All" if projected == images["n"] else share(projected, images["n"])
        yield (
            f"{some} of the images are projected from CTs, not taken as radiographs: they are "
            "softer, arms are often up, and patients lie."
        )
    unsaid = sum(row[-1] for row in images["views"] if row[0] == "not said")
    if unsaid:
        yield f"The header does not say the view of {share(unsaid, images['n'])} of the images."
    if images["no_spacing"]:
        yield f"{share(images['no_spacing'], images['n'])} of the images have no pixel spacing, so sizes are unknown."


def _labels(told: Told) -> Iterator[str]:
    if "origins" in told:
        found = told["origins"]
        if any(name == "report" for name, _ in found["sources"]):
            unread = found["labelled"] - found["read"]
            yield (
                "Labels mined from reports are what a rule read in a text, not what somebody saw: no reader has "
                f"answered for {share(unread, found['labelled'])} of the labelled images."
            )
        if found["labelled"] < found["images"]:
            yield f"{share(found['images'] - found['labelled'], found['images'])} of the images have no label."
    if told.get("targets", {}).get("contradicted"):
        found = told["targets"]
        yield f"Sources contradict each other in {share(found['contradicted'], found['rows'])} of the targets."


def _texts(told: Told) -> Iterator[str]:
    reports = told.get("reports", {"withheld": 0})
    if reports["withheld"]:
        yield f"{share(reports['withheld'], reports['n'])} of the reports have no text here."
    phrases = told.get("phrases", {"atlas": 0, "boxed": 0, "n": 0})
    if phrases["atlas"]:
        yield (
            f"{share(phrases['atlas'], phrases['n'])} of the phrases lie on the anatomy of another person's CT, for "
            "orientation only."
        )
    if phrases["boxed"]:
        yield "A box of a phrase is the box of the part of the body that it names, not of the finding itself."


def _readers(told: Told) -> Iterator[str]:
    rows = told.get("decisions", [])
    asked = sum(sum(row[2:6]) for row in rows)
    for place, words in (
        (5, "were answered by one reader only"),
        (4, "are split among readers, and nobody has decided"),
    ):
        count = sum(row[place] for row in rows)
        if count:
            yield f"{share(count, asked)} of the questions to readers {words}."


def _always(made: Told) -> Iterator[str]:
    deid = made["parameters"]["deid"]
    yield (
        f"Calendar time is gone (dates are moved), and so is age above {said(deid['oldest_age_years'])}: neither "
        "trends over years nor the oldest can be studied."
    )
    yield "Not for use in the care of patients."

"""What a release contains, in words and tables: how to load it, labels, patients, contents of single recipes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from curation.records import SPLITS
from curation.release.card.charts import first_set, most_present
from curation.release.card.contents import VERDICTS
from curation.release.card.labels import STATES
from curation.release.card.markdown import code, counted, folded, said, section, share, table
from curation.release.card.small import LIMIT, WITHHELD

Told = Mapping[str, Any]
_IN_DETAIL = 20
_TOO_FEW = f"There are fewer than {LIMIT} patients: who they are by sex, age and site is not shown."
_RULES = {
    "ignore": "null: left out of the loss",
    "ones": "1 (U-Ones of CheXpert)",
    "zeros": "0",
}


def loading(told: Told) -> str:
    """A few lines of code that work in the folder of the release."""
    names = told["rows"]
    tables = (
        "from pathlib import Path\n\nimport polars as pl\nfrom datasets import load_dataset\n\n"
        'images = pl.read_parquet("images.parquet").filter(pl.col("split") == "train")\n\n'
        'here = str(Path.cwd())  # datasets does not take "." for a folder\n'
        'images = load_dataset(here, "images", split="train").filter(lambda row: row["split"] == "train")'
    )
    warning = (
        "`datasets` puts a whole table into one part and calls it `train`, whatever the rows' split: "
        '**choose by the column `split`.** A first look at a hundred images: `load_dataset(here, "mini")`.'
    )
    lines = ["import loaders  # loaders.py, in this folder; needs nothing of paxflow", ""]
    if told["images"]["n"]:
        lines += ['row = loaders.table("images").row(0, named=True)', "picture = loaders.image(row)  # Pillow"]
        lines += [f"{line}  # {what}" for needed, line, what in _LOADERS if any(name in names for name in needed)]
    else:
        lines.append('reports = loaders.table("reports")')
    return "\n\n".join([code("python", tables), warning, code("python", "\n".join(lines))])


_LOADERS = (
    (("targets", "labels"), 'dataset = loaders.TorchDataset(".", "train")', "PyTorch: picture, target (1, 0, NaN)"),
    (("targets", "labels"), 'dataset = loaders.xrayvision(".", "train")', "TorchXRayVision"),
    (("targets", "labels"), 'stream = loaders.webdataset(".", "train")', "WebDataset, over the shards"),
    (("masks",), 'masks = loaders.masks(row["image_id"])', "by label: array of bool"),
    (("masks",), 'coco = loaders.coco(".", "train")', "pycocotools"),
    (("annotations_train",), 'coco = loaders.coco(".", "train", "annotations")', "pycocotools"),
    (("images",), 'items = loaders.monai_items(".", "train", "unpacked")', "MONAI"),
)
"""Tables of which one is needed, code, what it gives."""


def labels(made: Told, told: Told) -> str:
    """States, policy, sources, and the numbers of each label."""
    name, rows = first_set(told)
    if not name:
        return ""
    source = "targets" if "targets" in told["rows"] else "labels"
    states = f"`state` in `{source}` is 1 present, 0 absent, -1 uncertain, null not mentioned."
    sources = ", ".join(f"`{said(source)}` {said(n)}" for source, n in told["origins"]["sources"])
    where = f"`labels` keeps what every source says, with the id that it came from. Rows by source: {sources}."
    parts = [states, _policy(made, told), where, _numbers(name, rows), *_other_sets(told, name)]
    return "\n\n".join(part for part in parts if part)


def _policy(made: Told, told: Told) -> str:
    if "targets" not in told:
        return ""
    settings = made["parameters"]["recipe"]
    return (
        "`target` is what to train on, after the policy of this release: uncertain becomes "
        f"{_RULES[settings['uncertain']]}; not mentioned becomes {_RULES[settings['not_mentioned']]}. The best source "
        "decides: readers before consensus, measurement, report and other labelers. "
        f"{share(told['targets']['used'], told['targets']['rows'])} of the rows have a target."
    )


def _numbers(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return f"Fewer than {LIMIT} patients have labels: who has which is not shown."
    about = (
        f"Patients by label (`{said(name)}`); one counts once, under the first of these that any of the patient's "
        "images has."
    )
    if all(cell == WITHHELD for row in rows for cell in row["images"]):
        return about + "\n\n" + table(["label", *STATES], [[row["label"], *row["states"]] for row in rows])
    head = ["label", *STATES, *(f"images, {split}" for split in SPLITS)]
    right = " On the right: images with the label.\n\n"
    return about + right + table(head, [[row["label"], *row["states"], *row["images"]] for row in rows])


def _other_sets(told: Told, first: str) -> list[str]:
    folds = []
    for name, found in sorted(told["labels"].items()):
        if name != first:
            shown = most_present(found["rows"], _IN_DETAIL)
            left = len(found["rows"]) - len(shown)
            more = f"{said(left)} more labels, of fewer patients or hidden, stand in `statistics.json`." if left else ""
            rows = table(["label", *STATES], [[row["label"], *row["states"]] for row in shown])
            folds.append(folded(f"Patients by label of {name}", *(part for part in (rows, more) if part)))
    return folds


def people(told: Told) -> str:
    """Sex, age, site."""
    parts = []
    for name, title in (("sex", "sex"), ("age", "age at the first study"), ("site", "site")):
        if name in told and told[name]["rows"]:
            parts.append(table([title, *told[name]["columns"]], told[name]["rows"]))
    return "\n\n".join(parts) or _TOO_FEW


def sections(told: Told, charts: Mapping[str, str]) -> list[str]:
    """What single recipes add."""
    return [
        section(title, write(told[name]), charts.get(chart, ""))
        for name, title, write, chart in _SECTIONS
        if told.get(name)
    ]


def _images(told: Told) -> str:
    if not told["n"]:
        return "This release has no images."
    high, wide = (_range(side) for side in (told["rows_px"], told["columns_px"]))
    size = f"8 bits, bone bright, {high} pixels high, {wide} wide (5 % to 95 %); `pixel_spacing_mm` is of the PNG."
    kinds = table(["kind", *told["columns"]], told["kinds"])
    return "\n\n".join([size, kinds, table(["view", *told["columns"]], told["views"])])


def _range(quantiles: Sequence[float]) -> str:
    low, high = (said(int(value)) for value in (quantiles[0], quantiles[-1]))
    return low if low == high else f"{low} to {high}"


def _masks(told: Told) -> str:
    rows = [[label, n, *(f"{100 * q:.3g} %" for q in shares)] for label, n, shares in told["labels"]]
    by = ", ".join(f"{said(n)} from `{said(source)}`" for source, n in told["sources"])
    return "\n\n".join(
        [
            f"{counted(len(rows), 'label')} on {counted(told['images'], 'image')} ({by}), as COCO run lengths in "
            "`masks` and in `coco/`. A mask is the whole projection of its organ, so masks overlap: a lung goes on "
            "behind the heart and below the dome of the diaphragm.",
            folded(
                "Images by label, and the share of the image that it covers (quartiles)",
                table(["label", "images", "25 %", "median", "75 %"], [[*row, *[""] * (5 - len(row))] for row in rows]),
            ),
        ]
    )


def _measurements(told: Sequence[Told]) -> str:
    rows = [[row["measure"], row["unit"], *row["patients"], *(row["quartiles"] or [WITHHELD] * 3)] for row in told]
    head = ["measure", "unit", "finding", "no finding", "no value", "25 %", "median", "75 %"]
    about = (
        "Patients by verdict, on any of their images, and the values' quartiles. `reason` says why there is no value."
    )
    return f"{about}\n\n" + table(head, rows, n_words=2)


def _pictures(told: Sequence[Sequence[Any]]) -> str:
    return "On the same grid as their image.\n\n" + table(["kind", "pictures"], told)


def _readers(told: Sequence[Sequence[Any]]) -> str:
    head = ["reader", "images read", "boxes drawn", "of them read again"]
    return "An image without a box was read too: `reads` has a row.\n\n" + table(head, told)


def _boxes(told: Told) -> str:
    by = ", ".join(f"{said(n)} by {said(method).replace('_', ' ')}" for method, n in told["methods"])
    about = (
        f"{said(told['boxes'])} consensus boxes: {by}. Readers' own stay in `annotations_train`, `_valid` and `_test`."
    )
    return f"{about}\n\n" + table(["finding", "patients"], told["classes"])


def _agreement(told: Sequence[Sequence[Any]]) -> str:
    rows = [[f"{a}, {b}", n, *quantiles[1:4]] for a, b, n, quantiles in told]
    about = "Dice of two readers' outlines of the same object on the CT; 0 where only one of them marked it."
    return f"{about}\n\n" + table(["readers", "objects", "25 %", "median", "75 %"], rows)


def _decisions(told: Sequence[Sequence[Any]]) -> str:
    by_task: dict[str, list[int]] = {}
    for task, _, *verdicts, _ in told:
        by_task[task] = [a + b for a, b in zip(by_task.get(task, [0] * len(VERDICTS)), verdicts, strict=True)]
    about = (
        "Questions by how an answer was found. `decisions` → `answers` → `annotation_events` trace each to its readers."
    )
    return f"{about}\n\n" + table(
        ["task", *VERDICTS], [[task.replace("_", " "), *row] for task, row in by_task.items()]
    )


def _reports(told: Told) -> str:
    lines = [f"{counted(told['n'], 'report')}."]
    if told["withheld"]:
        lines.append(f"{said(told['withheld'])} are without their text, withheld by licence.")
    if told["groups"]:
        lines.append(
            f"{said(told['in_groups'])} are in {said(told['groups'])} groups that say nearly the same, see "
            "`duplicate_group`."
        )
    return " ".join(lines) + "\n\n" + table(["from", "licence", "reports"], told["sources"], n_words=2)


def _texts(told: Sequence[Told]) -> str:
    rows = [[row["section"], row["n"], row["withheld"], *(row["words"][1:4] or [WITHHELD] * 3)] for row in told]
    head = ["section", "how many", "text withheld", "words, 25 %", "median", "75 %"]
    return "Sections cover a report without gap or overlap.\n\n" + table(head, rows)


def _pairs(told: Told) -> str:
    flags = table(["flag", "reports"], told["flags"]) if told["flags"] else "No report is flagged."
    return f"{flags}\n\n" + table(["images of the report's study", "reports"], told["images"])


def _priors(told: Told) -> str:
    about = (
        f"Of {said(told['n'])} frontal images {said(told['with_prior_image'])} have a prior image, "
        f"{said(told['with_prior_report'])} a prior report, {said(told['with_lateral'])} a lateral and "
        f"{said(told['with_report'])} a report. A prior is of an earlier day; images of one day share it."
    )
    return f"{about}\n\n" + table(["time from the prior", "patients"], told["intervals"])


def _phrases(told: Told) -> str:
    about = f"{counted(told['n'], 'phrase')}, {said(told['boxed'])} of them with a box."
    return f"{about}\n\n" + table(["what it says", "phrases"], told["says"])


def _concepts(told: Told) -> str:
    about = f"{said(told['many'])} concepts are present in {LIMIT} patients or more, {said(told['fewer'])} in fewer."
    rows = table(["concept", "patients"], told["present"]) if told["present"] else ""
    return "\n\n".join(part for part in (about, rows) if part)


def _mentions(told: Told) -> str:
    times = [[name or "now, nothing said", n] for name, n in told["times"]]
    return f"{counted(told['n'], 'mention')}.\n\n{table(['assertion', 'mentions'], told['assertions'])}\n\n" + table(
        ["time", "mentions"], times
    )


def _similar(told: Sequence[Sequence[Any]]) -> str:
    rows = [[name, queries, n, *scores[1:4]] for name, queries, n, scores in told]
    return table(["part of the body", "queries", "candidates", "score, 25 %", "median", "75 %"], rows)


_SECTIONS: tuple[tuple[str, str, Callable[[Any], str], str], ...] = (
    ("images", "Images", _images, ""),
    ("masks", "Masks", _masks, ""),
    ("measurements", "Measurements", _measurements, ""),
    ("pictures", "Further pictures", _pictures, ""),
    ("boxes", "Boxes", _boxes, ""),
    ("reads", "Readers", _readers, ""),
    ("agreement", "Agreement on the CT", _agreement, ""),
    ("decisions", "What readers decided", _decisions, "agreement"),
    ("reports", "Reports", _reports, ""),
    ("texts", "Sections", _texts, "text_lengths"),
    ("pairs", "Reports with images", _pairs, ""),
    ("priors", "Priors", _priors, ""),
    ("phrases", "Grounded phrases", _phrases, ""),
    ("mentions", "Mentions", _mentions, ""),
    ("concepts", "Concepts", _concepts, ""),
    ("similar", "Similar reports", _similar, ""),
)
"""Statistic, heading, words, chart."""

"""Labeling configurations: what a reader is asked for each task, as a form of Label Studio.

Results carry the labels of the questions, whatever plain name the reader sees (``layout``).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from curation.records import Assertion, Task
from labeling.asking.asked import Form, Kind, Question
from labeling.asking.instructions import TITLES, instruction
from labeling.asking.layout import (
    OTHERS_HUE,
    block,
    choices,
    chooser,
    image,
    label,
    label_keys,
    labels_of,
    marks,
    page,
    report,
    side_pictures,
    tag,
    title,
    words,
)
from labeling.asking.names import plain, plain_measure
from labeling.labels.sets import CHEXPERT_14, label_set
from labeling.mining.lexicon import read_rules

VERDICTS = {"masks are right": "a", "masks corrected": "s", "view cannot be used": "d"}
MEASURED = {"positive": "a", "negative": "s", "cannot be measured": "d"}
DECISIONS = {"text": "t", "no text": "n"}
VIEWS = {"PA": "1", "AP": "2", "LAT": "3", "other": "4"}
ORIENTATIONS = {"right way round": "5", "mirrored": "6", "upside down": "7", "turned": "8"}
FLAWS = {
    "poor inspiration": "i",
    "patient rotated": "t",
    "too dark": "n",
    "too bright": "l",
    "anatomy cut off": "c",
    "artefact or object": "x",
    "wrong masks": "g",
}
USABLE = {"yes": "a", "with limits": "s", "no": "d"}

_STATES = {"present": "", "absent": "shift+", "uncertain": "alt+", "not mentioned": "alt+shift+"}
"""States of a study label, and what is held with the label's key for it."""
_STUDY_KEYS = {
    "No Finding": "n",
    "Enlarged Cardiomediastinum": "g",
    "Cardiomegaly": "c",
    "Lung Lesion": "i",
    "Lung Opacity": "o",
    "Edema": "w",
    "Consolidation": "s",
    "Pneumonia": "p",
    "Atelectasis": "t",
    "Pneumothorax": "x",
    "Pleural Effusion": "q",
    "Pleural Other": "k",
    "Fracture": "b",
    "Support Devices": "v",
}
_STUDY_COLUMNS = (("present", "key"), ("absent", "Shift"), ("uncertain", "Alt"), ("not mentioned", "Alt+Shift"))
_SPAN_KEYS = "4567890"
_BOX_GROUPS = {
    ("Heart and vessels", "#ee6677"): {
        "Cardiomegaly": "g",
        "Aortic enlargement": "a",
        "Enlarged PA": "q",
        "Mediastinal shift": "j",
    },
    ("Lungs", "#66ccee"): {
        "Lung Opacity": "y",
        "Consolidation": "s",
        "Infiltration": "f",
        "Atelectasis": "t",
        "Edema": "d",
        "Nodule/Mass": "n",
        "Calcification": "c",
        "Emphysema": "x",
        "ILD": "i",
        "Pulmonary fibrosis": "z",
        "Lung cavity": "1",
        "Lung cyst": "2",
    },
    ("Pleura", "#ccbb44"): {"Pleural effusion": "l", "Pleural thickening": "3", "Pneumothorax": "4"},
    ("Bones, other", "#cc79a7"): {"Rib fracture": "5", "Clavicle fracture": "6", "Other lesion": "7"},
}
"""VinDr-CXR's labels with boxes, by where a reader looks, with their keys."""
_GLOBAL_KEYS = {
    "No finding": "shift+n",
    "Pneumonia": "shift+p",
    "Tuberculosis": "shift+t",
    "Lung tumor": "shift+l",
    "COPD": "shift+c",
    "Other diseases": "shift+d",
}
Asked = tuple[str, tuple[Question, ...]]
"""A configuration, and its questions."""


def form_of(task: Task, labels: Sequence[str] = (), shows_report: bool = False) -> Form:
    """The form of a task.

    ``labels`` are those that the cases of a batch need: of masks, of landmarks (measures), or of spans, which come
    before the lexicon's others. ``shows_report`` puts the report beside the image of masks and boxes.
    """
    asked: Mapping[Task, Callable[[], Asked]] = {
        Task.LABEL_REVIEW: partial(_label_review, tuple(labels)),
        Task.MASK_REVIEW: partial(_mask_review, tuple(labels), shows_report),
        Task.FINDING_BOXES: partial(_finding_boxes, shows_report),
        Task.QUALITY_CHECK: _quality_check,
        Task.MEASUREMENT_REVIEW: partial(_measurement_review, tuple(labels)),
        Task.PHI_REVIEW: _phi_review,
    }
    config, questions = asked[task]()
    return Form(task, TITLES[task], instruction(task), config, questions)


def lexicon_findings() -> tuple[str, ...]:
    """Every finding that reports are read for, sorted by name."""
    named = {rule["name"] for rule in read_rules("findings")}
    return tuple(sorted(named | {rule["finding"] for rule in read_rules("readings")}))


def _label_review(labels: tuple[str, ...]) -> Asked:
    findings = (*labels, *(name for name in lexicon_findings() if name not in labels))
    finding = Question("finding", Kind.SPAN, "text", findings)
    n_keyed = min(len(labels), len(_SPAN_KEYS))
    keyed = labels_of(findings[:n_keyed], iter(_SPAN_KEYS))
    rows = [*keyed, *(label(name, OTHERS_HUE) for name in findings[n_keyed:])]
    assertion = Question("assertion", Kind.SPAN_CHOICE, "text", tuple(Assertion), required=True)
    study = [Question(name, Kind.CHOICE, "text", tuple(_STATES), required=True) for name in CHEXPERT_14]
    spans = (
        tag(
            "Filter",
            name="find",
            toName="finding",
            minlength="0",
            hotkey="/",
            placeholder="Find a label: / and its name",
        ),
        block("marks", marks(finding, rows)),
        block(
            "assert",
            title("The chosen span is"),
            choices(assertion, dict(zip(Assertion, "123", strict=True)), perRegion="true", layout="inline"),
        ),
        block("text", tag("Text", name="text", value="$text", granularity="word", saveTextResult="no")),
    )
    config = page(("reasons",), block("row", block("main", *spans), block("study", _study_head(), *map(_state, study))))
    return config, (finding, assertion, *study)


def _study_head() -> str:
    columns = [block("column", words(name, size_px=12), words(held, size_px=11)) for name, held in _STUDY_COLUMNS]
    return block("state head", block("name", title("The report says")), *columns)


def _state(question: Question) -> str:
    key = _STUDY_KEYS[question.name]
    rows = [
        tag("Choice", value=state, hint=state, html="<span></span>", hotkey=held + key)
        for state, held in _STATES.items()
    ]
    named = (block("key", words(key)), block("name", words(plain(question.name))))
    return block("state", *named, chooser(question, rows, layout="inline"))


def _mask_review(labels: tuple[str, ...], shows_report: bool) -> Asked:
    mask = Question("mask", Kind.MASK, "image", labels)
    verdict = _choice("verdict", VERDICTS)
    beside = (title("Verdict"), choices(verdict, VERDICTS), *_pictures(shows_report))
    config = page(
        ("reasons", "flawed"),
        block("marks", marks(mask, labels_of(labels, label_keys()))),
        block("row", block("main", image(205)), block("side", *beside)),
    )
    return config, (mask, verdict)


def _finding_boxes(shows_report: bool) -> Asked:
    box = Question("box", Kind.BOX, "image", label_set("vindr_local").labels)
    of_image = Question("global", Kind.CHOICES, "image", label_set("vindr_global").labels)
    rows = [row for (name, hue), keys in _BOX_GROUPS.items() for row in (title(name), *_keyed(keys, hue))]
    beside = (title("Whole image"), choices(of_image, _GLOBAL_KEYS), *_pictures(shows_report))
    config = page(
        ("reasons",),
        block("row", block("list", marks(box, rows)), block("main", image(145)), block("side", *beside)),
    )
    return config, (box, of_image)


def _keyed(keys: Mapping[str, str], hue: str) -> list[str]:
    return [label(value, hue, key) for value, key in keys.items()]


def _quality_check() -> Asked:
    asked = (("view", VIEWS), ("orientation", ORIENTATIONS), ("flaws", FLAWS), ("usable", USABLE))
    questions = {name: _choice(name, keys) for name, keys in asked}
    questions["flaws"] = Question("flaws", Kind.CHOICES, "image", tuple(FLAWS))
    beside = [title(name.capitalize()) + choices(questions[name], keys) for name, keys in asked]
    return _of_image(("reasons",), (), beside, 145), tuple(questions.values())


def _measurement_review(labels: tuple[str, ...]) -> Asked:
    landmark = Question("landmark", Kind.POINT, "image", labels)
    verdict = _choice("verdict", MEASURED)
    points = block("marks", marks(landmark, labels_of(labels, label_keys(), plain_measure)))
    beside = (title("Verdict"), choices(verdict, MEASURED))
    return _of_image(("reasons", "measured"), (points,), beside, 205), (landmark, verdict)


def _phi_review() -> Asked:
    decision = _choice("decision", DECISIONS)
    return _of_image(("reasons",), (), (title("Text in the picture"), choices(decision, DECISIONS)), 145), (decision,)


def _of_image(variables: Sequence[str], above: Sequence[str], beside: Sequence[str], taken_px: int) -> str:
    return page(variables, *above, block("row", block("main", image(taken_px)), block("side", *beside)))


def _choice(name: str, keys: Mapping[str, str]) -> Question:
    return Question(name, Kind.CHOICE, "image", tuple(keys), required=True)


def _pictures(shows_report: bool) -> tuple[str, ...]:
    """What else a reader looks at beside the image, within the window's height."""
    return (report(), side_pictures(300)) if shows_report else (side_pictures(265),)

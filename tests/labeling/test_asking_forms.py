"""Forms: what is asked, what results may hold, keys, colours, and that Label Studio's own parser takes them."""

import re
from collections import Counter
from itertools import chain
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from label_studio_sdk.label_interface.interface import LabelInterface

from curation.deid import safe_xml
from curation.records import Assertion, Task
from labeling.asking.asked import Form, Kind
from labeling.asking.forms import form_of, lexicon_findings
from labeling.asking.layout import HUES, OTHERS_HUE, TAKEN, label_keys
from labeling.asking.names import plain, plain_measure
from labeling.labels.sets import CHEXPERT_14

LABELS = {
    Task.LABEL_REVIEW: ("pneumonia", "atelectasis"),
    Task.MASK_REVIEW: ("heart", "posterior 9th rib right", "lung_nodule"),
    Task.MEASUREMENT_REVIEW: ("cardiomegaly", "carina_angle"),
}
VARIABLES = {
    Task.LABEL_REVIEW: {"reasons", "text"},
    Task.MASK_REVIEW: {"reasons", "flawed", "image", "bone", "lung"},
    Task.FINDING_BOXES: {"reasons", "image", "bone", "lung"},
    Task.QUALITY_CHECK: {"reasons", "image"},
    Task.MEASUREMENT_REVIEW: {"reasons", "measured", "image"},
    Task.PHI_REVIEW: {"reasons", "image"},
}
QUESTIONS = {
    Task.LABEL_REVIEW: ["finding", "assertion", *CHEXPERT_14],
    Task.MASK_REVIEW: ["mask", "verdict"],
    Task.FINDING_BOXES: ["box", "global"],
    Task.QUALITY_CHECK: ["view", "orientation", "flaws", "usable"],
    Task.MEASUREMENT_REVIEW: ["landmark", "verdict"],
    Task.PHI_REVIEW: ["decision"],
}
TAGS = {
    Kind.CHOICE: "Choices",
    Kind.CHOICES: "Choices",
    Kind.SPAN: "Labels",
    Kind.SPAN_CHOICE: "Choices",
    Kind.BOX: "RectangleLabels",
    Kind.POINT: "KeyPointLabels",
    Kind.MASK: "BrushLabels",
}
EVERY = pytest.mark.parametrize("task", list(Task))


def made(task: Task, shows_report: bool = False) -> Form:
    return form_of(task, LABELS.get(task, ()), shows_report)


def parsed(form: Form) -> Element:
    root: Element = safe_xml.parse(form.config.encode())
    return root


def control(form: Form, name: str) -> Element:
    [found] = [element for element in parsed(form).iter() if element.get("name") == name]
    return found


def options(element: Element) -> list[Element]:
    return [inner for inner in element.iter() if inner.tag in ("Label", "Choice")]


@EVERY
def test_questions_stand_in_the_configuration_as_they_are_declared(task: Task) -> None:
    form = made(task)
    assert [question.name for question in form.questions] == QUESTIONS[task]
    for question in form.questions:
        element = control(form, question.name)
        assert (element.tag, element.get("toName")) == (TAGS[question.kind], question.target)
        assert sorted(inner.get("alias") or inner.attrib["value"] for inner in options(element)) == sorted(
            question.labels
        )
        assert (element.get("required") == "true") is question.required


@EVERY
def test_no_control_stands_beside_the_questions(task: Task) -> None:
    form = made(task)
    named = {element.attrib["name"] for element in parsed(form).iter() if element.tag in TAGS.values()}
    assert named == {question.name for question in form.questions}


@EVERY
@pytest.mark.parametrize("shows_report", [False, True])
def test_the_variables_of_a_case_are_those_that_are_shown(task: Task, shows_report: bool) -> None:
    values = [element.get("value", "") for element in parsed(made(task, shows_report)).iter()]
    shown = {value[1:] for value in values if value.startswith("$")}
    has_report = shows_report and task in (Task.MASK_REVIEW, Task.FINDING_BOXES)
    assert shown == VARIABLES[task] | ({"report"} if has_report else set())


@EVERY
def test_a_key_does_one_thing_and_none_of_label_studios(task: Task) -> None:
    keys = [element.attrib["hotkey"] for element in parsed(made(task)).iter() if element.get("hotkey")]
    assert max(Counter(keys).values()) == 1
    # a report has no brush, no eraser and no other tool that is chosen by a letter
    used = TAKEN - set("behkmopruvw") if task is Task.LABEL_REVIEW else TAKEN
    assert not used & set(keys)


@EVERY
def test_every_choice_has_a_key_and_every_control_of_a_choice_its_message(task: Task) -> None:
    form = made(task)
    for element in parsed(form).iter("Choices"):
        assert all(inner.get("hotkey") for inner in options(element))
        if element.get("required"):
            assert element.attrib["requiredMessage"].startswith(plain(element.attrib["name"]))


@EVERY
def test_labels_shown_are_told_apart(task: Task) -> None:
    for element in parsed(made(task)).iter():
        names = [inner.attrib["value"] for inner in element if inner.tag in ("Label", "Choice")]
        assert len(names) == len(set(names))


@EVERY
def test_label_studio_takes_form_and_answers(task: Task) -> None:
    form = made(task)
    interface: Any = LabelInterface(form.config)
    interface.validate()
    assert {control.name for control in interface.controls} == {question.name for question in form.questions}
    data = dict.fromkeys(VARIABLES[task], "of the case")
    assert interface.validate_task({"data": data})
    assert not interface.validate_task({"data": {"reasons": "of the case"}})


@EVERY
def test_a_reader_is_told_what_to_do_and_how_to_hand_it_in(task: Task) -> None:
    form = made(task)
    assert form.task is task and form.title and form.title[0].isupper()
    assert "Ctrl+Enter" in form.instruction
    safe_xml.parse(f"<div>{form.instruction.replace('<br>', '')}</div>".encode())
    assert all(len(text) < 700 for text in form.instruction.split("<br>"))


@EVERY
def test_states_and_choices_that_need_words_are_explained(task: Task) -> None:
    form = made(task)
    words = re.sub(r"<[^>]*>", "", form.instruction).lower()
    explained = {"verdict", "decision", "usable", *CHEXPERT_14}
    asked = chain.from_iterable(question.labels for question in form.questions if question.name in explained)
    assert all(label in words for label in asked)


def test_the_two_label_sets_of_vindr_are_whole() -> None:
    form = made(Task.FINDING_BOXES)
    assert [len(form.question(name).labels) for name in ("box", "global")] == [22, 6]
    assert "No finding" in form.question("global").labels
    keyless = [inner for inner in options(control(form, "box")) if not inner.get("hotkey")]
    assert keyless == []


def test_all_findings_of_the_lexicon_can_be_marked_those_of_the_batch_first() -> None:
    form = made(Task.LABEL_REVIEW)
    labels = form.question("finding").labels
    assert labels[:2] == ("pneumonia", "atelectasis")
    assert sorted(labels) == list(lexicon_findings()) and len(labels) > 180
    first, second, third, *_ = options(control(form, "finding"))
    assert [first.get("hotkey"), second.get("hotkey"), third.get("hotkey")] == ["4", "5", None]
    assert len({first.get("background"), second.get("background"), third.get("background")}) == 3


def test_where_many_findings_come_first_those_with_a_key_have_a_colour() -> None:
    rows = options(control(form_of(Task.LABEL_REVIEW, lexicon_findings()), "finding"))
    keyed, others = rows[:7], rows[7:]
    assert [inner.get("hotkey") for inner in keyed] == list("4567890")
    assert {inner.get("background") for inner in others} == {OTHERS_HUE}
    assert not {inner.get("hotkey") for inner in others} - {None}
    assert OTHERS_HUE not in {inner.get("background") for inner in keyed}


def test_a_finding_that_the_lexicon_has_lost_can_still_be_marked() -> None:
    labels = form_of(Task.LABEL_REVIEW, ("finding_of_old",)).question("finding").labels
    assert labels[0] == "finding_of_old" and set(labels[1:]) == set(lexicon_findings())


def test_a_span_is_asked_for_its_assertion() -> None:
    question = made(Task.LABEL_REVIEW).question("assertion")
    assert question.labels == tuple(Assertion) and question.required
    assert control(made(Task.LABEL_REVIEW), "assertion").get("perRegion") == "true"


def test_the_text_of_a_report_does_not_come_back_in_results() -> None:
    assert control(made(Task.LABEL_REVIEW), "text").get("saveTextResult") == "no"


def test_the_report_beside_an_image_cannot_be_marked() -> None:
    assert control(made(Task.FINDING_BOXES, shows_report=True), "report").get("selectionEnabled") == "false"


def test_the_image_has_tools_and_the_small_pictures_leave_it_their_keys() -> None:
    form = made(Task.MASK_REVIEW)
    tools = ("zoomControl", "brightnessControl", "contrastControl")
    assert [control(form, "image").get(name) for name in tools] == ["true"] * 3
    assert [control(form, name).get("zoomControl") for name in ("bone", "lung")] == ["false"] * 2


def test_labels_of_the_batch_have_colours_of_their_own_as_far_as_there_are() -> None:
    names = [f"label {number}" for number in range(len(HUES) + 1)]
    hues = [inner.attrib["background"] for inner in options(control(form_of(Task.MASK_REVIEW, names), "mask"))]
    assert hues == [*HUES, HUES[0]]


def test_a_batch_of_all_masks_has_a_key_for_each() -> None:
    elements = list(parsed(form_of(Task.MASK_REVIEW, [f"mask {number}" for number in range(124)])).iter())
    keys = [element.attrib["hotkey"] for element in elements if element.tag in ("Label", "Choice")]
    assert len(keys) == len(set(keys)) == 127 and not TAKEN & set(keys)


def test_labels_beyond_the_keys_have_none() -> None:
    many = len(list(label_keys())) + 1
    elements = options(control(form_of(Task.MASK_REVIEW, [f"mask {number}" for number in range(many)]), "mask"))
    assert [bool(element.get("hotkey")) for element in elements] == [True] * (many - 1) + [False]


def test_names_that_xml_must_quote_come_back_as_they_were() -> None:
    label = 'nodule <5 mm & "ground glass"'
    form = form_of(Task.MASK_REVIEW, [label])
    assert [inner.get("alias") for inner in options(control(form, "mask"))] == [label]


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("pleural_effusion", "Pleural effusion"),
        ("Pleural Effusion", "Pleural effusion"),
        ("Enlarged PA", "Enlarged pulmonary artery"),
        ("picc", "PICC"),
        ("vertebrae T5", "Vertebrae T5"),
        ("Nodule/Mass", "Nodule/Mass"),
        ("PA", "PA"),
        ("masks are right", "Masks are right"),
    ],
)
def test_plain_names(label: str, shown: str) -> None:
    assert plain(label) == shown


def test_a_measure_is_named_by_what_is_measured_and_not_by_what_it_may_find() -> None:
    assert (plain_measure("cardiomegaly"), plain_measure("carina_angle")) == ("Cardiothoracic ratio", "Carina angle")

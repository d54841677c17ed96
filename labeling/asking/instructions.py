"""What a reader is told before the first case of each task: HTML for Label Studio, a few plain sentences."""

from curation.records import Task

TITLES = {
    Task.LABEL_REVIEW: "Report labels",
    Task.MASK_REVIEW: "Anatomy masks",
    Task.FINDING_BOXES: "Finding boxes",
    Task.QUALITY_CHECK: "Quality and view",
    Task.MEASUREMENT_REVIEW: "Measurements",
    Task.PHI_REVIEW: "Text in pixels",
}

_ALWAYS = (
    "What is filled in already was suggested by a program or an earlier reader: it may be wrong. The grey line on top "
    "says why you are asked. <b>Submit</b> (Ctrl+Enter) stores your answer; if a message names a question that is "
    "still open, nothing is stored yet. <b>Skip</b> (Ctrl+Space) if you cannot answer."
)
_LOOK = (
    "Ctrl and the wheel zoom the image at the pointer, Shift and drag move it, in the small pictures as well. The sun "
    "and the half circle beside the image set brightness and contrast."
)

_TEXTS: dict[Task, tuple[str, ...]] = {
    Task.LABEL_REVIEW: (
        "Answer what the <b>report</b> says, not what you think the patient has.",
        "<b>Spans.</b> Click a coloured span, and correct what it says: <b>1</b> present, <b>2</b> absent, <b>3</b> "
        "uncertain. Backspace deletes a span. For a missing one, press a label's key (or <b>/</b> and type its name), "
        "then drag over the words. Only what is true of this examination counts, not history.",
        "<b>Labels of the study.</b> <i>Present</i>: the report says so. <i>Absent</i>: it says that it is not there. "
        "<i>Uncertain</i>: it hedges (may be, cannot be excluded), or contradicts itself. <i>Not mentioned</i>: it is "
        "silent on it. The letter of a row chooses present; with Shift absent, with Alt uncertain, with Alt and Shift "
        "not mentioned.",
        "<i>No finding</i> is present only if no other label but support devices is present or uncertain.",
    ),
    Task.MASK_REVIEW: (
        "Masks were projected from a CT; correct those that are wrong. The second line says which ones and why.",
        "Choose a mask in the list on the right, then paint with the brush (<b>B</b>) or erase (<b>E</b>); <b>[</b> "
        "and <b>]</b> set the size. <b>U</b> lets go of it. For a mask that is missing press its label's key, then "
        "paint. Alt+H hides the chosen mask, Ctrl+H all; Backspace deletes the chosen one.",
        "<i>Masks are right</i>: nothing to change. <i>Masks corrected</i>: they are right now. <i>View cannot be "
        "used</i>: masks or image are beyond repair.",
    ),
    Task.FINDING_BOXES: (
        "Draw a box around <b>each</b> finding that you see: press its key, then drag. Correct or delete (Backspace) "
        "the boxes that are there. One box for each place; as tight as the finding's border allows.",
        "Choose the diagnoses that hold for the <b>whole image</b>, with Shift and a key. If you see nothing abnormal, "
        "leave no box and choose <i>No finding</i>.",
    ),
    Task.QUALITY_CHECK: (
        "Say how the image was taken and whether it can be used. Do not look for disease.",
        "<i>View</i>: which projection it is (LAT: lateral). <i>Orientation</i>: right way round, if the patient's "
        "left is on your right; mirrored, upside down, or turned by a quarter. <i>Flaws</i>: all that apply, or none. "
        "<i>Usable</i>: yes; with limits, if some findings could not be judged; no.",
    ),
    Task.MEASUREMENT_REVIEW: (
        "A program placed the points, took the measure and compared it with the limit in the second line.",
        "Drag points that are misplaced to where they belong. Backspace deletes a point; press the measure's key and "
        "click for a new one.",
        "<i>Positive</i>: with the right points, the measure is beyond its limit. <i>Negative</i>: it is not. <i>"
        "Cannot be measured</i>: the points cannot be seen, or the image is not fit for it.",
    ),
    Task.PHI_REVIEW: (
        "Can you see <b>text</b> in the picture: letters, digits, parts of them, handwriting? Zoom in and raise the "
        "contrast before you say no.",
        "<i>Text</i>: something readable or possibly readable; it will be removed. <i>No text</i>: anatomy, device, a "
        "plain side marker L or R, or noise. In doubt choose text.",
    ),
}

SIDE_BY_SIDE = (
    "<br><p><b>You decide between earlier reads.</b> Open a case by a click in the project's list, not by <i>Label All "
    "Tasks</i>: then each read is a tab above the case, and <i>Compare All</i> shows them side by side. Your own tab "
    "starts from read 1; what you submit counts, and theirs no more.</p>"
)
"""What an adjudicator is told beside the task's instruction."""


def instruction(task: Task) -> str:
    """HTML of a task's instruction."""
    look = () if task is Task.LABEL_REVIEW else (_LOOK,)
    return "<br>".join(f"<p>{text}</p>" for text in (*_TEXTS[task], *look, _ALWAYS))

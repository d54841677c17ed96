"""A case as a reader is asked about it, and the form that it is asked with: what studio and reading exchange."""

from dataclasses import dataclass, field
from enum import StrEnum

from curation.records import Task
from labeling.marks import Mark


class Kind(StrEnum):
    """What an answer to a question is."""

    CHOICE = "choice"
    """One of the labels, for the case as a whole."""
    CHOICES = "choices"
    """Any of the labels, for the case as a whole."""
    SPAN = "span"
    SPAN_CHOICE = "span_choice"
    """One of the labels, for one span."""
    BOX = "box"
    POINT = "point"
    MASK = "mask"


@dataclass(frozen=True)
class Question:
    """One control of a form; its name is the ``question`` of marks and Label Studio's ``from_name``."""

    name: str
    kind: Kind
    target: str
    """``text`` or ``image``: Label Studio's ``to_name``."""
    labels: tuple[str, ...]
    required: bool = False


@dataclass(frozen=True)
class Form:
    """A labeling configuration: what is asked, how it looks, and what the reader is told."""

    task: Task
    title: str
    instruction: str
    """HTML that Label Studio shows before the first case."""
    config: str
    """Label Studio's XML."""
    questions: tuple[Question, ...]

    def question(self, name: str) -> Question:
        """The question of that name; raises KeyError if there is none."""
        return {question.name: question for question in self.questions}[name]


@dataclass(frozen=True)
class Shown:
    """One case as it is shown: texts and pictures, by the name of the form's variable (``$name`` in its XML)."""

    case_id: str
    texts: dict[str, str]
    """E.g. ``reasons``, ``text``."""
    pictures: dict[str, bytes] = field(default_factory=dict)
    """PNG files, e.g. ``image``; all of ``size``."""
    size: tuple[int, int] | None = None
    """Rows and columns of the image that is marked."""


@dataclass(frozen=True)
class Proposal:
    """The marks that a reader starts from."""

    marks: tuple[Mark, ...]
    model_version: str
    score: float | None
    """0 to 1: how sure what made them is."""

"""What a batch asks, on the server: one project a reader, so that nobody sees what another has said.

A project is known by a mark in its description, a task by the assignment in its ``meta``. Both are looked for before
anything is made, so that pushing twice, or again after either side has died, adds what is missing and nothing else.
What a reader can see, the API included, tells neither why a case is there nor that it comes a second time.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from curation.errors import BorderError
from curation.records import Assignment, ReadingBatch, ReadingCase, ReadingPrediction
from curation.records import Task as Asked
from curation.store import digest
from curation.workspace import Workspace
from labeling.asking.asked import Form, Kind, Shown
from labeling.asking.chosen import labels_of
from labeling.asking.forms import form_of
from labeling.asking.instructions import SIDE_BY_SIDE
from labeling.asking.show import show
from labeling.marks import from_json
from labeling.reading.ledger import Given, given
from labeling.studio.client import Project, Server, Task, known
from labeling.studio.connection import Connection
from labeling.studio.pictures import gallery
from labeling.studio.results import to_results

LOCK = "reading"
_LONGEST_TITLE = 50  # characters that Label Studio takes
_OWN_LABELS = (Kind.MASK, Kind.POINT, Kind.SPAN)
"""Kinds whose labels are those of a batch; the others' are the same in every batch."""
_SETTINGS = {
    "show_instruction": True,
    "show_skip_button": True,
    "skip_queue": "IGNORE_SKIPPED",
    "enable_empty_annotation": False,
    "show_annotation_history": False,
    "show_collab_predictions": True,
    "reveal_preannotations_interactively": False,
    "sampling": "Sequential sampling",
    "maximum_annotations": 1,
}
Tick = Callable[[int, int], None]
"""Told how many tasks are there, and how many there are to be."""


@dataclass(frozen=True)
class Pushed:
    """What a push did."""

    projects: int
    tasks: int
    """Of standing assignments, on the server now."""
    added: int
    removed: int
    """Doubles, and those that were withdrawn and not read."""
    not_shown: int
    """Assignments whose case is gone."""


class Sheet(NamedTuple):
    """A case as a task's ``data``, and the rows and columns of its image."""

    data: dict[str, str]
    size: tuple[int, int] | None


def push(workspace: Workspace, connection: Connection, batch_id: str, tick: Tick | None = None) -> Pushed:
    """Make or complete the projects of a batch; raises UsageError for no such batch, ToolError if the server fails.

    Raises BorderError for ``phi_review`` on a server outside the vault's zone.
    """
    with workspace.lock(LOCK):
        batch = given(workspace, batch_id)
        check_zone(batch.batch.task, connection)
        with Server(connection) as server:
            desk = _Desk(workspace, connection, server, batch, form_for(workspace, batch), tick or _unseen)
            projects = list(server.projects())
            done = [desk.fill(name, known(projects, mark_of(batch.batch, name))) for name in _readers(batch)]
    return Pushed(
        projects=sum(row.projects for row in done),
        tasks=sum(row.tasks for row in done),
        added=sum(row.added for row in done),
        removed=sum(row.removed for row in done),
        not_shown=sum(row.not_shown for row in done),
    )


def check_zone(task: Asked, connection: Connection) -> None:
    """Raise BorderError where pixels that may name somebody would leave the vault."""
    if task is Asked.PHI_REVIEW and not connection.in_zone:
        raise BorderError(
            "places that may show text are read on a server inside the vault only: `paxflow studio up` starts one"
        )


def mark_of(batch: ReadingBatch, reader_id: str) -> str:
    """What a project's description holds, and no other project's of any workspace."""
    return f"[paxflow {digest(batch.batch_id, batch.made_at, reader_id)[:16]}]"


def form_for(workspace: Workspace, batch: Given) -> Form:
    """The form of a batch: with all labels that its cases need now, or needed when its pre-annotations were made."""
    task, shows_report = batch.batch.task, batch.batch.shows_report
    kinds = {question.name: question.kind for question in form_of(task).questions}
    started = (mark for rows in batch.predictions.values() for row in rows for mark in from_json(row.marks))
    used = (label for mark in started if kinds.get(mark.question) in _OWN_LABELS for label in mark.labels)
    labels = dict.fromkeys((*labels_of(workspace, list(batch.cases.values())), *sorted(set(used))))
    return form_of(task, tuple(labels), shows_report)


def in_order(rows: Iterable[ReadingPrediction]) -> list[ReadingPrediction]:
    """Pre-annotations of a case as they are pushed: read 1 before read 2."""
    return sorted(rows, key=lambda row: (row.model_version, row.prediction_id))


# --- one reader's project --------------------------------------------------------------------------------


@dataclass
class _Desk:
    """What all projects of one push share."""

    workspace: Workspace
    connection: Connection
    server: Server
    batch: Given
    form: Form
    tick: Tick
    sheets: dict[str, Sheet] = field(default_factory=dict)
    """By case; pictures in our own server's folder serve all projects."""
    n_there: int = 0

    def fill(self, reader_id: str, found: Sequence[Project]) -> Pushed:
        """Bring one reader's project in line with what stands; a reader for whom nothing ever stood has none."""
        standing = [row for row in self.batch.assignments if row.reader_id == reader_id]
        if not standing and not found:
            return Pushed(0, 0, 0, 0, 0)
        project_id = found[0].project_id if found else self.server.create_project(self._settings(reader_id))
        there, spare = sorted_out(self.server.tasks(project_id), {row.assignment_id for row in standing})
        if spare:
            self.server.delete_unread(project_id, spare)
        self._tell(len(there))
        missing = [row for row in standing if row.assignment_id not in there]
        added = self._add(project_id, missing)
        self._start_from_marks(project_id, found)
        return Pushed(1, len(there) + added, added, len(spare), len(missing) - added)

    def _settings(self, reader_id: str) -> dict[str, Any]:
        batch = self.batch.batch
        room = _LONGEST_TITLE - len(reader_id) - 3
        return {
            **_SETTINGS,
            "title": f"{f'{batch.batch_id} · {self.form.title}'[:room]} · {reader_id}",
            "description": f"{_purpose(batch)} Keep this mark, by which it is found: {mark_of(batch, reader_id)}",
            "label_config": self.form.config,
            "expert_instruction": self.form.instruction + (SIDE_BY_SIDE if batch.parent_batch_id else ""),
        }

    def _add(self, project_id: int, missing: Sequence[Assignment]) -> int:
        if not missing:
            return 0
        sheets = self._sheets(
            project_id, [self.batch.cases[name] for name in dict.fromkeys(r.case_id for r in missing)]
        )
        tasks = (self._task(row, sheets[row.case_id]) for row in missing if row.case_id in sheets)
        added = 0
        for count in self.server.add_tasks(project_id, tasks):
            added += count
            self._tell(count)
        return added

    def _sheets(self, project_id: int, cases: Sequence[ReadingCase]) -> dict[str, Sheet]:
        """Cases as they are shown; those that are gone are left out."""
        is_shared = self.connection.files is not None
        made = self.sheets if is_shared else {}
        new = [case for case in cases if case.case_id not in made]
        pictures = gallery(self.server, self.connection, project_id)
        addresses = pictures.put(_noted(show(self.workspace, new, self.batch.batch.shows_report), made))
        for case_id, by_variable in addresses.items():
            made[case_id].data.update(by_variable)
        return made

    def _task(self, row: Assignment, sheet: Sheet) -> dict[str, Any]:
        predictions = [
            {"model_version": self._shown_as(started), "score": started.score, "result": results}
            for started in in_order(self.batch.predictions.get(row.case_id, ()))
            if (results := to_results(from_json(started.marks), self.form, sheet.size))
        ]
        meta = {"assignment_id": row.assignment_id, "size": sheet.size}
        return {"data": sheet.data, "meta": meta, "predictions": predictions}

    def _shown_as(self, started: ReadingPrediction) -> str:
        """The name of a pre-annotation on the server: a queue opens with those alone whose name the project has.

        So all of a batch have one name; of an adjudication, where each read has its own, ``read 1`` opens.
        """
        if self.batch.batch.parent_batch_id:
            return started.model_version
        return " + ".join(sorted({row.model_version for rows in self.batch.predictions.values() for row in rows}))

    def _start_from_marks(self, project_id: int, found: Sequence[Project]) -> None:
        """Have tasks open with the marks to edit. The server takes the name only when a prediction has it."""
        started = min(
            (row for rows in self.batch.predictions.values() for row in in_order(rows)), key=_name, default=None
        )
        if started and not (found and found[0].model_version == self._shown_as(started)):
            self.server.update_project(project_id, {"model_version": self._shown_as(started)})

    def _tell(self, count: int) -> None:
        self.n_there += count
        self.tick(self.n_there, len(self.batch.assignments))


def sorted_out(tasks: Iterable[Task], standing: set[str]) -> tuple[dict[str, Task], list[int]]:
    """The task of each standing assignment, and those to remove: doubles and withdrawn ones that nobody has read.

    Of doubles the one that was read stays, else the first. Tasks that are not paxflow's are left alone.
    """
    by_assignment: dict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        name = task.meta.get("assignment_id")
        if isinstance(name, str):
            by_assignment[name].append(task)
    stay, spare = {}, []
    for name, found in by_assignment.items():
        ordered = sorted(found, key=lambda task: (not task.is_read, task.task_id))
        if name in standing:
            stay[name] = ordered.pop(0)
        spare += [task.task_id for task in ordered if not task.is_read]
    return stay, sorted(spare)


def _readers(batch: Given) -> list[str]:
    """Everyone who has or had an assignment."""
    rows = batch.ledger.rows(Assignment)
    return sorted({row.reader_id for row in rows if row.batch_id == batch.batch.batch_id})


def _name(started: ReadingPrediction) -> str:
    return started.model_version


def _noted(shown: Iterable[Shown], sheets: dict[str, Sheet]) -> Iterator[Shown]:
    """Pass cases on, and keep what is not a picture."""
    for case in shown:
        sheets[case.case_id] = Sheet(dict(case.texts), case.size)
        yield case


def _purpose(batch: ReadingBatch) -> str:
    due = f", due {batch.due:%Y-%m-%d}" if batch.due else ""
    return f"Reading batch {batch.batch_id}{due}."


def _unseen(done: int, total: int) -> None:
    """Nobody watches."""

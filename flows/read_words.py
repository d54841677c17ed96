"""What ``paxflow read`` says: tables and sentences about batches and readers."""

import sys
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from curation.records import Role, Task
from flows.say import Speaker

if TYPE_CHECKING:
    from curation.records import ReaderAgreement
    from labeling.reading.adjudication import Referred
    from labeling.reading.changes import Moved
    from labeling.reading.ledger import Given
    from labeling.reading.make import Made
    from labeling.reading.progress import Progress
    from labeling.studio.push import Pushed
    from labeling.studio.sync import Synced

LIST_HEAD = ("batch", "task", "readers", "cases", "read", "due", "state")
STATUS_HEAD = ("given", "done", "skipped", "left", "overdue", "per hour", "median s", "repeats", "gold", "ready")
AGREEMENT_HEAD = ("task", "question", "measure", "reader", "with", "value", "95 % interval", "n")
_ROLES = {
    Role.ROUTED: "routed",
    Role.CONTROL: "drawn at random",
    Role.GOLD: "gold",
    Role.ADJUDICATION: "to be adjudicated",
}


class Who:
    """Readers as they are shown: the pseudonym, and to a person at a terminal the e-mail, which no log gets."""

    def __init__(self, speaker: Speaker, emails: Mapping[str, str]) -> None:
        """``emails`` are by pseudonym."""
        self._emails = emails if is_terminal() and not speaker.as_json else None
        self.head = ["reader"] if self._emails is None else ["reader", "e-mail"]

    def cells(self, reader_id: str) -> list[str]:
        """Cells below ``head``."""
        return [reader_id] if self._emails is None else [reader_id, self._emails.get(reader_id, "")]


def is_terminal() -> bool:
    """Whether a person reads along, and not a log file."""
    return sys.stdout.isatty()


# --- outcomes --------------------------------------------------------------------------------------------


def tell_made(speaker: Speaker, who: Who, made: "Made", asked: int) -> None:
    """A new batch; ``asked`` is how many cases were wanted, 0 if nobody said."""
    batch = made.batch
    n_cases = sum(count for role, count in made.by_role.items() if role is not Role.GOLD)
    roles = ", ".join(f"{count:,} {_ROLES[role]}" for role, count in made.by_role.items())
    speaker.say(
        "read",
        f"{batch.batch_id} is made: {counted(n_cases, 'case')} of {plain(batch.task)} "
        f"({roles}; {counted(made.repeats, 'hidden repeat')}) "
        f"for {counted(len(batch.reader_ids), 'reader')}, {when(batch.due)}.",
        batch=batch.batch_id,
        task=batch.task,
        **{role.value: count for role, count in made.by_role.items()},
        repeats=made.repeats,
        strangers=made.strangers,
    )
    speaker.table([*who.head, "cases"], [(*who.cells(one), f"{count:,}") for one, count in made.queues.items()])
    if n_cases < asked:
        speaker.hint(f"{asked:,} were asked for; no more wait.")
    if made.strangers:
        speaker.hint(f"Of the named subjects, {made.strangers:,} are nothing that this task asks about.")
    speaker.hint(f"Next: `paxflow read push {batch.batch_id}` makes a project for each reader.")


def tell_referred(speaker: Speaker, made: "Referred") -> None:
    """A new adjudication."""
    batch_id = made.batch.batch_id
    what = f"{counted(made.n_cases, 'case')} with {counted(made.n_questions, 'split question')}"
    speaker.say(
        "adjudicate",
        f"{batch_id} is made: {what}, {when(made.batch.due)}.",
        batch=batch_id,
        cases=made.n_cases,
        questions=made.n_questions,
        changed=made.changed,
    )
    if made.changed:
        speaker.hint(f"{made.changed:,} more are split, but have changed since they were read: give them out anew.")
    speaker.hint(f"Next: `paxflow read push {batch_id}`.")


def tell_moved(speaker: Speaker, batch_id: str, moved: "Moved") -> None:
    """Cases that changed hands."""
    facts = {"moved": moved.moved, "kept": moved.kept, "dropped": moved.dropped}
    have = "has" if moved.moved == 1 else "have"
    speaker.say(
        "reassign", f"{counted(moved.moved, 'case')} of {batch_id} {have} a new reader.", batch=batch_id, **facts
    )
    if moved.kept:
        speaker.hint(f"Unmoved: {moved.kept:,} that the other reader has, or has read.")
    if moved.dropped:
        speaker.hint(
            f"Taken back: {counted(moved.dropped, 'hidden repeat')}; only who read a case first can repeat it."
        )
    speaker.hint(f"Next: `paxflow read push {batch_id}`.")


def synced(found: "Synced") -> str:
    """New events by kind."""
    kinds = ("submitted", "updated", "skipped", "deleted")
    what = ", ".join(f"{count:,} {kind}" for kind in kinds if (count := getattr(found, kind))) or "Nothing new"
    return f"{what}, in {counted(found.projects, 'project')}."


def pushed(done: "Pushed") -> str:
    """What changed on the server."""
    changes = [f"{done.added:,} new"] if done.added else []
    changes += [f"{done.removed:,} taken out"] if done.removed else []
    changes += [f"{done.not_shown:,} not shown, as their subject is gone"] if done.not_shown else []
    what = ", ".join(changes) or "nothing new"
    return f"{counted(done.projects, 'project')} with {counted(done.tasks, 'case')} ({what})."


# --- rows ------------------------------------------------------------------------------------------------


def list_cells(one: "Given", people: "list[Progress]") -> list[str]:
    """A batch, below ``LIST_HEAD``."""
    batch = one.batch
    given, done, left, overdue = (
        sum(getattr(each, kind) for each in people) for kind in ("given", "done", "left", "overdue")
    )
    read = f"{done:,} of {given:,}"
    state = _state(given, done, left, overdue)
    return [
        batch.batch_id, plain(batch.task), str(len(people)), f"{len(one.cases):,}", read, str(batch.due or ""), state
    ]  # fmt: skip


def _state(given: int, done: int, left: int, overdue: int) -> str:
    if overdue:
        return f"{overdue:,} overdue"
    if left:
        return f"{left:,} left"
    if done:
        return "done"
    return "skipped" if given else "taken back"


def status_cells(one: "Progress") -> list[str]:
    """A reader in a batch, below ``STATUS_HEAD``."""
    counts = (one.given, one.done, one.skipped, one.left, one.overdue)
    rate = "" if one.per_hour is None else f"{one.per_hour:.1f}"
    seconds = "" if one.median_seconds is None else f"{one.median_seconds:.0f}"
    shares = ("" if share is None else f"{share:.0%}" for share in (one.repeat_share, one.gold_share))
    return [*(f"{count:,}" for count in counts), rate, seconds, *shares, str(one.ready or "")]


def agreement_cells(row: "ReaderAgreement") -> list[str]:
    """A coefficient, below ``AGREEMENT_HEAD``."""
    value = "" if row.value is None else f"{row.value:.3f}"
    interval = "" if row.low is None or row.high is None else f"{row.low:.3f} to {row.high:.3f}"
    return [plain(row.task), row.question, row.measure, row.reader_a, row.reader_b, value, interval, f"{row.n:,}"]


# --- words -----------------------------------------------------------------------------------------------


def plain(task: Task) -> str:
    """A task in words."""
    return task.value.replace("_", " ")


def counted(count: int, what: str) -> str:
    """A number of things."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def when(due: date | None) -> str:
    """A deadline."""
    return f"due {due:%a} {due}" if due else "no deadline"

"""``paxflow read`` as a coordinator meets it."""

from dataclasses import replace
from datetime import date
from json import dumps, loads
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner, Result

from curation.errors import UsageError
from curation.records import AnnotationEvent, EventKind, ReaderAgreement, Role, Task
from curation.workspace import Workspace
from flows import read_words
from flows.cli_read import read_app
from labeling.reading.ledger import all_given, given
from labeling.studio import push as push_module
from labeling.studio import sync as sync_module
from labeling.studio.connection import Connection, remember, studio_folder, write_private
from tests.labeling.reading_rows import (
    ANNA,
    BEN,
    CARA,
    LABELS,
    SPLIT,
    assignments,
    decision,
    event,
    labels_ledger,
    put,
    reading_cases,
    reading_workspace,
    report,
)

PEOPLE = {"anna@hospital.example": ANNA, "ben@hospital.example": BEN, "cara@hospital.example": CARA}
of_the_process = read_words.is_terminal
ALL_THREE = ",".join(PEOPLE)
app = typer.Typer()
app.add_typer(read_app, name="read")


@app.callback()
def options(json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """As the whole command line has it."""


def read(*words: object, machine: bool = False) -> Result:
    before = ["--json"] if machine else []
    return CliRunner().invoke(app, [*before, "read", *map(str, words)], env={"COLUMNS": "200"})


def told(*words: object, machine: bool = False) -> str:
    done = read(*words, machine=machine)
    assert done.exit_code == 0, done.exception or done.output
    return done.stdout if machine else " ".join(done.stdout.split())


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The current folder: twelve routed reports, three readers, and a server that is never asked."""
    made = reading_workspace(tmp_path, monkeypatch)
    monkeypatch.chdir(made.root)
    monkeypatch.setattr(read_words, "is_terminal", lambda: True)
    for name in ("PAXFLOW_STUDIO_URL", "PAXFLOW_STUDIO_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    remember(made, Connection("http://127.0.0.1:9", "0" * 40))
    rows = [{"reader_id": name, "email": email} for email, name in PEOPLE.items()]
    write_private(studio_folder(made) / "readers.json", dumps(rows))
    return made


def test_a_batch_from_its_making_to_its_end(workspace: Workspace) -> None:
    said = told("make", "w1", "--task", "label_review", "--readers", ALL_THREE, "--cases", 10, "--due", "2099-12-18")
    assert "w1 is made: 10 cases of label review (9 routed, 1 drawn at random; 3 hidden repeats)" in said
    assert "for 3 readers, due Fri 2099-12-18" in said
    assert "anna@hospital.example 11" in said
    assert "Next: `paxflow read push w1`" in said
    assert "w1 label review 3 10 0 of 33 2099-12-18 33 left" in told("list")

    queue = assignments(workspace, "w1", ANNA)
    labels_ledger(workspace).append(AnnotationEvent, [event(row, minutes=n) for n, row in enumerate(queue[:4])])
    status = told("status")
    assert "w1: label review, due Fri 2099-12-18" in status
    assert "d-anna anna@hospital.example 11 4 0 7 0 68.6 30" in status
    assert "anna@" not in told("status", "w1", machine=True)

    moved = told("reassign", "w1", "--from", "ben@hospital.example", "--to", ANNA)
    assert "0 cases of w1 have a new reader. Unmoved: 11 that" in moved
    assert "29 cases of w1 were taken back" in told("withdraw", "w1")
    assert "w1 label review 1 10 4 of 4 2099-12-18 done" in told("list")
    assert "Nothing is left to read" in told("status")


def test_fewer_cases_than_were_asked_for(workspace: Workspace) -> None:
    said = told("make", "w1", "--task", "label_review", "--readers", ANNA, "--cases", 30, "--control", 0, "--repeat", 0)
    assert "12 cases of label review (12 routed; 0 hidden repeats) for 1 reader, no deadline" in said
    assert "30 were asked for; no more wait." in said


def test_a_pool_from_a_file(workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "pool.csv"
    file.write_text("# test patients\nr01,2011\n\np15\nsomebody\n", encoding="utf-8")
    said = told("make", "w1", "--task", "label_review", "--readers", ANNA, "--subjects", file)
    assert "2 cases" in said
    assert "Of the named subjects, 1 are nothing that this task asks about" in said
    assert {name: row.role for name, row in reading_cases(workspace).items()} == {
        "r01": Role.ROUTED,
        "r15": Role.CONTROL,
    }


@pytest.mark.parametrize(("content", "message"), [(b"# none\n", "names nothing"), (b"\xff\xfe\x00", "text file")])
def test_a_pool_that_cannot_be_used(content: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "pool"
    file.write_bytes(content)
    done = read("make", "w1", "--task", "label_review", "--readers", ANNA, "--subjects", file)
    assert isinstance(done.exception, UsageError)
    assert message in str(done.exception)


# --- with a server ---------------------------------------------------------------------------------------


def test_push_says_what_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def push(workspace: Workspace, connection: Connection, batch_id: str, tick: Any) -> push_module.Pushed:
        asked.append(batch_id)
        tick(1, 1)
        full = batch_id == "w1"
        return push_module.Pushed(2, 20, 5, 1, 1) if full else push_module.Pushed(1, 1, 0, 0, 0)

    monkeypatch.setattr(push_module, "push", push)
    assert "Nothing is left to push" in told("push")
    for name in ("w1", "w2"):
        told("make", name, "--task", "label_review", "--readers", ANNA, "--cases", 2)
    said = told("push")
    assert asked == ["w1", "w2"]
    assert "w1: 2 projects with 20 cases (5 new, 1 taken out, 1 not shown, as their subject is gone)." in said
    assert "w2: 1 project with 1 case (nothing new)." in said
    assert "http://127.0.0.1:9" in said
    told("push", "w2")
    assert asked[2:] == ["w2"]


def test_sync_says_what_came(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [sync_module.Synced(3, 1, 0, 0, 2, 1, 4), sync_module.Synced(0, 0, 0, 0, 0, 0, 4)]
    monkeypatch.setattr(sync_module, "sync", lambda workspace, connection: found.pop(0))
    said = told("sync")
    assert "3 submitted, 1 updated, in 4 projects." in said
    assert "2 are by another user" in said
    assert "1 reads hold an answer" in said
    assert "Nothing new, in 4 projects." in told("sync")


# --- what became of it -----------------------------------------------------------------------------------


def test_split_cases_go_to_a_senior(workspace: Workspace) -> None:
    told("make", "w1", "--task", "label_review", "--readers", f"{ANNA},{BEN}", "--cases", 3, "--control", 0)
    labels_ledger(workspace).append(AnnotationEvent, [event(row) for row in assignments(workspace)])
    put(workspace, [decision("r00", SPLIT), decision("r01", SPLIT)])
    own = read("adjudicate", "w1", "--reader", ANNA)
    assert isinstance(own.exception, UsageError)
    said = told("adjudicate", "w1", "--reader", "cara@hospital.example", "--due", "2099-01-01")
    assert "w1-adjudication is made: 2 cases with 2 split questions, due Thu 2099-01-01." in said
    assert given(workspace, "w1-adjudication").batch.reader_ids == (CARA,)


def test_split_cases_that_changed(workspace: Workspace) -> None:
    told("make", "w1", "--task", "label_review", "--readers", f"{ANNA},{BEN}", "--cases", 3, "--control", 0)
    put(workspace, [decision("r00", SPLIT), decision("r01", SPLIT)])
    put(workspace, [report(n, "Other." if n == 0 else report(n).text) for n in range(20)])
    assert "1 more are split, but have changed" in told("adjudicate", "w1", "--reader", CARA)


def test_how_well_readers_agree(workspace: Workspace) -> None:
    told("make", "w1", "--task", "label_review", "--readers", f"{ANNA},{BEN}", "--cases", 3)
    assert "Nothing to show" in told("agreement")
    rows = [
        ReaderAgreement(LABELS, "Edema", "fleiss_kappa", "(all)", "(all)", 0.61, 0.4, 0.8, 40),
        ReaderAgreement(LABELS, "Edema", "cohen_kappa", ANNA, BEN, 0.6, None, None, 40),
        ReaderAgreement(LABELS, "Edema", "cohen_kappa", ANNA, CARA, None, None, None, 40),
        ReaderAgreement(LABELS, "(all)", "repeat_percent", ANNA, "(self)", 0.9, 0.8, 1.0, 9),
        ReaderAgreement(Task.QUALITY_CHECK, "view", "percent", "(all)", "(all)", 0.9, 0.8, 1.0, 9),
    ]
    put(workspace, rows)
    overall = told("agreement")
    assert "label review Edema fleiss_kappa (all) (all) 0.610 0.400 to 0.800 40" in overall
    assert "quality check" in overall
    assert "cohen_kappa" not in overall
    assert "quality check" not in told("agreement", "--task", "label_review")
    of_batch = told("agreement", "w1", "--pairs")
    assert "d-anna d-ben 0.600 40" in of_batch
    assert "d-cara" not in of_batch
    assert "quality check" not in of_batch
    assert "90%" in told("status", "w1")


def test_a_reader_who_will_be_late(workspace: Workspace) -> None:
    told("make", "w1", "--task", "label_review", "--readers", ANNA, "--cases", 12, "--due", "2099-12-18")
    queue = assignments(workspace, "w1", ANNA)
    long_ago = event(queue[0], minutes=-60 * 24 * 365 * 60)
    labels_ledger(workspace).append(AnnotationEvent, [long_ago])
    assert "1 reader will be late at this pace" in told("status")


def test_hidden_repeats_of_who_leaves(workspace: Workspace) -> None:
    told("make", "w1", "--task", "label_review", "--readers", ANNA, "--cases", 12, "--repeat", 0.25)
    again = next(row for row in assignments(workspace) if row.repeat)
    first = next(row for row in assignments(workspace) if row.case_id == again.case_id and not row.repeat)
    labels_ledger(workspace).append(AnnotationEvent, [event(first)])
    said = told("reassign", "w1", "--from", ANNA, "--to", BEN, "--cases", "", "--due", "2099-01-01")
    assert "Taken back: 1 hidden repeat;" in said
    assert "13 cases of w1 were taken back" in told("withdraw", "w1", "--reader", BEN)


def test_states_of_batches(workspace: Workspace) -> None:
    assert "There is no batch yet" in told("list")
    told("make", "w1", "--task", "label_review", "--readers", ANNA, "--cases", 1, "--control", 0)
    told("make", "w2", "--task", "label_review", "--readers", ANNA, "--cases", 1, "--control", 0)
    told("make", "w3", "--task", "label_review", "--readers", ANNA, "--cases", 1, "--control", 0)
    told("withdraw", "w1")
    skipped = [event(row, EventKind.SKIPPED) for row in assignments(workspace, "w2")]
    labels_ledger(workspace).append(AnnotationEvent, skipped)
    said = told("list")
    assert "w1 label review 0 1 0 of 0 taken back" in said
    assert "w2 label review 1 1 0 of 1 skipped" in said
    assert "w3 label review 1 1 0 of 1 1 left" in said


def test_an_overdue_batch(workspace: Workspace) -> None:
    told("make", "w1", "--task", "label_review", "--readers", ANNA, "--cases", 2, "--control", 0)
    ledger = labels_ledger(workspace)
    rows = [
        replace(row, assignment_id=f"late{n}", due=date(2020, 1, 1)) for n, row in enumerate(assignments(workspace))
    ]
    ledger.append(type(rows[0]), rows)
    assert "2 overdue" in told("list")
    assert "2 cases of w1 have a new reader" in told("reassign", "w1", "--from", ANNA, "--to", BEN, "--overdue")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("make", "w1", "--task", "label_review", "--readers", "nobody@hospital.example"), "no reader has this e-mail"),
        (("make", "w1", "--task", "label_review", "--readers", ","), "at least one reader"),
        (("make", "w1", "--task", "label_review", "--readers", ANNA, "--due", "2001-01-01"), "2001-01-01 is over"),
        (("reassign", "w1", "--from", ANNA, "--to", BEN, "--due", "2001-01-01"), "2001-01-01 is over"),
        (("status", "w9"), "none yet"),
        (("push", "w9"), "none yet"),
        (("withdraw", "w9"), "none yet"),
        (("agreement", "w9"), "none yet"),
        (("adjudicate", "w9", "--reader", ANNA), "none yet"),
    ],
)
def test_a_wrong_call_says_what_was_expected(words: tuple[str, ...], message: str, workspace: Workspace) -> None:
    done = read(*words)
    assert isinstance(done.exception, UsageError)
    assert message in str(done.exception)
    assert "@" not in str(done.exception)
    assert not all_given(workspace)


@pytest.mark.parametrize(
    "words",
    [
        ("make", "w1", "--task", "reading", "--readers", ANNA),
        ("make", "w1", "--task", "label_review", "--readers", ANNA, "--due", "18.12.2026"),
        ("make", "w1", "--task", "label_review", "--readers", ANNA, "--repeat", "0.5"),
    ],
)
def test_an_option_that_is_no_such_thing(words: tuple[str, ...]) -> None:
    assert read(*words).exit_code == 2


@pytest.mark.parametrize(
    ("command", "about"),
    [
        ((), "settle what is split"),
        (("make",), "none that a reader has or has read"),
        (("push",), "what is there already is left alone"),
        (("sync",), "as often as you like"),
        (("list",), "List the batches"),
        (("status",), "when they will be done"),
        (("reassign",), "never a case that the other has"),
        (("withdraw",), "what was read stays"),
        (("adjudicate",), "without a name"),
        (("agreement",), "95 % intervals"),
    ],
)
def test_help_says_what_it_does(command: tuple[str, ...], about: str) -> None:
    assert about in told(*command, "--help")


def test_no_address_reaches_a_machine_s_log(workspace: Workspace) -> None:
    lines = told("make", "w1", "--task", "label_review", "--readers", ALL_THREE, "--cases", 4, machine=True)
    facts = [loads(line) for line in lines.splitlines()]
    assert facts[0]["event"] == "read"
    assert {row["reader"] for row in facts[1:]} == {ANNA, BEN, CARA}
    assert "@" not in lines


def test_no_address_reaches_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_words, "is_terminal", of_the_process)
    assert "@" not in told("make", "w1", "--task", "label_review", "--readers", ALL_THREE, "--cases", 4)

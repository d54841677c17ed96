"""The answers of a hidden test stand apart from the release, and only they do."""

from collections.abc import Iterator, Sequence

import polars as pl

from curation.release.changes import CHANGES
from curation.release.checks.files import wrong_sums
from curation.release.checks.schema import other_columns, wrong_rows_of
from curation.release.hidden import HIDDEN, answers_that_show, hidden_ids, speaks
from curation.release.opened import Opened
from curation.release.recipe import recipe_named
from curation.release.strata import LABEL


def wrong_apart(release: Opened) -> Iterator[str]:
    """Files among the answers, where they are at hand, that do not belong there or are formed otherwise."""
    apart = _apart(release)
    if apart is not None:
        yield from (f"answers: {what}" for what in wrong_sums(apart.folder))
        answers = recipe_named(release.recipe).answers
        expected = answers if release.settings["hidden_test"] else ()
        if {*apart.names} != {*expected}:
            yield "answers: they are not the tables of answers of a hidden test, each and no other"
        for name in apart.names:
            if name not in answers:
                yield f"answers: {name} is no table of answers"
            else:
                wrong = other_columns(name, apart.table(name), release.record(name))
                yield from (f"answers: {what}" for what in wrong)


def wrong_answers(release: Opened) -> Iterator[str]:
    """Answers of the hidden split in the release, and rows of other splits among the answers."""
    if not release.settings["hidden_test"]:
        return
    answers = recipe_named(release.recipe).answers
    hidden = hidden_ids(release)
    yield from answers_that_show(release, answers)
    yield from _told_beside(release, answers, hidden)
    apart = _apart(release)
    if apart is not None:
        for name in apart.names:
            rows = apart.table(name)
            yield from (f"answers: {what}" for what in wrong_rows_of(name, rows, release.record(name)))
            if not speaks(rows, hidden).all():
                yield f"answers: {name} has a row of another split than the hidden one"


def _told_beside(release: Opened, answers: Sequence[str], hidden: pl.Series) -> Iterator[str]:
    """Answers that other tables tell: strata, twins, and rows that an earlier version had."""
    labels = [name.removeprefix(LABEL) for name in release.settings["stratify"] if name.startswith(LABEL)]
    strata = release.table("splits").filter(pl.col("split") == HIDDEN)["strata"]
    if any(strata.str.contains(f"{label}=", literal=True).any() for label in labels):
        yield "splits: a stratum tells a label of the hidden split"
    if release.table("left_out")["twin_id"].is_in(hidden.implode()).any():
        yield "left_out: a twin_id is of the hidden split, and tells what its answer is like"
    path = release.folder / CHANGES
    changes = pl.read_csv(path, infer_schema=False).filter(pl.col("table").is_in(answers)) if path.is_file() else None
    if (
        changes is not None
        and changes.select(pl.col("key").str.split("|").list.explode().is_in(hidden.implode()).any()).item()
    ):
        yield f"{CHANGES}: a key is that of an answer of the hidden split"


def _apart(release: Opened) -> Opened | None:
    """The answers, as the tables of a folder, if they are at hand."""
    return Opened(release.answers) if release.answers is not None and release.answers.is_dir() else None

"""What people and machines are told: lines on the terminal, or JSON lines with ``--json``."""

import csv
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import typer

    from curation.errors import PaxflowError
    from curation.stage import Todo
    from flows.run import Outcome

Advance = Callable[[int, int], None]


class Speaker:
    """Prints events; knows whether a person or a machine is listening."""

    def __init__(self) -> None:
        self.as_json = False

    def say(self, event: str, text: str, **facts: Any) -> None:
        """One event: a sentence for people, its facts for machines."""
        if self.as_json:
            self._line({"event": event, "text": text, **facts})
        else:
            _print(text)

    def hint(self, text: str) -> None:
        """What to do next; machines need no hints."""
        if not self.as_json:
            _print(text)

    def outcome(self, outcome: "Outcome") -> None:
        """The end of a stage's run."""
        todo = f"{outcome.done:,} done" if outcome.done else "nothing to do"
        rejected = f", {outcome.rejected:,} of them rejected" if outcome.rejected else ""
        text = f"{outcome.stage}: {outcome.planned:,} items, {todo}{rejected} ({outcome.seconds:.1f} s)"
        facts = {name: getattr(outcome, name) for name in ("stage", "planned", "already_done", "done", "rejected")}
        self.say("stage", text, **facts, seconds=round(outcome.seconds, 3))

    def failed(self, error: "PaxflowError") -> None:
        """An error, with its exit code."""
        if self.as_json:
            self._line(
                {"event": "error", "kind": type(error).__name__, "exit_code": error.exit_code, "text": str(error)}
            )
        else:
            print(f"paxflow: {error}", file=sys.stderr)  # noqa: T201 - the terminal is this module's business

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table of text."""
        if self.as_json:
            for row in rows:
                self._line(dict(zip(head, row, strict=True)))
            return
        from rich import box
        from rich.console import Console
        from rich.table import Table

        shown = Table(*head, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for row in rows:
            shown.add_row(*[_escaped(cell) for cell in row])
        Console(width=None if sys.stdout.isatty() else 160, highlight=False).print(shown)

    def rows(self, names: Sequence[str], rows: Sequence[Sequence[Any]], how: str) -> None:
        """The rows of a query as a table, CSV or JSON lines."""
        if how == "csv":
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow(names)
            writer.writerows(rows)
        elif how == "json" or self.as_json:
            for row in rows:
                self._line(dict(zip(names, row, strict=True)))
        else:
            self.table(names, [[_shown(value) for value in row] for row in rows])

    @contextmanager
    def progress(self, what: str) -> Iterator[Advance]:
        """A bar for work that reports (done, total) as it goes."""
        with self._bar(what) as bar:
            yield bar

    @contextmanager
    def stage_progress(self, name: str) -> Iterator["Callable[[Todo], Callable[[int], None]]"]:
        """A bar for the batches of a stage."""
        with self._bar(name) as bar:

            def watch(todo: "Todo") -> Callable[[int], None]:
                total = todo.n_items - todo.n_done
                ended = 0
                bar(0, total)

                def tick(count: int) -> None:
                    nonlocal ended
                    ended += count
                    bar(ended, total)

                return tick

            yield watch

    @contextmanager
    def _bar(self, what: str) -> Iterator[Advance]:
        """On a terminal a bar, for machines an event at most once a second, in a log file nothing."""
        if self.as_json:
            yield self._progress_events(what)
        elif not sys.stderr.isatty():
            yield _unseen
        else:
            from rich.console import Console
            from rich.progress import Progress

            with Progress(console=Console(stderr=True), transient=True) as progress:
                task = progress.add_task(what, total=None)
                yield lambda done, total: progress.update(task, completed=done, total=total)

    def _progress_events(self, what: str) -> Advance:
        last = time.monotonic()

        def tell(done: int, total: int) -> None:
            nonlocal last
            if time.monotonic() - last >= 1:
                last = time.monotonic()
                self._line({"event": "progress", "what": what, "done": done, "total": total})

        return tell

    @staticmethod
    def _line(facts: dict[str, Any]) -> None:
        _print(json.dumps(facts, default=str, ensure_ascii=False))


def speaker_of(context: "typer.Context") -> Speaker:
    """Speaks as the options before the command say."""
    speaker = Speaker()
    speaker.as_json = bool(context.find_root().params.get("json"))
    return speaker


def _unseen(done: int, total: int) -> None:
    """No bar in a log file."""


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the terminal is this module's business


def _escaped(cell: str) -> str:
    from rich.markup import escape

    return escape(cell)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)

"""Mine files by themselves: texts in, one line of JSON a text out, over all cores and in the order of the input."""

import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from curation.errors import InputError, ToolError
from curation.pictures import Reading, reading_of, report_page
from curation.records import Report
from flows.executors import pool
from labeling.intake import Refused, Text, read_texts
from labeling.mine import rows, vocabulary
from labeling.mining.lines import LineOptions, line_of
from labeling.mining.reader import mine_text
from labeling.target import check_target, new_file

_CHUNK = 500
"""Texts that go to a process at once."""
_CHUNK_CHARACTERS = 1 << 22
"""Of texts that go at once, about: long ones go by fewer, so that memory is bounded."""
_MANY = 1 << 20
"""Chunks that a pool is asked for when nobody knows how many come."""
_SHOWN_SETS = ("chexpert", "nih", "vindr", "padchest")


@dataclass(frozen=True)
class Written:
    """What became of the texts: how many lines were written, and how many inputs were refused for which reason."""

    n_lines: int
    refused: tuple[tuple[str, int], ...]


def mine_file(source: Path, target: Path, options: LineOptions, tell: Callable[[int, int], None]) -> Written:
    """Mine ``source`` into ``target``; what was there stays until all is done.

    Raises InputError if there is nothing to read or all of it is refused, UsageError if the source is of no known kind
    or the target cannot be written, ToolError if a process ends before its work.
    """
    refused: Counter[str] = Counter()
    n_lines = 0
    with new_file(target, [source]) as pending, pending.open("w", encoding="utf-8", newline="\n") as file:
        for lines in _mined(_accepted(read_texts(source), refused), options):
            file.writelines(f"{line}\n" for line in lines)
            n_lines += len(lines)
            tell(n_lines, n_lines)
        if not n_lines:
            why = "".join(f"; {count:,} inputs were refused: {reason}" for reason, count in refused.most_common(1))
            raise InputError(f"{source.name}: expected reports; there are none{why}")
    return Written(n_lines, tuple(refused.most_common()))


def show_file(source: Path, target: Path, wanted: Sequence[str], most: int) -> int:
    """Write a page of the first reports of ``source``, or of those ``wanted`` by id; returns how many it shows.

    Raises InputError if there is nothing to show, UsageError if the target cannot be written.
    """
    check_target(target, [source])
    texts = _accepted(read_texts(source), Counter())
    chosen = list(islice((text for text in texts if not wanted or text.id in wanted), most))
    if not chosen:
        raise InputError(f"{source.name}: expected a report to show; there is none{' with this id' if wanted else ''}")
    readings = [_reading(text) for text in chosen]
    with new_file(target) as pending:
        pending.write_text(report_page(readings, vocabulary()), encoding="utf-8")
    return len(readings)


def _reading(text: Text) -> Reading:
    report = Report(text.id, "", "", None, "", "", text.text)
    return reading_of(report, rows(text.id, mine_text(text.text), _SHOWN_SETS))


def _accepted(read: Iterable[Text | Refused], refused: Counter[str]) -> Iterator[Text]:
    for one in read:
        if isinstance(one, Refused):
            refused[one.reason] += 1
        else:
            yield one


def _mined(texts: Iterator[Text], options: LineOptions) -> Iterator[list[str]]:
    """Lines by chunk; a file of one chunk needs no processes."""
    chunks = _chunks(texts)
    first = next(chunks, [])
    second = next(chunks, [])
    if not second:
        yield mine_chunk(first, options)
        return
    try:
        with pool(_MANY) as workers:
            yield from _ordered(workers, chain([first, second], chunks), options)
    except BrokenExecutor:
        raise ToolError(
            "a process ended before its work was done, killed or out of memory; nothing was written: run it again, "
            "with fewer processes (PAXFLOW_WORKERS) if memory is short"
        ) from None


def _chunks(texts: Iterable[Text]) -> Iterator[list[Text]]:
    chunk: list[Text] = []
    size = 0
    for text in texts:
        chunk.append(text)
        size += len(text.text)
        if len(chunk) == _CHUNK or size >= _CHUNK_CHARACTERS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _ordered(workers: Executor, chunks: Iterator[list[Text]], options: LineOptions) -> Iterator[list[str]]:
    """Results in order, with a few chunks on their way, so that memory is bounded."""
    ahead = 4 * len(os.sched_getaffinity(0))
    waiting = deque(workers.submit(mine_chunk, chunk, options) for chunk in islice(chunks, ahead))
    while waiting:
        yield waiting.popleft().result()
        waiting.extend(workers.submit(mine_chunk, chunk, options) for chunk in islice(chunks, 1))


def mine_chunk(texts: Sequence[Text], options: LineOptions) -> list[str]:
    """The lines of some texts: what every process does."""
    return [line_of(text.id, text.text, options) for text in texts]

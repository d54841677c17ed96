"""Ours beside medspaCy and negspacy on the same reports: F1 and speed, in one run.

The peers get our phrases of findings (they bring none for the chest), the sections that assert, and their own public
rules of negation and context. Labels come from findings by our table for all, so what differs is the reading. Their CPU
is that of spaCy's tokenizer, a sentence splitter by punctuation, phrase matching and their own component; loading is
not timed. Ours is the whole of ``paxflow mine run``: sections, sentences, mentions, context, modifiers, labels, JSON.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from corpus import Tagged, asserting, many, openi
from gold import labels_of
from peers import install

from curation.errors import ToolError
from curation.records import Assertion
from labeling.labels.sets import label_set, states
from labeling.mining.confusion import Score
from labeling.mining.lexicon import chest_phrases
from labeling.mining.lines import LineOptions, line_of
from labeling.mining.reader import read_sentence

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "paxflow-bench"
ENVIRONMENT = ("spacy==3.7.5", "pysbd", "jsonschema", "loguru", "PyFastNER", "quicksectx", "click", "numpy<2")
WITHOUT_DEPENDENCIES = ("medspacy==1.3.1", "PyRuSH==1.0.13", "negspacy==1.1.0")
ROUNDS = 3
Labels = Mapping[str, set[str]]
"""Positive labels by report."""


def main() -> None:
    reports = openi(CACHE)
    gold = {report.id: labels_of(report.tags) for report in reports}
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{len(reports):,} reports of Open-I, CheXpert-13, gold of MeSH tags; hedged labels count as negative\n")
    print(f"{'':24}{'micro F1':>9}{'macro F1':>9}{'reports/s, one core':>22}")
    lines, seconds = ours(reports)
    speed = len(reports) / seconds
    show("paxflow", scores(positives(lines), gold), speed, "")
    with tempfile.TemporaryDirectory() as folder:
        for peer in ("medspacy", "negspacy", "phrases"):
            found, cpu_s = theirs(peer, reports, Path(folder))
            show(
                peer,
                scores(found, gold),
                len(reports) / cpu_s,
                f"ours is {speed * cpu_s / len(reports):.1f} times as fast",
            )
    sizes(reports)


def show(name: str, score: tuple[float, float], speed: float, remark: str) -> None:
    print(f"{name:24}{score[0]:9.3f}{score[1]:9.3f}{speed:22,.0f}   {remark}")


def ours(reports: list[Tagged], options: LineOptions | None = None) -> tuple[list[str], float]:
    """Our lines, and the CPU seconds of one process that has seen no sentence before."""
    options = options or LineOptions()
    line_of("", "No effusion.", options)

    def all_new() -> list[str]:
        read_sentence.cache_clear()
        return [line_of(report.id, report.text, options) for report in reports]

    return timed(all_new)


def timed(read: Callable[[], list[str]]) -> tuple[list[str], float]:
    """What a call gives, and its CPU seconds, the least of some."""
    least = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        made = read()
        least = min(least, time.process_time() - started)
    return made, least


def positives(lines: Iterable[str]) -> Labels:
    read = map(json.loads, lines)
    return {line["id"]: {label for label, state in line["labels"].items() if state == 1} for line in read}


def theirs(peer: str, reports: list[Tagged], folder: Path) -> tuple[Labels, float]:
    """A peer's labels and CPU seconds, the least of some runs."""
    texts, phrases, out = folder / "texts.jsonl", folder / "phrases.tsv", folder / "out.jsonl"
    texts.write_text(
        "".join(json.dumps({"id": report.id, "text": asserting(report.text) or "."}) + "\n" for report in reports)
    )
    phrases.write_text("".join(f"{phrase}\t{finding}\n" for phrase, finding in chest_phrases()))
    python = environment()
    command = [str(python), "-P", str(HERE / "peer.py"), peer, *map(str, (texts, phrases, out))]
    seconds = []
    for _ in range(ROUNDS):
        seconds.append(float(json.loads(run(command).splitlines()[-1])["cpu_s"]))
    found = {}
    for line in map(json.loads, out.read_text(encoding="utf-8").splitlines()):
        said = [(finding, Assertion(assertion)) for finding, assertion in line["findings"]]
        decided = states(label_set("chexpert"), said, True)
        found[line["id"]] = {label for label, (state, _) in decided.items() if state == 1}
    return found, min(seconds)


def environment() -> Path:
    """The peers' Python: their pins exclude each other and one wants a part that does not build everywhere."""
    python = install(ENVIRONMENT, CACHE)
    run([str(python), "-m", "pip", "install", "--quiet", "--no-deps", *WITHOUT_DEPENDENCIES])
    return python


def run(command: list[str]) -> str:
    """What a command prints; ToolError says what it said last if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["nothing"]
        raise ToolError(f"{Path(command[0]).name} ended, and said: {last[0][:200]}")
    return done.stdout


def scores(found: Labels, gold: Labels) -> tuple[float, float]:
    """Micro and macro F1 of CheXpert-13."""
    counts = {label: [0, 0, 0] for label in label_set("chexpert").labels if label != "No Finding"}
    for report_id, asked in gold.items():
        given = found.get(report_id, set())
        for label, count in counts.items():
            count[0] += label in given and label in asked
            count[1] += label in given and label not in asked
            count[2] += label not in given and label in asked
    by_label = [Score(label, *count) for label, count in counts.items()]
    total = Score("all", *(sum(column) for column in zip(*counts.values(), strict=True)))
    return total.f1, sum(one.f1 for one in by_label) / len(by_label)


def sizes(reports: list[Tagged]) -> None:
    """What each part costs, and a collection as large as MIMIC-CXR through the command line, on all cores."""
    print(f"\n{'ours, one core':44}{'reports/s':>12}")
    for name, options in (("labels and modifiers", LineOptions()), ("and every mention", LineOptions(mentions=True))):
        print(f"{name + ', no sentence seen before':44}{len(reports) / ours(reports, options)[1]:12,.0f}")
    _, again = timed(lambda: [line_of(report.id, report.text, LineOptions()) for report in reports])
    print(f"{'the same reports again':44}{len(reports) / again:12,.0f}")
    texts = many(reports, 227_000)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.jsonl", Path(folder) / "out.jsonl"
        source.write_text("".join(json.dumps({"id": str(n), "text": text}) + "\n" for n, text in enumerate(texts)))
        started = time.perf_counter()
        command = [sys.executable, "-m", "flows.cli", "mine", "run", str(source), "--out", str(target)]
        run(command)
        seconds = time.perf_counter() - started
    print(f"\n227,000 texts of real sentences, `paxflow mine run` on {os.cpu_count()} cores: {seconds:.0f} s wall")

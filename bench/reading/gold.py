"""CheXpert-13 labels of Open-I reports by the MeSH tags that people gave them (Demner-Fushman 2016).

A tag codes the finding, rarely the hedged diagnosis ("opacity may represent atelectasis" is an opacity), so these
labels judge what is present, not what is uncertain, and not absent against unmentioned.
"""

from collections.abc import Iterable

_HEADS = {
    "cardiomegaly": "Cardiomegaly",
    "heart failure": "Cardiomegaly",
    "pulmonary atelectasis": "Atelectasis",
    "pulmonary edema": "Edema",
    "pneumonia": "Pneumonia",
    "pneumothorax": "Pneumothorax",
    "pleural effusion": "Pleural Effusion",
    "nodule": "Lung Lesion",
    "mass": "Lung Lesion",
    "cavitation": "Lung Lesion",
    "airspace disease": "Lung Opacity",
    "infiltrate": "Lung Opacity",
    "consolidation": "Lung Opacity",
    "fractures, bone": "Fracture",
    "stents": "Support Devices",
    "implanted medical device": "Support Devices",
    "medical device": "Support Devices",
    "catheters, indwelling": "Support Devices",
    "tube, inserted": "Support Devices",
    "heart valve prosthesis": "Support Devices",
}
"""First word of a tag to its label."""
_ALSO = (
    ("consolidation", "Consolidation"),
    *(
        (head, label)
        for head in ("hydropneumothorax", "hemopneumothorax")
        for label in ("Pneumothorax", "Pleural Effusion")
    ),
)
_PLACED = {
    ("opacity", "lung"): "Lung Opacity",
    ("density", "lung"): "Lung Opacity",
    ("opacity", "retrocardiac"): "Lung Opacity",
    ("thickening", "pleura"): "Pleural Other",
    ("cicatrix", "pleura"): "Pleural Other",
    ("cardiac shadow", "enlarged"): "Cardiomegaly",
    ("mediastinum", "enlarged"): "Enlarged Cardiomediastinum",
    ("mediastinum", "prominent"): "Enlarged Cardiomediastinum",
}
"""First word of a tag, and a word behind it, to their label."""


def labels_of(tags: Iterable[str]) -> set[str]:
    """The positive labels of a report's tags, such as ``Opacity/lung/base/left``."""
    labels = set()
    for tag in tags:
        head, *rest = (word.strip() for word in tag.lower().split("/"))
        labels |= {_HEADS[head]} if head in _HEADS else set()
        labels |= {label for first, label in _ALSO if first == head}
        labels |= {label for (first, word), label in _PLACED.items() if head == first and word in rest}
    return labels

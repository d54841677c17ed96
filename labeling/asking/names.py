"""Plain names of labels, as a reader would write them; results carry the label itself."""

_PLAIN = {
    "copd": "COPD",
    "picc": "PICC",
    "Enlarged PA": "Enlarged pulmonary artery",
    "ILD": "Interstitial lung disease",
}
_MEASURES = {
    "cardiomegaly": "Cardiothoracic ratio",
    "mediastinal_widening": "Mediastinal width",
    "aortic_knob_enlargement": "Aortic knob",
    "descending_aorta_enlargement": "Descending aorta",
    "descending_aorta_tortuous": "Course of the descending aorta",
    "ascending_aorta_enlargement": "Ascending aorta",
    "trachea_deviation": "Course of the trachea",
    "projection": "Scapulae",
    "inclusion": "Edges of the lungs",
    "inspiration": "Diaphragm and ribs",
}
"""What the landmarks of a measure show, where the measure is named after what it finds."""


def plain(label: str) -> str:
    """A label in plain words: ``pleural_effusion`` and ``Pleural Effusion`` are both Pleural effusion."""
    if label in _PLAIN:
        return _PLAIN[label]
    first, *rest = label.replace("_", " ").split(" ")
    small = [word if len(word) > 1 and word.isupper() else word.lower() for word in rest]
    return " ".join([first[:1].upper() + first[1:], *small])


def plain_measure(measure: str) -> str:
    """A measure in plain words: ``cardiomegaly`` is Cardiothoracic ratio."""
    return _MEASURES.get(measure, plain(measure))

"""Labels of reports: sets that published datasets use, policies for uncertain ones, sources side by side."""

from labeling.labels.sets import CHEXPERT_14, LabelSet, chexpert, label_set, label_sets, states

__all__ = ["CHEXPERT_14", "LabelSet", "chexpert", "label_set", "label_sets", "states"]

"""The ``classification`` recipe: labels of images, every source kept, and one target for each label.

Label sets, states and policies are CheXpert's (Irvin et al. 2019): 1 present, 0 absent, -1 uncertain, null not
mentioned; U-Ignore, U-Ones and U-Zeros. A label's trail lies in the release itself, by its source: ``decisions`` →
``answers`` → ``annotation_events``; ``report_labels`` → ``mentions``; ``measurements``; ``consensus`` →
``ct_outlines``; ``opinions``.
"""

from collections.abc import Sequence
from typing import cast

from curation.errors import InputError
from curation.recipes.classification_checks import CHECKS
from curation.recipes.image_labels import (
    CONSENSUS,
    MEASUREMENT,
    REPORT_TRAIL,
    image_labels,
    opinion_labels,
    report_cells,
    report_trail,
    subjects_of,
)
from curation.recipes.readers import TRAIL, ReadersWork
from curation.recipes.targets import policy_of, targets
from curation.records import (
    CHEXPERT,
    Annotation,
    Consensus,
    LabelMapRow,
    Measurement,
    Opinion,
    ReleaseImage,
    ReleaseLabel,
    ReleaseTarget,
)
from curation.release.recipe import PROJECTION, RADIOGRAPH, Recipe, Tables
from curation.release.sources import Sources
from curation.settings import TargetSettings


def tables(sources: Sources, images: Sequence[ReleaseImage]) -> Tables:
    """The recipe's own tables beside the spine, by file name; labels are of the sets that were mined.

    Raises InputError if none was.
    """
    label_map = sources.rows(LabelMapRow)
    sets = {row.label_set for row in label_map}
    if not sets:
        raise InputError("there is no table label_map: run `paxflow run mine` first")
    subjects = subjects_of(sources, images)
    readers = ReadersWork(sources, images)
    opinions = [row for row in sources.rows(Opinion) if row.subject_id in subjects]
    labels = [*image_labels(sources, images, sets), *readers.labels(sets)]
    if CHEXPERT in sets:
        labels += opinion_labels(opinions, subjects)
    splits = {image.image_id: image.split for image in images}
    settings = cast(TargetSettings, sources.settings)
    silent = report_cells(sources, subjects, sets)
    return {
        "labels": (ReleaseLabel, labels),
        "targets": (ReleaseTarget, list(targets(labels, label_map, splits, policy_of(settings), silent))),
        "label_map": (LabelMapRow, label_map),
        "opinions": (Opinion, opinions),
        **report_trail(sources, subjects, labels),
        **_origins(sources, images, labels),
        **readers.tables(),
    }


def _origins(sources: Sources, images: Sequence[ReleaseImage], labels: Sequence[ReleaseLabel]) -> Tables:
    """What labels come from, but for reports and readers' work."""
    named = {(row.source, row.source_id) for row in labels}
    shown = {image.image_id for image in images}
    agreed = [row for row in sources.rows(Consensus) if (CONSENSUS, row.consensus_id) in named]
    objects = {object_id for row in agreed for object_id in row.object_ids}
    return {
        "measurements": (
            Measurement,
            [row for row in sources.rows(Measurement) if row.view_id in shown and (MEASUREMENT, row.measure) in named],
        ),
        "consensus": (Consensus, agreed),
        "ct_outlines": (Annotation, [row for row in sources.rows(Annotation) if row.object_id in objects]),
    }


RECIPE = Recipe(
    name="classification",
    tags=("chest-x-ray", "multi-label-image-classification"),
    kinds=(RADIOGRAPH, PROJECTION),
    about={
        "labels": "one label of one image from one source; 1 present, 0 absent, -1 uncertain, null not mentioned",
        "targets": "one label of one image, all sources as one: the best source's state, and the target of the policy",
        "label_map": "one label of one label set, in its published order, with the findings that give it",
        "opinions": "what another labeler or a model says of one label of one image or report",
        "measurements": "one measurement on one image whose verdict is a label",
        "consensus": "one object that readers agree on, as runs over a box of the CT grid",
        "ct_outlines": "one outline by one reader on one CT slice, as drawn",
        **REPORT_TRAIL,
        **TRAIL,
    },
    tables=tables,
    answers=(
        *("labels", "targets", "opinions", "report_labels", "mentions", "measurements", "consensus", "ct_outlines"),
        *TRAIL,
    ),
    checks=CHECKS,
)

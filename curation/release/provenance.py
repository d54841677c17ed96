"""``provenance.json``: what a release was made from and with.

The commit is not in it: the tag that pins the release is the commit, and `paxflow release publish` writes the
revisions of git and DVC into the tag's message. So the same rows give the same bytes, whoever built them and when.
"""

from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from curation.records import Report
from curation.release.recipe import Recipe
from curation.release.sources import Sources
from curation.workspace import Workspace

PARAMETERS = (
    *("deid", "catalog", "render", "segment", "consensus", "project", "measure", "mine", "similar", "ground"),
    "decide",
)
"""Sections of params.yaml that a release depends on, each with its stage's version; DVC watches the same."""
Written = Mapping[str, Mapping[str, Any]]
"""Of each table: the record of its rows, how many there are, and the SHA-256 of its CSV's text."""
_PINNED = ("numpy", "numba", "SimpleITK", "pydicom", "nibabel", "pillow", "pyarrow", "polars", "imagecodecs")
"""Packages whose version can change a byte."""


def provenance(workspace: Workspace, sources: Sources, recipe: Recipe, written: Written) -> dict[str, Any]:
    """Recipe, parameters with stage versions, packages, licences of the sources, and a digest of every table."""
    parameters = workspace.settings.parameters()
    licences = Counter((row.collection, row.licence) for row in sources.rows(Report))
    return {
        "recipe": recipe.name,
        "paxflow": version("paxflow"),
        "parameters": {name: parameters[name] for name in PARAMETERS} | {"recipe": parameters["recipes"][recipe.name]},
        "packages_at_release": {name: version(name) for name in _PINNED},
        "reports": [
            {"collection": collection, "licence": licence, "reports": count}
            for (collection, licence), count in sorted(licences.items())
        ],
        "tables": written,
    }

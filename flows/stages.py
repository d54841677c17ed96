"""The pipeline, in order. Read this first.

Each step is one module, one folder, one section of ``params.yaml`` and, from ``catalog`` on, one stage of ``dvc.yaml``
that runs ``paxflow run <name>``. ``reads`` is what makes a step run again.
"""

from dataclasses import dataclass
from importlib import import_module

from curation.errors import UsageError
from curation.stage import Stage


@dataclass(frozen=True)
class Step:
    """One step: its module holds ``STAGE`` (the release, which is built as a whole, holds ``build``)."""

    name: str
    module: str
    reads: tuple[str, ...]
    about: str

    def load(self) -> Stage:
        """Import the module and return its stage."""
        stage: Stage = import_module(self.module).STAGE
        return stage


_RELEASED = ("catalog", "render", "consensus", "project", "measure", "mine", "similar", "ground", "decide")
PIPELINE = (
    # vault: sources, rejects and the key never leave it
    Step("ingest", "curation.ingest", (), "takes stock of the landing zone"),
    Step("deid", "curation.deid.stage", (), "de-identifies and verifies; the only way into data/"),
    # work: derived from data/, one DVC stage each
    Step("catalog", "curation.catalog", ("data",), "patients, studies, series, and which report belongs to which"),
    Step("render", "curation.render", ("data", "work/catalog"), "a picture of each radiograph"),
    Step("segment", "projection.segment", ("data", "work/catalog"), "labels every CT voxel"),
    Step("consensus", "labeling.consensus", ("data", "work/catalog"), "several readers' marks as one"),
    Step(
        "project",
        "projection.project",
        ("data", "work/catalog", "work/segment", "work/consensus"),
        "X-ray views of each CT, and every label's mask on them",
    ),
    Step("measure", "projection.measure.stage", ("work/project",), "what a radiologist would measure on them"),
    Step("mine", "labeling.mine", ("data",), "findings of each report, and whether they are there"),
    Step("similar", "labeling.similar.stage", ("data", "work/mine"), "the reports nearest to each report"),
    Step(
        "ground",
        "labeling.ground",
        ("data", "work/catalog", "work/mine", "work/project"),
        "where on the image they are",
    ),
    Step("decide", "labeling.decide", ("data",), "readers' answers as one, and how well readers agree"),
    Step(
        "route",
        "labeling.route",
        ("data", "work/catalog", "work/consensus", "work/decide", "work/measure", "work/mine", "work/project"),
        "which cases a reader should see, and why",
    ),
    # release: what modelers pull
    Step(
        "release",
        "curation.release.build",
        ("data", *(f"work/{name}" for name in _RELEASED)),
        "the tables and images of one recipe",
    ),
)
BORDER = ("ingest", "deid")


def step_named(name: str) -> Step:
    """The step of that name; raises UsageError with the names there are."""
    for step in PIPELINE:
        if step.name == name:
            return step
    raise UsageError(f"there is no stage '{name}': the stages are {', '.join(step.name for step in PIPELINE)}")

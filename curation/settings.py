"""Settings: every value of ``params.yaml`` that changes a result, one frozen section per stage.

A section's ``version`` is the version of the stage's code. It stands in ``params.yaml`` so that DVC and every
fingerprint see it; a workspace that pins another version is told so instead of mixing two.
Paths and secrets never stand here: they come from the environment (``PAXFLOW_…``).
"""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from curation.errors import SettingsError

Fraction = Annotated[float, Field(ge=0, le=1)]
ViewName = Literal["PA", "AP", "LAT", "RL", "LAO", "RAO", "LPO", "RPO"]
LabelSetName = Literal["chexpert", "nih", "vindr", "padchest"]
Positive = Annotated[float, Field(gt=0)]
STRATUM = r"^(sex|age|view|site|label:.+)$"
"""What a split can be balanced by; a label is CheXpert's."""


DeidOption = Literal[
    "retain_safe_private",
    "retain_uids",
    "retain_device_identity",
    "retain_institution_identity",
    "retain_patient_characteristics",
    "retain_modified_dates",
    "clean_descriptors",
    "clean_structured_content",
    "clean_graphics",
    "clean_pixel_data",
]


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names or len(set(names)) != len(names):
        raise ValueError("name at least one, and each once")
    return names


class Section(BaseModel):
    """A stage's parameters; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    batch_items: Annotated[int, Field(ge=1)] = 200

    def parameters(self) -> dict[str, Any]:
        """What changes a result: all but how many items go into a batch."""
        return self.model_dump(mode="json", exclude={"batch_items"})


class IngestSettings(Section):
    """Which files are taken from the landing zone."""

    version: Literal[3]
    batch_items: int = 1000


class DeidSettings(Section):
    """De-identification at the border: options of PS3.15 Annex E over its Basic Profile."""

    version: Literal[4]
    batch_items: int = 500
    options: Annotated[tuple[DeidOption, ...], AfterValidator(_each_once)]
    max_shift_days: Annotated[int, Field(ge=30, le=36500)]
    oldest_age_years: Annotated[int, Field(ge=1, le=120)]
    pixel_recheck_share: Fraction
    crosswalk: bool = False


class CatalogSettings(Section):
    """What counts as a usable series."""

    version: Literal[2]
    batch_items: int = 500
    min_slices: Annotated[int, Field(ge=2)]
    spacing_tolerance: Fraction


class SegmentSettings(Section):
    """Where labels come from."""

    version: Literal[1]
    batch_items: int = 8
    engine: Literal["import"]
    grid_tolerance_mm: Positive


class ConsensusSettings(Section):
    """How several readers become one answer."""

    version: Literal[1]
    method: Literal["staple", "majority"]
    min_readers: Annotated[int, Field(ge=1)]
    threshold: Fraction


class ProjectSettings(Section):
    """What is done to a CT, and the detector and beam of its projected views."""

    version: Literal[3]
    batch_items: int = 4
    views: Annotated[tuple[ViewName, ...], AfterValidator(_each_once)]
    beam: Literal["cone", "parallel"]
    size_px: Annotated[int, Field(ge=32, le=4096)]
    detector_mm: Positive
    source_to_detector_mm: Positive
    min_thickness_mm: Annotated[float, Field(ge=0)]
    min_area_px: Annotated[int, Field(ge=1)]
    label_slice_mm: Positive
    remove_table: bool
    remove_contrast: bool
    preset: Literal["film", "paxray", "drr"]
    partners: bool


class MeasureSettings(Section):
    """Limits of the measurements, where they are not to be those of ``projection/measure/measurements.tsv``."""

    version: Literal[3]
    limits: dict[str, tuple[float, ...]] = {}


class MineSettings(Section):
    """Report mining."""

    version: Literal[3]
    batch_items: int = 1000
    label_sets: Annotated[tuple[LabelSetName, ...], AfterValidator(_each_once)]
    dictionary: str


class GroundSettings(Section):
    """Which mentions are placed, and on what."""

    version: Literal[3]
    batch_items: int = 1000
    assertions: tuple[Literal["present", "absent", "uncertain"], ...]
    atlas: bool


class DecideSettings(Section):
    """How several readers' answers become one, and which are to be adjudicated."""

    version: Literal[1]
    method: Literal["dawid_skene", "majority"]
    min_share: Fraction
    min_box_iou: Fraction
    min_mask_dice: Fraction
    bootstrap: Annotated[int, Field(ge=0, le=100_000)]


class RouteSettings(Section):
    """Which cases a reader is asked about."""

    version: Literal[3]
    batch_items: int = 1000
    measurement_margin: Annotated[float, Field(ge=0)]
    min_quality: Fraction
    min_agreement_dice: Fraction
    probability_margin: Fraction
    rarity_weight: Fraction


class RenderSettings(Section):
    """Pictures of radiographs."""

    version: Literal[1]
    batch_items: int = 500
    size_px: Annotated[int, Field(ge=32, le=8192)]


class SimilarSettings(Section):
    """How many of the nearest reports are kept."""

    version: Literal[1]
    batch_items: int = 8  # each item is a thousand reports
    nearest: Annotated[int, Field(ge=0, le=1000)]


class Shares(BaseModel):
    """Shares of the splits, in this order whatever the order in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    train: Fraction
    valid: Fraction
    test: Fraction

    @model_validator(mode="after")
    def _sum_to_one(self) -> "Shares":
        if abs(self.train + self.valid + self.test - 1) > 1e-9:
            raise ValueError("train, valid and test must sum to 1")
        return self


class RecipeSettings(Section):
    """A release recipe."""

    version: Literal[2]
    title: str
    licence: str
    attribution: str
    split: Shares
    split_salt: str
    stratify: tuple[Annotated[str, Field(pattern=STRATUM)], ...] = ()
    """What splits are balanced by; a balanced split keeps what the version ``since`` had."""
    official: str = ""
    """Name of an official split that is honoured before any other rule; ``paxflow release official`` takes it in."""
    hidden_test: bool = False
    """The answers of the test split stand apart, in ``answers/<recipe>``."""
    since: str = ""
    """The published version that CHANGES.md compares with; ``paxflow release publish`` sets it."""


class TargetSettings(RecipeSettings):
    """What a state becomes as a target: left out of the loss, 1 or 0 (CheXpert's U-Ignore, U-Ones, U-Zeros)."""

    uncertain: Literal["ignore", "ones", "zeros"]
    not_mentioned: Literal["ignore", "zeros"]


class TextSettings(RecipeSettings):
    """Which reports' words may be passed on, by the licence of the report."""

    text_licences: tuple[str, ...]


RECIPE_SETTINGS: dict[str, type[RecipeSettings]] = {
    "classification": TargetSettings,
    "reader-boxes": RecipeSettings,
    "paxray": TargetSettings,
    "report-pairs": TextSettings,
    "prior-grounded": TextSettings,
    "concepts": TextSettings,
}
"""The recipes there are, and what can be set of each."""


def _recipes(given: object) -> dict[str, RecipeSettings]:
    """Each recipe's section under its own model; a fault inside one is named by recipe and key."""
    if not isinstance(given, dict) or not given.keys() <= RECIPE_SETTINGS.keys():
        raise ValueError(f"the recipes are {', '.join(RECIPE_SETTINGS)}")
    made = {}
    for name, value in given.items():
        try:
            made[name] = RECIPE_SETTINGS[name].model_validate(value)
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise ValueError(f"{name}: {faults}") from None
    return made


class Settings(BaseModel):
    """All of ``params.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ingest: IngestSettings
    deid: DeidSettings
    catalog: CatalogSettings
    render: RenderSettings
    segment: SegmentSettings
    consensus: ConsensusSettings
    project: ProjectSettings
    measure: MeasureSettings
    mine: MineSettings
    similar: SimilarSettings
    ground: GroundSettings
    decide: DecideSettings
    route: RouteSettings
    recipes: Annotated[dict[str, RecipeSettings], BeforeValidator(_recipes)]

    def parameters(self) -> dict[str, Any]:
        """What changes a result, by section."""
        sections = {name: getattr(self, name) for name in type(self).model_fields if name != "recipes"}
        recipes = {name: recipe.parameters() for name, recipe in self.recipes.items()}
        return {name: section.parameters() for name, section in sections.items()} | {"recipes": recipes}


def load_settings(path: Path) -> Settings:
    """Read and check ``params.yaml``; raises SettingsError naming the keys that are wrong."""
    try:
        return _checked(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(
            f"no {path.name} here: run this inside a paxflow workspace, or make one with `paxflow init`"
        ) from None
    except (ValidationError, yaml.YAMLError) as error:
        raise SettingsError(f"{path.name} cannot be used:\n{_explain(error)}") from None


@lru_cache(maxsize=4)
def _checked(text: str) -> Settings:
    return Settings.model_validate(yaml.safe_load(text))


def _explain(error: ValidationError | yaml.YAMLError) -> str:
    if isinstance(error, yaml.YAMLError):
        return str(error)
    return "\n".join(f"  {'.'.join(map(str, e['loc']))}: {e['msg']}{_given(e['input'])}" for e in error.errors())


def _given(value: Any) -> str:
    """What stood there, unless it is a whole section."""
    return "" if isinstance(value, dict) else f" (got {value!r})"

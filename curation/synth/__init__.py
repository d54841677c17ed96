"""A synthetic cohort: phantom CTs with labelmaps, radiographs, reports, the mishaps of a real intake, and the truth."""

from curation.synth.cohort import generate
from curation.synth.mishaps import MISHAPS

__all__ = ["MISHAPS", "generate"]

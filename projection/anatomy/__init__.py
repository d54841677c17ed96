"""The anatomy labels of PAXRay++: their table, and how each is made in 3-D from the structures of a labelmap."""

from projection.anatomy.labels import Anatomy, Derivable, How, anatomy, anatomy_layers, derivable

__all__ = ["Anatomy", "Derivable", "How", "anatomy", "anatomy_layers", "derivable"]

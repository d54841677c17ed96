"""From line integrals to pictures that look like films."""

from projection.appearance.film import png, render

__all__ = ["png", "render"]

"""Fixtures of every test."""

from tests.studio import studio

__all__ = ["studio"]

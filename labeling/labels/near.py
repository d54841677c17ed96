"""What someone may have meant: a suggestion at the end of an error's message."""

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'Edema'?`` where a known word is alike, else nothing.

    >>> nearest("Edemma", ["Edema", "Fracture"]), nearest("xyz", ["Edema"])
    ("; did you mean 'Edema'?", '')
    """
    folded = {plain(name): name for name in known}
    alike = difflib.get_close_matches(plain(word), folded, n=1)
    return f"; did you mean '{folded[alike[0]]}'?" if alike else ""


def plain(word: str) -> str:
    """A name without case, underscores and outer spaces: published tables spell one label in several ways.

    >>> plain("Pleural_Thickening") == plain("pleural thickening")
    True
    """
    return " ".join(word.replace("_", " ").casefold().split())

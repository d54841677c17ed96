"""Everything that paxflow raises on purpose.

    PaxflowError            1
    ├── UsageError          2   the call is wrong: an unknown name, a bad option, no workspace here
    ├── SettingsError       3   params.yaml is not what this version expects
    ├── VaultError          4   no vault, no key, or a key or place that is refused
    ├── InputError          5   there is nothing to work on, or the input as a whole cannot be used
    ├── IntegrityError      6   a promise would be broken: row law, checksum, split, release check
    ├── BorderError         7   something identifying would pass, or has passed, the vault's border
    ├── BusyError           8   another process holds the lock
    ├── ToolError           9   git, dvc, pip or prefect failed
    └── RefusedError       10   the call did its work, and refused some of the input

The number is the exit code of the command line. A message says what was expected, what came and what to do, and never
holds a value that could identify someone. ``Rejected`` is not an error: it ends one item, with a reason.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from curation.records import Reason


class PaxflowError(Exception):
    """Base of the tree; ``exit_code`` is what the command line returns."""

    exit_code = 1


class UsageError(PaxflowError):
    """The call is wrong."""

    exit_code = 2


class SettingsError(PaxflowError):
    """``params.yaml`` is not what this version expects."""

    exit_code = 3


class VaultError(PaxflowError):
    """No vault, no key, or one that is refused."""

    exit_code = 4


class InputError(PaxflowError):
    """There is nothing to work on, or the input as a whole cannot be used."""

    exit_code = 5


class IntegrityError(PaxflowError):
    """A promise would be broken."""

    exit_code = 6


class BorderError(PaxflowError):
    """Something identifying would pass, or has passed, the border of the vault."""

    exit_code = 7


class BusyError(PaxflowError):
    """Another process holds the lock."""

    exit_code = 8


class ToolError(PaxflowError):
    """A tool that we call failed."""

    exit_code = 9


class RefusedError(PaxflowError):
    """The call did its work, and refused some of the input."""

    exit_code = 10


class Rejected(Exception):  # noqa: N818 - an outcome of one item, not an error of the run
    """Ends one item with a reason from the closed list; ``detail`` never holds a value from the item."""

    def __init__(self, reason: "Reason", detail: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type["Rejected"], tuple["Reason", str]]:
        return type(self), (self.reason, self.detail)

"""Files that a user names to be written: refused before any work where they cannot be, or are what is read."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from curation.errors import UsageError
from curation.store import atomic


def check_target(target: Path, sources: Iterable[Path] = ()) -> Path:
    """Where ``target`` really lies, links followed.

    Raises UsageError unless it is new or a plain file, and neither one of ``sources`` nor inside of one.
    """
    try:
        real = target.resolve()
        is_other = real.exists() and not real.is_file()
        is_read = any(_holds(source, real) for source in sources)
    except (OSError, RuntimeError):  # RuntimeError: links that go round
        raise UsageError(
            f"{target.name}: expected a file that can be written; this place cannot be looked at"
        ) from None
    if is_other:
        raise UsageError(f"{target.name}: expected a file to write; a folder, device or pipe is there: name another")
    if is_read:
        raise UsageError(f"{target.name}: expected a file that is not what is read, nor in that folder: name another")
    return real


def _holds(source: Path, target: Path) -> bool:
    if source.is_dir():
        return target.is_relative_to(source.resolve())
    if source.exists() and target.exists():
        return source.samefile(target)
    return source.resolve() == target


@contextmanager
def new_file(target: Path, sources: Iterable[Path] = ()) -> Iterator[Path]:
    """A temporary path that becomes ``target`` when the block ends well; what was there stays until then.

    Raises UsageError as ``check_target``, and where the system refuses the writing.
    """
    real = check_target(target, sources)
    try:
        with atomic(real) as pending:
            yield pending
    except OSError as error:  # no room, no right, a name too long
        raise UsageError(f"{target.name}: cannot be written: {error.strerror}; make room, or name another") from None

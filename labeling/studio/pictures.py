"""Pictures where readers can see them: in a folder that our own server serves, or uploaded through another's API.

A file is named by the SHA-256 of its bytes, so that the same picture is stored once and a name says nothing of a case.
"""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from labeling.asking.asked import Shown
from labeling.studio.client import Server
from labeling.studio.connection import Connection

FOLDER = "pictures"
"""Below the served folder: Label Studio opens none to a project but those below it."""
_MOST_BYTES = 16 << 20


class Gallery(Protocol):
    """Where pictures of one project go."""

    def put(self, shown: Iterable[Shown]) -> dict[str, dict[str, str]]:
        """Store the pictures of some cases; address by name of the form's variable, by case."""


def gallery(server: Server, connection: Connection, project_id: int) -> Gallery:
    """The way that this server takes pictures."""
    if connection.files is None:
        return Uploads(server, project_id)
    folder = connection.files / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    server.add_folder(project_id, folder.resolve())
    return Files(folder)


@dataclass(frozen=True)
class Files:
    """A folder of our own server."""

    folder: Path

    def put(self, shown: Iterable[Shown]) -> dict[str, dict[str, str]]:
        """See Gallery."""
        return {case.case_id: {name: self._put(data) for name, data in case.pictures.items()} for case in shown}

    def _put(self, data: bytes) -> str:
        path = self.folder / name_of(data)
        if not path.is_file() or path.stat().st_size != len(data):
            temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            temporary.replace(path)
        return f"/data/local-files/?d={FOLDER}/{path.name}"


@dataclass
class Uploads:
    """Files of one project on another's server."""

    server: Server
    project_id: int
    _there: dict[str, str] | None = field(default=None, init=False)

    def put(self, shown: Iterable[Shown]) -> dict[str, dict[str, str]]:
        """See Gallery."""
        names: dict[str, dict[str, str]] = {}
        waiting: dict[str, bytes] = {}
        for case in shown:
            names[case.case_id] = {variable: name_of(data) for variable, data in case.pictures.items()}
            waiting |= {name: data for data in case.pictures.values() if (name := name_of(data)) not in self.there}
            if sum(map(len, waiting.values())) > _MOST_BYTES:
                waiting = self._upload(waiting)
        self._upload(waiting)
        return {
            case_id: {variable: self.there[name] for variable, name in by_variable.items()}
            for case_id, by_variable in names.items()
        }

    @property
    def there(self) -> dict[str, str]:
        """Address by name, asked for once and after each upload."""
        if self._there is None:
            self._there = self.server.files(self.project_id)
        return self._there

    def _upload(self, waiting: dict[str, bytes]) -> dict[str, bytes]:
        if waiting:
            self.server.upload(self.project_id, waiting)
            self._there = None
        return {}


def name_of(data: bytes) -> str:
    """The file name of a picture."""
    return f"{hashlib.sha256(data).hexdigest()}.png"

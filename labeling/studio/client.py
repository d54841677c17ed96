"""Label Studio through its SDK: the one adapter. Nothing here knows what a case means.

Calls that change nothing are tried again with a longer pause each time when the server does not answer or says that it
cannot; calls that make something are not, for their answer alone may have been lost. Bulk imports and uploads go as raw
REST: the SDK walks through every number of a mask's run lengths, which takes longer than all the rest.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import httpx
from label_studio_sdk.core.api_error import ApiError

from curation.errors import ToolError, UsageError
from labeling.studio.connection import Connection, bare_client, client_for

if TYPE_CHECKING:
    from label_studio_sdk.base_client import LabelStudioBase
    from label_studio_sdk.core.pagination import SyncPager

T = TypeVar("T")
_PAUSES_S = (0.5, 1.0, 2.0, 4.0)
_PAGE = 200
_MOST_TASKS, _MOST_BYTES = 100, 8 << 20
"""Of one import."""
_COUNTS = "total_annotations_number,skipped_annotations_number"
_BARE = "id,meta,updated_at,total_annotations,cancelled_annotations"
_READS = (
    "id,meta,updated_at,annotations,result,completed_by,updated_by,was_cancelled,lead_time,parent_prediction,created_at"
)
ACTIONS = ("ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED")
"""Webhook actions that say that a read has changed."""


@dataclass(frozen=True)
class Project:
    """A project with how many annotations it holds."""

    project_id: int
    description: str
    model_version: str
    submitted: int
    skipped: int


@dataclass(frozen=True)
class Task:
    """A task without what it shows."""

    task_id: int
    meta: Mapping[str, Any]
    updated_at: datetime
    is_read: bool
    """Whether it has an annotation, skipped or not."""


@dataclass(frozen=True)
class Read:
    """An annotation as it is now; results as Label Studio has them."""

    number: int
    made_at: datetime
    at: datetime
    by: tuple[int, ...]
    """Users: whose it is said to be, and who changed it last; one if they are the same."""
    is_skipped: bool
    seconds: float | None
    parent: int | None
    """Prediction that it started from."""
    results: list[dict[str, Any]]


@dataclass(frozen=True)
class ReadTask:
    """A task with all its annotations."""

    task: Task
    reads: tuple[Read, ...]


class Server:
    """One Label Studio; raises UsageError if the token is refused, ToolError if a call fails."""

    def __init__(self, connection: Connection, pauses_s: Sequence[float] = _PAUSES_S) -> None:
        sdk = import_module("label_studio_sdk.base_client")  # 0.2 s that a command without a server saves
        self._bare = bare_client(connection.url)
        self._sdk: LabelStudioBase = sdk.LabelStudioBase(
            base_url=connection.url, api_key=connection.token, max_retries=0, httpx_client=self._bare
        )
        self._raw = client_for(connection)
        self._pauses_s = pauses_s

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bare.close()
        self._raw.close()

    def version(self) -> str:
        """E.g. 1.23.2."""
        return str(self._asked("its version", self._sdk.versions.get).release or "")

    def users(self) -> dict[int, str]:
        """E-mail by id."""
        return {int(row.id): row.email or "" for row in self._asked("its users", self._sdk.users.list)}

    # --- projects ----------------------------------------------------------------------------------------

    def projects(self) -> Iterator[Project]:
        """All projects, the oldest first."""
        fields = f"id,description,model_version,{_COUNTS}"
        for row in self._pages(
            "its projects",
            lambda page: self._sdk.projects.list(page=page, page_size=_PAGE, include=fields, ordering="id"),
        ):
            yield Project(
                int(row.id),
                row.description or "",
                row.model_version or "",
                int(row.total_annotations_number or 0),
                int(row.skipped_annotations_number or 0),
            )

    def create_project(self, settings: Mapping[str, Any]) -> int:
        """The id of a new project; ``settings`` as in the API."""
        made = self._asked("a new project", lambda: self._sdk.projects.create(**settings), again=False)
        return int(made.id)

    def update_project(self, project_id: int, settings: Mapping[str, Any]) -> None:
        """Change settings of a project."""
        self._asked("settings of a project", lambda: self._sdk.projects.update(project_id, **settings))

    def delete_project(self, project_id: int) -> None:
        """Delete a project and all that it holds."""
        self._asked("a project to delete", lambda: self._sdk.projects.delete(project_id))

    # --- tasks -------------------------------------------------------------------------------------------

    def tasks(self, project_id: int) -> Iterator[Task]:
        """All tasks of a project in the order of their ids."""
        for row in self._tasks(project_id, _BARE, "task_only", None):
            is_read = bool((row.total_annotations or 0) + (row.cancelled_annotations or 0))
            yield _task(row, is_read)

    def reads(self, project_id: int, since: datetime | None = None) -> Iterator[ReadTask]:
        """Tasks with their annotations; those that were changed after ``since`` only, if it is given."""
        for row in self._tasks(project_id, _READS, "all", since):
            reads = tuple(_read(found) for found in row.annotations or ())
            yield ReadTask(_task(row, bool(reads)), reads)

    def prediction_numbers(self, task_id: int) -> list[int]:
        """Numbers of a task's predictions, in the order in which they were made."""
        rows = self._asked("predictions", lambda: self._sdk.predictions.list(task=task_id))
        return sorted(int(row.id) for row in rows)

    def made_at(self, read_number: int) -> datetime | None:
        """When an annotation was made; None if it is gone."""
        row = self._asked("an annotation", lambda: _if_there(partial(self._sdk.annotations.get, read_number)))
        return row.created_at if row else None

    def add_tasks(self, project_id: int, tasks: Iterable[Mapping[str, Any]]) -> Iterator[int]:
        """Import tasks with their predictions, some at a time; yields how many went each time.

        A piece is taken whole or, if it fails, not at all.
        """
        waiting: list[bytes] = []
        for task in tasks:
            waiting.append(json.dumps(task, separators=(",", ":"), ensure_ascii=False).encode())
            if len(waiting) == _MOST_TASKS or sum(map(len, waiting)) > _MOST_BYTES:
                yield self._import(project_id, waiting)
                waiting = []
        if waiting:
            yield self._import(project_id, waiting)

    def _import(self, project_id: int, tasks: Sequence[bytes]) -> int:
        body = b"[" + b",".join(tasks) + b"]"
        self._posted(f"/api/projects/{project_id}/import", content=body, headers={"Content-Type": "application/json"})
        return len(tasks)

    def delete_unread(self, project_id: int, task_ids: Sequence[int]) -> None:
        """Delete those of the tasks that have no annotation at the time that the server does it."""
        nothing = {"operator": "equal", "type": "Number", "value": 0}
        filters = [
            {"filter": f"filter:tasks:{name}", **nothing} for name in ("total_annotations", "cancelled_annotations")
        ]
        body = {
            "filters": {"conjunction": "and", "items": filters},
            "selectedItems": {"all": False, "included": list(task_ids)},
        }
        self._posted(f"/api/dm/actions?id=delete_tasks&project={project_id}", json=body)

    # --- pictures ----------------------------------------------------------------------------------------

    def add_folder(self, project_id: int, folder: Path) -> None:
        """Let those who may see a project see the pictures of a local folder; nothing happens if they may."""
        storages = self._sdk.import_storage.local
        there = self._asked("local storages", lambda: storages.list(project=project_id))
        if not any(row.path == str(folder) for row in there):
            made = {"project": project_id, "path": str(folder), "title": "pictures", "use_blob_urls": True}
            self._asked("a local storage", lambda: storages.create(**cast(Any, made)), again=False)

    def files(self, project_id: int) -> dict[str, str]:
        """Address by name, of the files that were uploaded to a project; the server puts eight digits before a name."""
        rows = self._asked("uploaded files", lambda: self._sdk.files.list(project_id, all_=True))
        paths = (str(row.file) for row in rows)
        return {path.rpartition("/")[2].partition("-")[2]: f"/data/{path}" for path in paths}

    def upload(self, project_id: int, files: Mapping[str, bytes]) -> None:
        """Upload PNG files; ``files`` says where they are."""
        parts = [(name, (name, data, "image/png")) for name, data in files.items()]
        self._posted(f"/api/projects/{project_id}/import?commit_to_project=false", files=parts)

    # --- webhooks ----------------------------------------------------------------------------------------

    def set_webhooks(self, project_ids: Iterable[int], url: str, headers: Mapping[str, str]) -> None:
        """Have changes of these projects' annotations told to ``url``, without their content; once each.

        Community's server has no webhook for a whole organization.
        """
        hooks = self._sdk.webhooks
        settings: dict[str, Any] = {
            "url": url, "headers": dict(headers), "actions": list(ACTIONS),
            "send_for_all_actions": False, "send_payload": False, "is_active": True,
        }  # fmt: skip
        there = {row.project: row for row in self._asked("webhooks", hooks.list) if row.url == url}
        for project_id in project_ids:
            row = there.get(project_id)
            if row is None:
                self._asked("a webhook", partial(hooks.create, project=project_id, **settings), again=False)
            elif row.headers != settings["headers"]:
                self._asked("a webhook", partial(hooks.update, int(row.id or 0), **settings))

    # --- calls -------------------------------------------------------------------------------------------

    def _tasks(self, project_id: int, include: str, fields: Any, since: datetime | None) -> Iterator[Any]:
        query: dict[str, Any] = {"ordering": ["tasks:id"]}
        if since is not None:
            when = {"operator": "greater", "type": "Datetime", "value": f"{since:%Y-%m-%dT%H:%M:%S.%fZ}"}
            query["filters"] = {"conjunction": "and", "items": [{"filter": "filter:tasks:updated_at", **when}]}
        asked = {"project": project_id, "include": include, "fields": fields, "query": json.dumps(query)}
        return self._pages(
            "its tasks", lambda page: self._sdk.tasks.list(page=page, page_size=_PAGE, **cast(Any, asked))
        )

    def _pages(self, what: str, get: Callable[[int], "SyncPager[Any, Any]"]) -> Iterator[Any]:
        """Rows of all pages; the server answers 404 for the page after the last."""
        for page in count(1):
            rows = self._asked(what, partial(_page, get, page))
            yield from rows
            if len(rows) < _PAGE:
                return

    def _asked(self, what: str, call: Callable[[], T], again: bool = True) -> T:
        for pause_s in (*self._pauses_s, None):
            try:
                return call()
            except ApiError as error:
                status = error.status_code or 0
            except httpx.TransportError:
                status = 0
            if not again or pause_s is None or not _may_pass(status):
                raise _failed(what, status) from None
            time.sleep(pause_s)
        raise AssertionError("the last pause is None")

    def _posted(self, path: str, **content: Any) -> None:
        try:
            status = self._raw.post(path, **content).status_code
        except httpx.TransportError:
            status = 0
        if status >= 300 or not status:
            raise _failed(path.partition("?")[0].rpartition("/")[2], status) from None


def _page(get: Callable[[int], "SyncPager[Any, Any]"], page: int) -> list[Any]:
    try:
        return list(get(page).items or ())
    except ApiError as error:
        if page > 1 and error.status_code == 404:
            return []
        raise


def _if_there(get: Callable[[], T]) -> T | None:
    try:
        return get()
    except ApiError as error:
        if error.status_code == 404:
            return None
        raise


def _may_pass(status: int) -> bool:
    """No answer, too many requests, or a fault of the server."""
    return status in (0, 429) or status >= 500


def _failed(what: str, status: int) -> ToolError | UsageError:
    if status in (401, 403):
        return UsageError(
            f"Label Studio refuses the token (asked for {what}): `paxflow studio connect URL` takes another"
        )
    if not status:
        return ToolError(f"Label Studio does not answer (asked for {what}): is it up? Then run the same command again")
    return ToolError(f"Label Studio answered {status} (asked for {what}): its log says why; nothing was lost here")


def _task(row: Any, is_read: bool) -> Task:
    meta = row.meta if isinstance(row.meta, dict) else {}
    return Task(int(row.id), meta, _time(row.updated_at), is_read)


def _read(row: Mapping[str, Any]) -> Read:
    by = (row.get("completed_by"), row.get("updated_by"))
    return Read(
        number=int(row["id"]),
        made_at=_time(row["created_at"]),
        at=_time(row["updated_at"]),
        by=tuple(dict.fromkeys(_number(user) for user in by if user)),
        is_skipped=bool(row.get("was_cancelled")),
        seconds=row.get("lead_time"),
        parent=row.get("parent_prediction"),
        results=list(row.get("result") or ()),
    )


def _number(user: Any) -> int:
    """A user's id, which some versions wrap in an object."""
    return int(user["id"]) if isinstance(user, Mapping) else int(user)


def _time(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def known(projects: Iterable[Project], marker: str) -> list[Project]:
    """Projects whose description holds the marker, the oldest first."""
    return sorted((row for row in projects if marker in row.description), key=lambda row: row.project_id)

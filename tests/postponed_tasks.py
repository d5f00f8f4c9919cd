"""Tasks whose annotations are read later, as `from __future__ import annotations` leaves them."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import BaseModel

from pgqueue import Task, task


@task
def draw(shape: Shape, when: date | None = None) -> None:
    """Names a class that stands further down."""


class Shape(BaseModel):
    corners: int


def nested_task() -> Task[..., Any]:
    """A task that names a class nobody can look up."""

    class Local(BaseModel):
        number: int

    @task
    def inner(value: Local) -> None: ...

    return inner

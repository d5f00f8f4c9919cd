"""Tests that what the operator hides of jobs is in no answer."""

import json
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from pgqueue import AsyncClient, Job
from tests.http.conftest import caller

SECRET = "sesame"


def hide(task: str, part: str, value: Any) -> str:
    return f"no {part} of {task}"


async def test_a_hook_hides_every_part_of_a_job(
    client: AsyncClient, make_app: Callable[..., FastAPI]
) -> None:
    done = await client.enqueue(
        Job(task="t", payload=json.dumps({"x": SECRET}), headers={"x": SECRET}, keep_result=True)
    )
    for delivery in await client.claim("default"):
        await client.finish(delivery, result=SECRET)
    dead = await client.enqueue(Job(task="t", payload="{}"))
    for delivery in await client.claim("default"):
        await client.bury(delivery, ValueError(SECRET))
    async with caller(make_app(redact=hide)) as api:
        answers = [await api.get(path) for path in (f"/v1/jobs/{done}", f"/v1/jobs/{dead}", "/v1/dead")]

    succeeded, died, page = (answer.json() for answer in answers)
    assert not any(SECRET in answer.text for answer in answers)
    assert [succeeded[part] for part in ("payload", "headers", "result", "error")] == [
        "no payload of t", "no headers of t", "no result of t", None,
    ]  # fmt: skip
    assert died["error"] == died["attempts"][0]["error"] == "no error of t"
    assert page["items"][0]["error"] == "no error of t"

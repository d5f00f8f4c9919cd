"""Errors as RFC 9457 tells them, application/problem+json.

They must never tell what only whoever runs the server may know: that is logged.
"""

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from pgqueue.drivers.failures import sqlstate_of
from pgqueue.errors import (
    InvalidJob,
    InvalidSetting,
    LeaseLost,
    NoConnection,
    PayloadTooLarge,
    PgQueueError,
    UnknownJob,
)

log = logging.getLogger("pgqueue.http")

MEDIA_TYPE = "application/problem+json"
KINDS = "urn:pgqueue:problem:"
LONGEST_TEXT = 500
MOST_FAULTS = 100
RETRY_AFTER = {"Retry-After": "2"}  # seconds
PASSING = ("08", "40", "53", "57", "55P03")  # by SQLSTATE or its class: the same request may do later
STATUSES: dict[type[PgQueueError], HTTPStatus] = {  # the first that fits
    PayloadTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    InvalidJob: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidSetting: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnknownJob: HTTPStatus.NOT_FOUND,
    LeaseLost: HTTPStatus.CONFLICT,
}


class Fault(BaseModel):
    """One thing that is wrong with a request: where, and why."""

    place: str
    reason: str


class Problem(BaseModel):
    """Why a request was not done.

    type: names the kind, the same for every problem of it. detail: this one, for people.
    """

    type: str
    title: str
    status: int
    detail: str
    errors: list[Fault] = []


def response(
    status: int,
    detail: str,
    *,
    kind: str | None = None,
    errors: list[Fault] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The answer for a problem; `kind`, such as UnknownJob, is the status's own phrase unless given."""
    words = re.findall(r"[A-Z][a-z]*|\d+", kind) if kind else HTTPStatus(status).phrase.split()
    problem = Problem(
        type=KINDS + "-".join(words).lower(),
        title=" ".join(words).capitalize(),
        status=status,
        detail=shortened(detail),
        errors=errors or [],
    )
    return JSONResponse(
        problem.model_dump(), status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {})
    )


def shortened(text: str) -> str:
    """The text, cut where it is long: a request's own may stand in it."""
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}..."


async def of_ours(_: Request, error: Exception) -> JSONResponse:
    """What pgqueue itself refuses."""
    kind = type(error).__name__
    for ours, status in STATUSES.items():
        if isinstance(error, ours):
            return response(status, str(error), kind=kind)
    return unavailable(error, kind, lasting=not isinstance(error, NoConnection))


async def of_database(_: Request, error: Exception) -> JSONResponse:
    """What the server refuses: a moment's trouble, or a mistake in how we are set up."""
    code = sqlstate_of(error)
    passes = isinstance(error, psycopg.OperationalError) if code is None else code.startswith(PASSING)
    return unavailable(error, "DatabaseTrouble", lasting=not passes)


def unavailable(error: Exception, kind: str, *, lasting: bool) -> JSONResponse:
    """The answer where it is not the request's fault."""
    said = " ".join([str(error), *getattr(error, "__notes__", ())])
    log.error("%s: %s", kind, " ".join(said.split()))
    if lasting:
        return response(500, "the server is not set up for this; its log says more", kind=kind)
    detail = "the database could not be asked, or did not answer; look before asking again for a change"
    return response(503, detail, kind=kind, headers=RETRY_AFTER)


async def of_request(_: Request, error: Exception) -> JSONResponse:
    """A request that does not say what it should. What it said is not repeated: it may be secret."""
    found = error.errors() if isinstance(error, RequestValidationError) else []
    faults = [
        Fault(place=shortened(".".join(map(str, entry["loc"]))), reason=shortened(entry["msg"]))
        for entry in found
    ]
    detail = "; ".join(f"{fault.place}: {fault.reason}" for fault in faults[:3])
    return response(422, detail, kind="InvalidRequest", errors=faults)


async def of_http(_: Request, error: Exception) -> JSONResponse:
    """No such path, no such method, too long a body."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = str(error.detail) if isinstance(error, HTTPException) else ""
    return response(status, detail, headers=getattr(error, "headers", None))


async def of_bug(_: Request, __: Exception) -> JSONResponse:
    """A mistake of ours; its traceback is in the log."""
    return response(500, "a mistake of the server's own; its log says more")


def tell_problems(app: FastAPI) -> None:
    """Have all errors of the app told so."""
    app.add_exception_handler(PgQueueError, of_ours)
    app.add_exception_handler(psycopg.Error, of_database)
    app.add_exception_handler(RequestValidationError, of_request)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(Exception, of_bug)


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How OpenAPI tells that these may come."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: schema}}
        for status in statuses
    }

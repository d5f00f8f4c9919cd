"""What can be set: each option's default, unit and bounds stand here and nowhere else."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

SCHEMA = "pgqueue"
LEASE = timedelta(seconds=60)
CONNECTION_TIMEOUT = timedelta(seconds=30)
PAYLOAD_LIMIT_BYTES = 1024 * 1024

AtLeastOneSecond = Annotated[timedelta, Field(ge=timedelta(seconds=1))]
NotNegative = Annotated[timedelta, Field(ge=timedelta(0))]


class WorkerSettings(BaseModel):
    """How a worker works. Durations are timedeltas."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    concurrency: Annotated[int, Field(ge=1, le=10_000)] = 10
    """Handlers that run at once, in one process."""

    lease: AtLeastOneSecond = LEASE
    """The visibility timeout: how long a claim lasts without word from its worker."""

    grace: NotNegative = timedelta(seconds=30)
    """After SIGTERM: how long running handlers may take to finish."""

    largest_batch: Annotated[int, Field(ge=1, le=10_000)] = 1_000
    """The most jobs one claim takes, however quick they are."""

    ahead: Annotated[timedelta, Field(gt=timedelta(0))] = timedelta(milliseconds=100)
    """How much work, by recent run times, may lie claimed and not yet started."""

    poll: Annotated[timedelta, Field(gt=timedelta(0))] = timedelta(seconds=5)
    """The net under the wakeups: an idle worker looks this often, give or take a half."""

    unknown_delay: AtLeastOneSecond = timedelta(seconds=30)
    """How long a job of a task unknown here is put off."""

    durable_finishes: bool = False
    """Wait for the disk when claiming and finishing. Off, a server crash may run
    the jobs finished in its last moments again; none is lost either way."""

    result_limit_bytes: Annotated[int, Field(ge=1)] = PAYLOAD_LIMIT_BYTES
    """The largest result that is kept."""

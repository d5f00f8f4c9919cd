# pyright: standard
"""Mistakes a type checker must find: it must report each line marked as wrong, and no other."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

from pgqueue import AsyncClient, Client, Exponential, Fixed, Job, JobRecord, Lease, task


class Address(BaseModel):
    street: str


@task(queue="email", max_attempts=5)
async def send(user_id: int, address: Address, subject: str = "hello", *, urgent: bool = False) -> int:
    return user_id


@task
def resize(path: str, width: int) -> str:
    return path


class Images:
    @task
    @staticmethod
    def crop(path: str) -> None: ...


home = Address(street="a")

# Arguments of job()
send.job(user_id=7, address=home)
send.job(7, home, "hi", urgent=True)
send.job(user_id=7, adress=home)  # wrong: argument name
send.job(user_id="7", address=home)  # wrong: type
send.job(user_id=None, address=home)  # wrong: None
send.job(user_id=7)  # wrong: missing argument
send.job()  # wrong: missing arguments
send.job(user_id=7, address="a")  # wrong: a string for a model
send.job(7, home, "hi", True)  # wrong: a keyword-only argument by place
send.job(7, home, queue="other")  # wrong: an option among the arguments
send.job(7, user_id=7, address=home)  # wrong: an argument twice
resize.job("a", 1)
resize.job("a", "1")  # wrong: type
resize.job(path=b"a", width=1)  # wrong: bytes
Images.crop.job(path="a")
Images.crop.job(paths="a")  # wrong: argument name

# Options of a job
job: Job = send.job(7, home)
job.options(priority=1, delay=timedelta(seconds=1), headers={"a": "b"})
job.options(prioritie=1)  # wrong: unknown option
job.options(priority="high")  # wrong: type
job.options(delay=5)  # wrong: a bare number for a duration
job.options(run_at="2024-01-01")  # wrong: a string for a moment
job.options(headers={"a": 1})  # wrong: a number in a header
job.options(timeout=1.5)  # wrong: a bare number for a duration
job.options(1)  # wrong: an option by place
job.priority = 1  # wrong: a job does not change


# Options of a task
@task(queue="q", priority=0, timeout=timedelta(1), backoff=Fixed(timedelta(1)), keep_result=True, name="n")
def fine() -> None: ...


@task(backoff=lambda attempt: timedelta(seconds=attempt))
def fine_too() -> None: ...


task(queu="q")(resize.function)  # wrong: unknown option
task(max_attempts="5")(resize.function)  # wrong: type
task(timeout=30)(resize.function)  # wrong: a bare number for a duration
task(backoff=timedelta(1))(resize.function)  # wrong: not a policy
task(backoff=Exponential(base=1))(resize.function)  # wrong: a bare number for a duration
task("email")  # wrong: an option by place


# What a task gives
async def calling() -> None:
    number: int = await send(7, home)
    text: str = await send(7, home)  # wrong: type of the result
    path: str = resize("a", 1)
    size: int = resize("a", 1)  # wrong: type of the result
    await resize("a", 1)  # wrong: nothing to await
    send("7", home)  # wrong: type
    wanted: Awaitable[int] = send(7, home)
    print(number, text, path, size, wanted)


function: Callable[[str, int], str] = resize
other: Callable[[int, int], str] = resize  # wrong: type of a parameter


# The clients
def blocking(client: Client, lease: Lease) -> None:
    job_id: int = client.enqueue(send.job(7, home), priority=1, run_at=datetime.now(UTC), connection=object())
    ids: list[int] = client.enqueue_many(send.job(number, home) for number in range(3))
    client.enqueue(send, priority=1)  # wrong: a task is no job
    client.enqueue(send(7, home))  # wrong: a call is no job
    client.enqueue(send.job(7, home), 1)  # wrong: an option by place
    client.enqueue(send.job(7, home), prio=1)  # wrong: unknown option
    client.enqueue(send.job(7, home), delay=3)  # wrong: a bare number for a duration
    client.enqueue(send.job(7, home), max_attempts="3")  # wrong: type
    client.enqueue_many(send.job(7, home))  # wrong: one job is not many
    client.enqueue_many([send.job(7, home)], priority=1)  # wrong: unknown option
    client.enqueue_many([resize("a", 1)])  # wrong: calls are no jobs
    record: JobRecord = client.get(job_id)  # wrong: there may be none
    name: str = client.enqueue(job)  # wrong: an id is a number
    client.extend(lease, 60)  # wrong: a bare number for a duration
    client.finish(lease)  # wrong: a lease is no delivery
    client.finish(job_id)  # wrong: an id is no delivery
    for delivery in client.claim("email", limit=3, lease=timedelta(minutes=1)):
        client.finish(delivery, result=object(), connection=object())
    client.finish_all(lease)
    print(ids, record, name)


async def asynchronous(client: AsyncClient) -> None:
    job_id: int = await client.enqueue(send.job(7, home), delay=timedelta(seconds=3))
    unawaited: int = client.enqueue(send.job(7, home))  # wrong: not awaited
    await client.enqueue(send.job(7, home), dela=timedelta(seconds=3))  # wrong: unknown option
    await client.enqueue(send.job(7))  # wrong: missing argument
    async with client:
        await client.wait(job_id, timeout=timedelta(seconds=1))
    with client:  # wrong: an async client in a blocking block
        pass
    print(unawaited)


Client(dns="postgresql://")  # wrong: unknown option
Client("postgresql://", "pgqueue")  # wrong: an option by place

"""The client of async code: method for method the blocking one.

Every method takes `connection`: given one, it works in that connection's
transaction, and only the caller commits; else in a transaction of its own.
It must never end a caller's transaction.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from pgqueue.bulk import chunks
from pgqueue.calls import (
    activity,
    claim,
    dead_letters,
    enqueue,
    finish,
    jobs,
    lease,
    queues,
    settings,
    workers,
)
from pgqueue.calls.activity import Activity, End
from pgqueue.calls.finish import Ending
from pgqueue.calls.installation import version
from pgqueue.calls.settings import InstallationSettings
from pgqueue.database import AsyncDatabase
from pgqueue.delivery import Delivery, Lease
from pgqueue.errors import LeaseLost, NoResultYet
from pgqueue.failure import described
from pgqueue.floors import FloorsOfClient
from pgqueue.job import Job
from pgqueue.maintenance import Maintenance, maintenance
from pgqueue.record import DeadLetter, DeadPlace, JobPage, JobRecord, State
from pgqueue.result import result_json
from pgqueue.settings import CONNECTION_TIMEOUT, LEASE, PAYLOAD_LIMIT_BYTES, SCHEMA
from pgqueue.stats import Sampler, Stats
from pgqueue.tracing import Tracing, sending
from pgqueue.version import check_revision
from pgqueue.waiting import pauses

NOW = timedelta(0)


class AsyncClient:
    """One installation of pgqueue, for async code. Tasks of one event loop may share it. See `Client`."""

    def __init__(
        self,
        dsn: str | None = None,
        *,
        schema: str = SCHEMA,
        pool_size: int = 4,
        prepare: bool = True,
        durable_finishes: bool = True,
        connection_timeout: timedelta = CONNECTION_TIMEOUT,
        payload_limit_bytes: int = PAYLOAD_LIMIT_BYTES,
        ring: bool = True,
        tracing: Tracing | None = None,
    ) -> None:
        self._database = AsyncDatabase(
            dsn,
            schema=schema,
            pool_size=pool_size,
            prepare=prepare,
            durable_finishes=durable_finishes,
            connection_timeout=connection_timeout,
        )
        self._limit_bytes = payload_limit_bytes
        self._ring = ring
        self._tracing = tracing
        self._floors = FloorsOfClient()
        self._sampler = Sampler()

    async def enqueue(
        self,
        job: Job,
        *,
        queue: str | None = None,
        priority: int | None = None,
        max_attempts: int | None = None,
        delay: timedelta | None = None,
        run_at: datetime | None = None,
        timeout: timedelta | None = None,
        headers: Mapping[str, str] | None = None,
        keep_result: bool | None = None,
        connection: object | None = None,
    ) -> int:
        """See `Client.enqueue`."""
        checked = job.options(
            queue=queue,
            priority=priority,
            max_attempts=max_attempts,
            delay=delay,
            run_at=run_at,
            timeout=timeout,
            headers=headers,
            keep_result=keep_result,
        )
        enqueue.check_size(checked, self._limit_bytes)
        installation = await self._database.expected_installation(connection)
        with sending(self._tracing, checked.queue) as carry:
            sent = carry(checked) if carry else checked
            asked = enqueue.enqueue(sent, ring=self._ring, installation=installation)
            return await self._database.run(asked, connection)

    async def enqueue_many(self, jobs: Iterable[Job], *, connection: object | None = None) -> list[int]:
        """See `Client.enqueue_many`."""
        installation = await self._database.expected_installation(connection)
        with sending(self._tracing) as carry:
            carried = map(carry, jobs) if carry else jobs
            parts = chunks(carried, self._limit_bytes, ring=self._ring, installation=installation)
            sent = await self._database.run_each(parts, connection)
        return [job_id for ids in sent for job_id in ids]

    async def claim(
        self,
        queue: str | Sequence[str],
        *,
        limit: int = 1,
        lease: timedelta = LEASE,
        connection: object | None = None,
    ) -> Lease:
        """See `Client.claim`."""
        names = [queue] if isinstance(queue, str) else queue
        if connection is not None:  # what it takes may be rolled back: nothing is learnt from it
            return await self._database.run(claim.claim(names, max_jobs=limit, lease=lease), connection)
        floors = self._floors.of(names)
        look = floors.look(names)
        asked = claim.claim(names, max_jobs=limit, lease=lease, floors=look.floors, marked=look.is_marked)
        claimed = await self._database.run(asked)
        floors.learn(look, claimed)
        return claimed

    async def finish(
        self, delivery: Delivery, *, result: object = None, connection: object | None = None
    ) -> None:
        """See `Client.finish`."""
        kept = result_json(delivery, result, self._limit_bytes)
        if connection is not None:
            await self._database.run(finish.complete(delivery.claim, delivery.id, result=kept), connection)
        else:
            await self._end([Ending(delivery.claim, delivery.id, result=kept)], None)

    async def finish_all(self, lease: Lease, *, connection: object | None = None) -> None:
        """See `Client.finish_all`."""
        if lease.claim is None:
            return
        if not await self._database.run(finish.finish_all([lease.claim]), connection):
            raise LeaseLost(f"claim {lease.claim} is gone: its {len(lease)} jobs are somebody else's or done")

    async def fail(
        self,
        delivery: Delivery,
        error: BaseException | str,
        *,
        delay: timedelta = NOW,
        connection: object | None = None,
    ) -> None:
        """See `Client.fail`."""
        ending = Ending(delivery.claim, delivery.id, "failed", delay=delay, error=described(error))
        await self._end([ending], connection)

    async def bury(
        self, delivery: Delivery, error: BaseException | str, *, connection: object | None = None
    ) -> None:
        """See `Client.bury`."""
        await self._end([Ending(delivery.claim, delivery.id, "dead", error=described(error))], connection)

    async def hand_back(
        self,
        deliveries: Iterable[Delivery],
        *,
        delay: timedelta = NOW,
        connection: object | None = None,
    ) -> None:
        """See `Client.hand_back`."""
        await self._end(
            [Ending(held.claim, held.id, "returned", delay=delay) for held in deliveries], connection
        )

    async def extend(
        self, held: Lease | Delivery, by: timedelta, *, connection: object | None = None
    ) -> datetime:
        """See `Client.extend`."""
        if held.claim is None:
            raise LeaseLost("the lease holds no jobs")
        extension = (await self._database.run(lease.extend([held.claim], by), connection)).get(held.claim)
        if extension is None:
            raise LeaseLost(f"claim {held.claim} is gone")
        return extension.expires_at

    async def get(self, job_id: int, *, connection: object | None = None) -> JobRecord | None:
        """See `Client.get`."""
        return await self._database.run(jobs.get_job(job_id), connection)

    async def wait(self, job_id: int, *, timeout: timedelta) -> JobRecord:
        """See `Client.wait`."""
        deadline = time.monotonic() + timeout.total_seconds()
        for pause in pauses():
            record = jobs.known(job_id, await self.get(job_id))
            if record.has_ended:
                return record
            left = deadline - time.monotonic()
            if left <= 0:
                raise NoResultYet(f"job {job_id} is {record.state} after {timeout}")
            await asyncio.sleep(min(pause, left))
        raise AssertionError("pauses never end")

    async def list_jobs(
        self,
        *,
        state: State | None = None,
        queue: str | None = None,
        task: str | None = None,
        enqueued_since: datetime | None = None,
        enqueued_before: datetime | None = None,
        after: str | None = None,
        limit: int = 100,
        connection: object | None = None,
    ) -> JobPage:
        """See `Client.list_jobs`."""
        asked = jobs.list_jobs(
            state=state,
            queue=queue,
            task=task,
            enqueued_since=enqueued_since,
            enqueued_before=enqueued_before,
            after=after,
            limit=limit,
        )
        return await self._database.run(asked, connection)

    async def cancel(
        self, job_id: int, *, reason: str | None = None, connection: object | None = None
    ) -> str:
        """See `Client.cancel`."""
        return await self._database.run(jobs.cancel(job_id, reason), connection)

    async def run_now(self, job_ids: Iterable[int], *, connection: object | None = None) -> list[int]:
        """See `Client.run_now`."""
        return await self._database.run(jobs.run_now(list(job_ids)), connection)

    async def reprioritise(
        self, job_ids: Iterable[int], priority: int, *, connection: object | None = None
    ) -> list[int]:
        """See `Client.reprioritise`."""
        return await self._database.run(jobs.reprioritise(list(job_ids), priority), connection)

    async def dead_letters(
        self,
        *,
        queue: str | None = None,
        task: str | None = None,
        error_type: str | None = None,
        died_since: datetime | None = None,
        died_before: datetime | None = None,
        before: DeadLetter | DeadPlace | None = None,
        limit: int = 100,
        brief: bool = False,
        connection: object | None = None,
    ) -> list[DeadLetter]:
        """See `Client.dead_letters`."""
        asked = dead_letters.list_dead(
            queue=queue,
            task=task,
            error_type=error_type,
            died_since=died_since,
            died_before=died_before,
            before=before,
            limit=limit,
            brief=brief,
        )
        return await self._database.run(asked, connection)

    async def redrive(self, job_ids: Iterable[int], *, connection: object | None = None) -> list[int]:
        """See `Client.redrive`."""
        return await self._database.run(dead_letters.redrive(list(job_ids)), connection)

    async def purge(self, job_ids: Iterable[int], *, connection: object | None = None) -> list[int]:
        """See `Client.purge`."""
        return await self._database.run(dead_letters.purge(list(job_ids)), connection)

    async def pause(self, queue: str, *, connection: object | None = None) -> None:
        """See `Client.pause`."""
        await self._database.run(queues.pause(queue), connection)

    async def resume(self, queue: str, *, connection: object | None = None) -> None:
        """See `Client.resume`."""
        await self._database.run(queues.resume(queue), connection)

    async def pause_worker(self, worker: int, *, connection: object | None = None) -> bool:
        """See `Client.pause_worker`."""
        return await self._database.run(workers.pause_worker(worker), connection)

    async def resume_worker(self, worker: int, *, connection: object | None = None) -> bool:
        """See `Client.resume_worker`."""
        return await self._database.run(workers.resume_worker(worker), connection)

    async def settings(self, *, connection: object | None = None) -> InstallationSettings:
        """See `Client.settings`."""
        return await self._database.run(settings.show_settings(), connection)

    async def change_settings(
        self,
        *,
        retention: timedelta | None = None,
        ready_window: timedelta | None = None,
        history_window: timedelta | None = None,
        payload_limit_bytes: int | None = None,
        connection: object | None = None,
    ) -> None:
        """See `Client.change_settings`."""
        asked = settings.change_settings(
            retention=retention,
            ready_window=ready_window,
            history_window=history_window,
            payload_limit_bytes=payload_limit_bytes,
        )
        await self._database.run(asked, connection)

    async def stats(self, *, connection: object | None = None) -> Stats:
        """See `Client.stats`."""
        return self._sampler.learn(await self._database.run_each(self._sampler.ask(), connection))

    async def activity(
        self, *, period: timedelta = activity.PERIOD, connection: object | None = None
    ) -> Activity:
        """See `Client.activity`."""
        return await self._database.run(activity.activity(period), connection)

    async def last_ends(self, *, limit: int = 50, connection: object | None = None) -> list[End]:
        """See `Client.last_ends`."""
        return await self._database.run(activity.last_ends(limit), connection)

    async def check_schema(self, *, connection: object | None = None) -> None:
        """See `Client.check_schema`."""
        installed = await self._database.run(version(), connection)
        check_revision(installed.revision, self._database.schema)

    async def maintain(self) -> Maintenance:
        """See `Client.maintain`."""
        return await self._database.run_script(maintenance())

    async def close(self) -> None:
        """See `Client.close`."""
        await self._database.close()

    async def __aenter__(self) -> Self:
        """The client; closed at the end of the block."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        await self.close()

    async def _end(self, endings: Sequence[Ending], connection: object | None) -> None:
        if not endings:
            return
        lost = await self._database.run(finish.finish(endings), connection)
        if lost:
            raise LeaseLost(
                f"no longer held: {', '.join(f'job {job} by claim {claim}' for claim, job in lost)}"
            )

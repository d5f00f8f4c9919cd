"""The client of blocking code: enqueue, claim, finish, look, cancel, redrive.

Every method takes `connection`: given one, it works in that connection's
transaction, and only the caller commits; else in a transaction of its own.
It must never end a caller's transaction.
"""

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
from pgqueue.database import Database
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


class Client:
    """One installation of pgqueue, for blocking code. Threads may share it.

    dsn: where the client's own connections go (at most `pool_size`, opened at
        need); None if every call brings a connection.
    schema: where pgqueue is installed.
    prepare: whether to prepare statements; behind a pooler none are in any case.
    durable_finishes: False to finish without waiting for the disk. A crash of the
        server may then run the jobs of its last moments again; none is lost, and
        what is enqueued, what dies and what is finished with `connection` lasts in
        any case. A claim never waits: lost in a crash, its lease has run out.
    connection_timeout: how long a call waits for one of the client's own
        connections before it raises NoConnection.
    payload_limit_bytes: the largest payload and result accepted.
    ring: False where transactions may not NOTIFY (two-phase commit); the
        workers' slow poll finds the jobs then.
    tracing: makes a span of each enqueue, and lets the jobs' runs find its trace.
    """

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
        self._database = Database(
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

    def enqueue(
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
        """Enqueue one job and return its id; it runs once the transaction commits.

        The options are those of `Job`; what is None stays as the job has it.
        Raises InvalidJob, PayloadTooLarge, NotInstalled, UnsupportedConnection.
        """
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
        installation = self._database.expected_installation(connection)
        with sending(self._tracing, checked.queue) as carry:
            sent = carry(checked) if carry else checked
            asked = enqueue.enqueue(sent, ring=self._ring, installation=installation)
            return self._database.run(asked, connection)

    def enqueue_many(self, jobs: Iterable[Job], *, connection: object | None = None) -> list[int]:
        """Enqueue all of these jobs or none, and return their ids in order.

        The iterable is read as it is sent, some hundreds of jobs at a time. Where all of those differ
        in their arguments alone, up to 64 share a row in each table, and cost far less than one by one.
        """
        installation = self._database.expected_installation(connection)
        with sending(self._tracing) as carry:
            carried = map(carry, jobs) if carry else jobs
            parts = chunks(carried, self._limit_bytes, ring=self._ring, installation=installation)
            sent = self._database.run_each(parts, connection)
        return [job_id for ids in sent for job_id in ids]

    def claim(
        self,
        queue: str | Sequence[str],
        *,
        limit: int = 1,
        lease: timedelta = LEASE,
        connection: object | None = None,
    ) -> Lease:
        """Claim up to `limit` due jobs (1 to 10,000) of one queue, or of several in this order.

        They are ours for `lease` (at least a second), then anybody's again.
        With a connection the claim, what is done and `finish` can be one transaction. While that is
        open, others pass by the jobs that share a row with those it took (at most 63, see `enqueue_many`).
        """
        names = [queue] if isinstance(queue, str) else queue
        if connection is not None:  # what it takes may be rolled back: nothing is learnt from it
            return self._database.run(claim.claim(names, max_jobs=limit, lease=lease), connection)
        floors = self._floors.of(names)
        look = floors.look(names)
        asked = claim.claim(names, max_jobs=limit, lease=lease, floors=look.floors, marked=look.is_marked)
        claimed = self._database.run(asked)
        floors.learn(look, claimed)
        return claimed

    def finish(self, delivery: Delivery, *, result: object = None, connection: object | None = None) -> None:
        """The job has succeeded. `result` is kept if its job asks for that.

        With a connection it is finished when that transaction commits: the job's
        effects and its completion, both or neither. Raises LeaseLost, PayloadTooLarge.
        """
        kept = result_json(delivery, result, self._limit_bytes)
        if connection is not None:
            self._database.run(finish.complete(delivery.claim, delivery.id, result=kept), connection)
        else:
            self._end([Ending(delivery.claim, delivery.id, result=kept)], None)

    def finish_all(self, lease: Lease, *, connection: object | None = None) -> None:
        """All jobs the lease still holds have succeeded. Raises LeaseLost if it is gone."""
        if lease.claim is None:
            return
        if not self._database.run(finish.finish_all([lease.claim]), connection):
            raise LeaseLost(f"claim {lease.claim} is gone: its {len(lease)} jobs are somebody else's or done")

    def fail(
        self,
        delivery: Delivery,
        error: BaseException | str,
        *,
        delay: timedelta = NOW,
        connection: object | None = None,
    ) -> None:
        """The attempt failed: again after `delay` if one is left, else a dead letter. Raises LeaseLost."""
        ending = Ending(delivery.claim, delivery.id, "failed", delay=delay, error=described(error))
        self._end([ending], connection)

    def bury(
        self, delivery: Delivery, error: BaseException | str, *, connection: object | None = None
    ) -> None:
        """Hopeless: to the dead letters, whatever attempts are left. Raises LeaseLost."""
        self._end([Ending(delivery.claim, delivery.id, "dead", error=described(error))], connection)

    def hand_back(
        self,
        deliveries: Iterable[Delivery],
        *,
        delay: timedelta = NOW,
        connection: object | None = None,
    ) -> None:
        """Not run: available after `delay`, the attempt unspent. Takes a lease as well. Raises LeaseLost."""
        self._end([Ending(held.claim, held.id, "returned", delay=delay) for held in deliveries], connection)

    def extend(self, held: Lease | Delivery, by: timedelta, *, connection: object | None = None) -> datetime:
        """Keep a claim ours for `by` from now, at least a second. A delivery's whole claim is extended.

        Returns its new end, UTC, by the database's clock; never earlier than before.
        Raises LeaseLost.
        """
        if held.claim is None:
            raise LeaseLost("the lease holds no jobs")
        extension = self._database.run(lease.extend([held.claim], by), connection).get(held.claim)
        if extension is None:
            raise LeaseLost(f"claim {held.claim} is gone")
        return extension.expires_at

    def get(self, job_id: int, *, connection: object | None = None) -> JobRecord | None:
        """Everything known of a job, whatever state it is in; None if there is none."""
        return self._database.run(jobs.get_job(job_id), connection)

    def wait(self, job_id: int, *, timeout: timedelta) -> JobRecord:
        """Wait until a job has ended and tell how. Raises NoResultYet, UnknownJob.

        Looks a few times a second; `result` is there if the job keeps it.
        """
        deadline = time.monotonic() + timeout.total_seconds()
        for pause in pauses():
            record = jobs.known(job_id, self.get(job_id))
            if record.has_ended:
                return record
            left = deadline - time.monotonic()
            if left <= 0:
                raise NoResultYet(f"job {job_id} is {record.state} after {timeout}")
            time.sleep(min(pause, left))
        raise AssertionError("pauses never end")

    def list_jobs(
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
        """A page of the jobs that fit every filter; for the next one, pass its `next` as `after`.

        Newest first; waiting and scheduled ones, asked for by state, in the order they are claimed in.
        limit: 1 to 1,000. Raises InvalidJob for a limit or a place out of bounds.
        """
        asked = jobs.list_jobs(
            state=state,
            queue=queue,
            task=task,
            enqueued_since=enqueued_since,
            enqueued_before=enqueued_before,
            after=after,
            limit=limit,
        )
        return self._database.run(asked, connection)

    def cancel(self, job_id: int, *, reason: str | None = None, connection: object | None = None) -> str:
        """Ask that a job be run no more: a waiting one is cancelled, a running one told.

        Returns the state it was found in; an ended one stays as it is. Raises UnknownJob.
        """
        return self._database.run(jobs.cancel(job_id, reason), connection)

    def run_now(self, job_ids: Iterable[int], *, connection: object | None = None) -> list[int]:
        """Make scheduled jobs, and those that wait for a retry, due at once. Returns those that were put off.

        What runs, or is being claimed at this moment, is left alone. Takes the rights of an admin.
        """
        return self._database.run(jobs.run_now(list(job_ids)), connection)

    def reprioritise(
        self, job_ids: Iterable[int], priority: int, *, connection: object | None = None
    ) -> list[int]:
        """Give waiting and scheduled jobs another priority, 0 to 9, for retries too. Returns those moved.

        One that is due joins the end of its new line. Takes the rights of an admin. Raises InvalidJob.
        """
        return self._database.run(jobs.reprioritise(list(job_ids), priority), connection)

    def dead_letters(
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
        """The dead letters that fit every filter, newest first; `before` is the last of the page before.

        brief: payload, headers and attempts are left empty, and are not read: for lists, and for ids.
        """
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
        return self._database.run(asked, connection)

    def redrive(self, job_ids: Iterable[int], *, connection: object | None = None) -> list[int]:
        """Put dead jobs back, with as many attempts as they first had. Returns those that were dead."""
        return self._database.run(dead_letters.redrive(list(job_ids)), connection)

    def purge(self, job_ids: Iterable[int], *, connection: object | None = None) -> list[int]:
        """Delete dead letters for good. Returns those that were there."""
        return self._database.run(dead_letters.purge(list(job_ids)), connection)

    def pause(self, queue: str, *, connection: object | None = None) -> None:
        """Give out no more jobs of the queue; it still takes them, and what runs goes on."""
        self._database.run(queues.pause(queue), connection)

    def resume(self, queue: str, *, connection: object | None = None) -> None:
        """Give out the queue's jobs again."""
        self._database.run(queues.resume(queue), connection)

    def pause_worker(self, worker: int, *, connection: object | None = None) -> bool:
        """Let a worker take no new job; what it runs goes on. Returns whether there is one of that id.

        It sees that within ten seconds, and hands back what it has not started. Whoever is started
        in its place is another worker. One that only polls is no worker in this sense.
        """
        return self._database.run(workers.pause_worker(worker), connection)

    def resume_worker(self, worker: int, *, connection: object | None = None) -> bool:
        """Let a paused worker take jobs again. Returns whether there is one of that id."""
        return self._database.run(workers.resume_worker(worker), connection)

    def settings(self, *, connection: object | None = None) -> InstallationSettings:
        """What holds for the whole installation."""
        return self._database.run(settings.show_settings(), connection)

    def change_settings(
        self,
        *,
        retention: timedelta | None = None,
        ready_window: timedelta | None = None,
        history_window: timedelta | None = None,
        payload_limit_bytes: int | None = None,
        connection: object | None = None,
    ) -> None:
        """Change what is given, for whoever works on this installation, from their next call on.

        Durations in whole seconds. Partitions that are there stay as they are. Takes the rights
        of an admin. Raises InvalidSetting.
        """
        asked = settings.change_settings(
            retention=retention,
            ready_window=ready_window,
            history_window=history_window,
            payload_limit_bytes=payload_limit_bytes,
        )
        self._database.run(asked, connection)

    def stats(self, *, connection: object | None = None) -> Stats:
        """What the installation holds: its queues, workers and tables, and who keeps vacuum from clearing up.

        Cheap enough for every few seconds, whatever waits: much is estimated, and says so.
        Takes the rights of an admin or a worker.
        """
        return self._sampler.learn(self._database.run_each(self._sampler.ask(), connection))

    def activity(self, *, period: timedelta = activity.PERIOD, connection: object | None = None) -> Activity:
        """How the attempts of the last `period` ended, how long they ran, and how fast jobs come.

        Told from the end of the log: where much goes on the period is shorter, and says so.
        Takes the rights of an admin or a worker.
        """
        return self._database.run(activity.activity(period), connection)

    def last_ends(self, *, limit: int = 50, connection: object | None = None) -> list[End]:
        """The last attempts that ended, the newest first; as many as lie at the end of the log.

        Takes the rights of an admin or a worker.
        """
        return self._database.run(activity.last_ends(limit), connection)

    def check_schema(self, *, connection: object | None = None) -> None:
        """See that the database answers, and that its schema fits this package.

        Raises NoConnection, NotInstalled or SchemaMismatch, which names the mend.
        """
        installed = self._database.run(version(), connection)
        check_revision(installed.revision, self._database.schema)

    def maintain(self) -> Maintenance:
        """One round of keeping the house: partitions made ahead and dropped when past.

        Workers do this by themselves, one of them once a minute; for installations
        without workers, and for cron. Takes the rights of an admin or a worker.
        """
        return self._database.run_script(maintenance())

    def close(self) -> None:
        """Close the client's own connections."""
        self._database.close()

    def __enter__(self) -> Self:
        """The client; closed at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def _end(self, endings: Sequence[Ending], connection: object | None) -> None:
        if not endings:
            return
        lost = self._database.run(finish.finish(endings), connection)
        if lost:
            raise LeaseLost(
                f"no longer held: {', '.join(f'job {job} by claim {claim}' for claim, job in lost)}"
            )

-- Of every queue: since when its oldest due job waits, and how many living
-- workers serve it. A worker lives while its session holds the lock of its id.
with living as (
    select workers.id, workers.queues
    from pgqueue.workers
    where exists (
        select
        from pg_catalog.pg_locks as lock
        where lock.locktype = 'advisory'
            and lock.granted
            and lock.objsubid = 1
            and lock.database = (select oid from pg_catalog.pg_database where datname = current_database())
            and ((lock.classid::bigint << 32) | lock.objid::bigint) = pgqueue.worker_key(workers.id)
    )
)
select
    queues.name as queue,
    queues.paused_at is not null as is_paused,
    (select count(*) from living where queues.name = any (living.queues)) as workers,
    extract(epoch from pgqueue.now() - (
        select min(line.visible_at)
        from generate_series(0, 10) as priority
        cross join lateral (
            select ready.visible_at
            from pgqueue.ready
            where ready.queue = queues.name
                and ready.priority = priority.priority
                and ready.visible_at <= pgqueue.now()
            order by ready.visible_at
            limit 1
        ) as line
    ))::float8 as waiting_seconds
from pgqueue.queues
order by queues.name

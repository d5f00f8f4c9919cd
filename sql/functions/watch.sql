-- Waking without NOTIFY on the write path. Among the idle workers of a queue
-- one holds the watch; it arms by taking the bell, claims once more, and only
-- then sleeps. Both are advisory locks of the session, and none is waited for.

-- Try to keep watch over these queues. Returns those that are now ours.
create or replace function pgqueue.take_watch(queues text[])
returns setof text
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    select queue
    from unnest(queues) as queue
    where pg_try_advisory_lock(pgqueue.watch_key(queue))
$$;

-- Try to hold the bells of these queues, so that the next enqueue rings.
-- Returns those armed; one is missing while an enqueue that saw nobody asleep
-- has not committed yet: poll for a moment, then try again.
create or replace function pgqueue.arm(queues text[])
returns setof text
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    select queue
    from unnest(queues) as queue
    where pg_try_advisory_lock(pgqueue.bell_key(queue))
$$;

-- Let these bells go: enqueues need not ring.
create or replace function pgqueue.disarm(queues text[])
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    select pg_advisory_unlock(pgqueue.bell_key(queue))
    from unnest(queues) as queue
$$;

-- Give these watches up and tell the other sleepers that they are free.
create or replace function pgqueue.leave_watch(queues text[])
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    select
        pg_advisory_unlock(pgqueue.watch_key(queue)),
        pg_notify(pgqueue.channel(), 'watch ' || queue)
    from unnest(queues) as queue
$$;

-- How long until the next scheduled job of the queues falls due; null if none is.
create or replace function pgqueue.next_due(queues text[])
returns interval
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $$
declare
    v_now timestamptz := pgqueue.now();
begin
    return (
        select min(line.visible_at)
        from generate_series(0, cardinality(queues) * 10 - 1) as number
        cross join lateral (
            select ready.visible_at
            from pgqueue.ready
            where ready.queue = queues[number / 10 + 1]
                and ready.priority = number % 10
                and ready.visible_at > v_now
            order by ready.visible_at
            limit 1
        ) as line
    ) - v_now;
end
$$;

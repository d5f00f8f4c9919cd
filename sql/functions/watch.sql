-- Waking without NOTIFY on the write path. Among the idle workers of a queue
-- one holds the watch; it arms by taking the bell, claims once more, and only
-- then sleeps. Locks are the session's; none is waited for.

create or replace function pgqueue.take_watch(queue text)
returns boolean
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    select pg_try_advisory_lock(pgqueue.watch_key(queue))
$$;

-- False while an enqueue that saw nobody asleep has not committed yet: poll
-- for a moment, then try again.
create or replace function pgqueue.arm(queue text)
returns boolean
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    select pg_try_advisory_lock(pgqueue.bell_key(queue))
$$;

create or replace function pgqueue.disarm(queue text)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    select pg_advisory_unlock(pgqueue.bell_key(queue))
$$;

-- Give the watch up and tell the other sleepers that it is free.
create or replace function pgqueue.leave_watch(queue text)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    select pg_advisory_unlock(pgqueue.watch_key(queue));
    select pg_notify(pgqueue.channel(), 'watch ' || queue)
$$;

-- How long until something falls due: the next scheduled job of the queues,
-- or the next lease to run out. Null if nothing will.
create or replace function pgqueue.next_due(queues text[])
returns interval
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $$
declare
    v_now timestamptz := pgqueue.now();
begin
    return least(
        (
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
        ),
        (
            select held.expires_at
            from pgqueue.claims as held
            where held.expires_at > v_now
            order by held.expires_at
            limit 1
        )
    ) - v_now;
end
$$;

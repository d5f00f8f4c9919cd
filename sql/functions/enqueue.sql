-- (nothing) -> ready. One row in jobs, one in ready, in the caller's transaction.
-- Locks: the bell, shared, to the end of the transaction; none that waits.
-- Raises PQ002 (a value out of bounds), PQ003 (payload too large), PQ004
-- (another installation).
create or replace function pgqueue.enqueue(
    queue text,
    task text,
    payload jsonb default '{}',
    priority integer default 5,
    max_attempts integer default 5,
    run_at timestamptz default null,
    delay interval default null,
    timeout interval default null,
    headers jsonb default null,
    keep_result boolean default false,
    ring boolean default true,
    installation uuid default null
)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_now timestamptz := pgqueue.now();
    v_run_at timestamptz := coalesce(run_at, v_now + delay);
    v_visible_at timestamptz := greatest(v_run_at, v_now);
    v_id bigint := pgqueue.next_id(v_now);
    v_here uuid;
    v_limit_bytes integer;
    v_window interval;
    v_is_listed boolean;
begin
    select
        settings.id, settings.payload_limit_bytes, settings.ready_window,
        exists (select from pgqueue.queues where queues.name = enqueue.queue)
    into v_here, v_limit_bytes, v_window, v_is_listed
    from pgqueue.installation as settings;

    if v_here <> installation
        or not pgqueue.is_sound(
            queue, task, payload, priority, max_attempts, timeout, headers, v_run_at, keep_result,
            -- the empty object takes a value out of a table's compression, if it comes from there
            pg_column_size(payload || '{}') + coalesce(pg_column_size(headers || '{}'), 0),
            v_limit_bytes
        )
    then
        perform pgqueue.settings(installation);
    end if;
    insert into pgqueue.jobs
        (id, priority, max_attempts, keep_result, size, run_at, timeout, queue, task, payloads, headers)
    values
        (v_id, priority, max_attempts, keep_result, 1, v_run_at, timeout, queue, task, array[payload], headers);
    insert into pgqueue.ready
        (id, slot, visible_at, priority, attempt, last_attempt, size, queue)
    values
        (v_id, pgqueue.slot(v_now, v_visible_at, v_window), v_visible_at, priority, 0, max_attempts, 1, queue);
    if not v_is_listed then
        perform pgqueue.list_queue(queue);
    end if;
    if ring and not pg_try_advisory_xact_lock_shared(pgqueue.bell_key(queue)) then
        perform pgqueue.wake(queue);
    end if;
    return v_id;
end
$$;

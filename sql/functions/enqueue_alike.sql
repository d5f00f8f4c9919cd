-- (nothing) -> ready, for jobs that differ in their payload alone: the usual
-- bulk. Options that are plain values instead of arrays to look into make it a
-- quarter cheaper. enqueue_many, which calls it, checks and announces.
create or replace function pgqueue.enqueue_alike(
    queue text,
    task text,
    payloads jsonb[],
    priority integer,
    max_attempts integer,
    run_at timestamptz,
    timeout interval,
    headers jsonb,
    keep_result boolean,
    moment timestamptz,
    ids bigint[],
    settings pgqueue.installation
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_visible_at timestamptz := greatest(run_at, moment);
    v_slot timestamptz := pgqueue.slot(moment, v_visible_at, settings.ready_window);
begin
    insert into pgqueue.jobs
        (id, priority, max_attempts, keep_result, run_at, timeout, queue, task, payload, headers)
    select
        job.id, enqueue_alike.priority, enqueue_alike.max_attempts, enqueue_alike.keep_result, enqueue_alike.run_at,
        enqueue_alike.timeout, enqueue_alike.queue, enqueue_alike.task, job.payload, enqueue_alike.headers
    from unnest(ids, payloads) as job (id, payload)
    where pgqueue.is_sound(
        queue, task, job.payload, priority, max_attempts, timeout, headers, run_at, keep_result,
        pg_column_size(job.payload) + coalesce(pg_column_size(headers), 0),
        settings.payload_limit_bytes
    );

    insert into pgqueue.ready
        (id, slot, visible_at, priority, attempt, last_attempt, queue)
    select
        job.id, v_slot, v_visible_at, enqueue_alike.priority, 0, enqueue_alike.max_attempts, enqueue_alike.queue
    from unnest(ids) as job (id);
end
$$;

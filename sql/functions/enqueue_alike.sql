-- (nothing) -> ready, for jobs that differ in their payload alone: the usual bulk.
-- They go into bundles of at most 64, of even size, whose bodies fit into half a
-- page: a job then costs a fraction of a row. Returns their ids, in order.
-- enqueue_many, which calls it, checks and announces; its settings hold here too.
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
    settings pgqueue.installation
)
returns bigint[]
language plpgsql
volatile
as $$
declare
    v_visible_at timestamptz := greatest(run_at, moment);
    v_slot timestamptz := pgqueue.slot(moment, v_visible_at, settings.ready_window);
    v_jobs integer := cardinality(payloads);
    v_most integer := least(64, greatest(1, 3800 * v_jobs / pg_column_size(payloads)));
    v_bundles bigint[] := array( -- sorted: the sequence may come round in between
        select pgqueue.next_id(moment) as id
        from generate_series(1, (v_jobs + v_most - 1) / v_most)
        order by id
    );
    v_size integer := (v_jobs + cardinality(v_bundles) - 1) / cardinality(v_bundles);
begin
    perform
    from unnest(payloads) as payload
    where not pgqueue.is_sound(
        queue, task, payload, priority, max_attempts, timeout, headers, run_at, keep_result,
        pg_column_size(payload) + coalesce(pg_column_size(headers), 0),
        settings.payload_limit_bytes
    );

    insert into pgqueue.jobs
        (id, priority, max_attempts, keep_result, size, run_at, timeout, queue, task, payloads, headers)
    select
        v_bundles[number + 1], enqueue_alike.priority, enqueue_alike.max_attempts, enqueue_alike.keep_result,
        least(v_size, v_jobs - number * v_size), enqueue_alike.run_at, enqueue_alike.timeout, enqueue_alike.queue,
        enqueue_alike.task,
        enqueue_alike.payloads[number * v_size + 1:(number + 1) * v_size], enqueue_alike.headers
    from generate_series(0, (v_jobs - 1) / v_size) as number;

    insert into pgqueue.ready
        (id, slot, visible_at, priority, attempt, last_attempt, size, queue)
    select
        v_bundles[number + 1], v_slot, v_visible_at, enqueue_alike.priority, 0, enqueue_alike.max_attempts,
        least(v_size, v_jobs - number * v_size), enqueue_alike.queue
    from generate_series(0, (v_jobs - 1) / v_size) as number;

    return array(
        select v_bundles[place / v_size + 1] + place % v_size
        from generate_series(0, v_jobs - 1) as place
    );
end
$$;

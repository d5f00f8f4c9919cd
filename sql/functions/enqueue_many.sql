-- An option of many jobs: one value for each, or a single one for all.
create or replace function pgqueue.spread(name text, options anyarray, jobs integer)
returns anyarray
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if cardinality(options) = jobs then
        return options;
    elsif cardinality(options) = 1 then
        return array_fill(options[1], array[jobs]);
    end if;
    perform pgqueue.refuse(
        'PQ002',
        format('%s has %s values for %s payloads', name, coalesce(cardinality(options)::text, 'no'), jobs),
        'Give one value for each payload, or a single one for all.'
    );
end
$$;

-- (nothing) -> ready, for many jobs at once, in the caller's transaction.
-- Every array but the payloads holds one value per job, or a single one for
-- all. Returns the ids in the order of the payloads.
-- Locks: the bell of each queue, shared, to the end of the transaction.
-- Raises PQ002 (a value out of bounds), PQ003 (payload too large), PQ004
-- (another installation).
create or replace function pgqueue.enqueue_many(
    queues text[],
    tasks text[],
    payloads jsonb[],
    priorities integer[] default '{5}',
    max_attempts integer[] default '{5}',
    run_ats timestamptz[] default '{null}',
    delays interval[] default '{null}',
    timeouts interval[] default '{null}',
    headers jsonb[] default '{null}',
    keep_results boolean[] default '{false}',
    ring boolean default true,
    installation uuid default null
)
returns bigint[]
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_settings pgqueue.installation := pgqueue.settings(installation);
    v_now timestamptz := pgqueue.now();
    v_first bigint := pgqueue.first_id(v_now);
    v_jobs integer := cardinality(payloads);
    v_ids bigint[] := array(
        select v_first | (nextval('pgqueue.id_sequence') & 1048575)
        from generate_series(1, v_jobs)
    );
    v_queues text[] := pgqueue.spread('queues', queues, v_jobs);
    v_priorities integer[] := pgqueue.spread('priorities', priorities, v_jobs);
    v_max_attempts integer[] := pgqueue.spread('max_attempts', max_attempts, v_jobs);
    v_run_ats timestamptz[] := pgqueue.spread('run_ats', run_ats, v_jobs);
    v_delays interval[] := pgqueue.spread('delays', delays, v_jobs);
begin
    insert into pgqueue.jobs
        (id, priority, max_attempts, keep_result, run_at, timeout, queue, task, payload, headers)
    select
        job.id, job.priority, job.attempts, job.keep, coalesce(job.run_at, v_now + job.delay),
        job.timeout, job.queue, job.task, job.payload, job.header
    from unnest(
        v_ids, v_queues, pgqueue.spread('tasks', tasks, v_jobs), payloads, v_priorities, v_max_attempts,
        v_run_ats, v_delays, pgqueue.spread('timeouts', timeouts, v_jobs),
        pgqueue.spread('headers', headers, v_jobs), pgqueue.spread('keep_results', keep_results, v_jobs)
    ) as job (id, queue, task, payload, priority, attempts, run_at, delay, timeout, header, keep)
    where pgqueue.is_sound(
        job.queue, job.task, job.payload, job.priority, job.attempts, job.timeout, job.header,
        v_settings.payload_limit_bytes
    );

    insert into pgqueue.ready
        (id, slot, visible_at, priority, attempt, last_attempt, queue)
    select
        job.id, pgqueue.slot(v_now, job.visible_at, v_settings.ready_window), job.visible_at,
        job.priority, 0, job.attempts, job.queue
    from (
        select
            entry.id, entry.queue, entry.priority, entry.attempts,
            greatest(coalesce(entry.run_at, v_now + entry.delay), v_now) as visible_at
        from unnest(v_ids, v_queues, v_priorities, v_max_attempts, v_run_ats, v_delays)
            as entry (id, queue, priority, attempts, run_at, delay)
    ) as job;

    perform pgqueue.announce(named.queue, ring)
    from (select distinct unnest(queues) as queue) as named;
    return v_ids;
end
$$;

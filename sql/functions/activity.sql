-- What went on lately, told from the end of the log alone. Nothing is written.

-- What ended in the last `period`, a row for each worker and one for all (`is_total`).
-- `since`: from when on it is told; later than asked where the last pages hold no more.
-- Run times in seconds: their mean, and what 95 of 100 attempts keep within. Rates a
-- second, over `lately`: attempts that did well and that did not; jobs enqueued.
create or replace function pgqueue.activity(
    period interval default '1 minute',
    lately interval default '10 seconds',
    pages integer default 100
)
returns table (
    is_total boolean,
    worker bigint,
    moment timestamptz,
    since timestamptz,
    succeeded bigint,
    failed bigint,
    expired bigint,
    dead bigint,
    cancelled bigint,
    run_mean double precision,
    run_p95 double precision,
    succeeded_rate double precision,
    failed_rate double precision,
    enqueued_rate double precision
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
declare
    v_now timestamptz := pgqueue.now();
    v_enqueued double precision := pgqueue.enqueued_lately(v_now - lately, v_now, 5000);
begin
    return query
    with ended as materialized (
        -- Of jobs that were reported together one tells how long they ran.
        select newest.*, newest.run_seconds[1 + (newest.claim_id >> 6) % newest.size] as run
        from pgqueue.last_outcomes(v_now, pages) as newest
    ),
    told as (
        select greatest(v_now - period, max(ended.reach)) as since
        from ended
    ),
    spans as (
        select
            told.since, greatest(told.since, v_now - lately) as lately,
            greatest(extract(epoch from v_now - greatest(told.since, v_now - lately)), 0.001)::double precision as seconds
        from told
    )
    select
        grouping(ended.worker) = 1, ended.worker, v_now, spans.since,
        coalesce(sum(ended.size) filter (where ended.state = 'succeeded'), 0),
        coalesce(sum(ended.size) filter (where ended.state = 'failed'), 0),
        coalesce(sum(ended.size) filter (where ended.state = 'expired'), 0),
        coalesce(sum(ended.size) filter (where ended.state = 'dead'), 0),
        coalesce(sum(ended.size) filter (where ended.state = 'cancelled'), 0),
        sum(ended.run * ended.size) / sum(ended.size) filter (where ended.run is not null),
        percentile_cont(0.95) within group (order by ended.run),
        coalesce(sum(ended.size) filter (where ended.state = 'succeeded' and ended.finished_at > spans.lately), 0)
            / spans.seconds,
        coalesce(
            sum(ended.size) filter (where ended.state in ('failed', 'expired', 'dead') and ended.finished_at > spans.lately),
            0
        ) / spans.seconds,
        case when grouping(ended.worker) = 1 then v_enqueued end
    from spans
    left join ended on ended.finished_at > spans.since
    group by grouping sets ((spans.since, spans.lately, spans.seconds), (spans.since, spans.lately, spans.seconds, ended.worker))
    having grouping(ended.worker) = 1
        or ended.worker is not null;
end
$$;

-- The last attempts that ended, `pages` of the table's: newest first, with what they were.
create or replace function pgqueue.last_ends(max_ends integer default 50, pages integer default 8)
returns table (
    job_id bigint,
    queue text,
    task text,
    finished_at timestamptz,
    worker bigint,
    attempt smallint,
    state text,
    run_seconds real,
    error_type text
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
    select
        ended.job_id, body.queue, body.task, ended.finished_at, ended.worker, ended.attempt, ended.state,
        ended.run_seconds, left(ended.error ->> 'type', 200)
    from (
        select
            newest.job_id + number as job_id, newest.finished_at, newest.worker, newest.attempt, newest.state,
            newest.run_seconds[number + 1] as run_seconds, newest.error
        from pgqueue.last_outcomes(pgqueue.now(), pages) as newest
        cross join generate_series(0, newest.size - 1) as number
        order by newest.finished_at desc, newest.job_id desc, number desc
        limit max_ends
    ) as ended
    left join lateral pgqueue.label_of(ended.job_id) as body on true
    order by ended.finished_at desc, ended.job_id desc
$$;

-- The outcomes on the last pages of the two newest windows begun, and of the default
-- partition: it is appended to, so the last written lie there. `reach`: when the first of
-- a window's ended, if there are more before it. A window being dropped is passed over.
create or replace function pgqueue.last_outcomes(moment timestamptz, pages integer)
returns table (
    job_id bigint,
    claim_id bigint,
    finished_at timestamptz,
    worker bigint,
    attempt smallint,
    size smallint,
    state text,
    run_seconds real[],
    error jsonb,
    reach timestamptz
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set lock_timeout = '50ms'
as $$
declare
    v_leaf record;
begin
    for v_leaf in
        select leaf.name, greatest(leaf.size_bytes / current_setting('block_size')::integer - pages, 0) as page
        from (
            select
                class.relname as name, pgqueue.bound_of(class.oid, 'FROM') as low, pg_relation_size(class.oid) as size_bytes
            from pg_inherits
            join pg_class as class on class.oid = pg_inherits.inhrelid
            where pg_inherits.inhparent = 'pgqueue.outcomes'::regclass
        ) as leaf
        where leaf.low is null
            or leaf.low <= moment
        order by leaf.low desc nulls first
        limit 3
    loop
        begin
            return query execute format(
                'select job_id, claim_id, finished_at, worker, attempt, size, state::text, run_seconds, error,'
                ' case when $2 then min(finished_at) over () end from pgqueue.%I where ctid >= $1',
                v_leaf.name
            ) using format('(%s,0)', v_leaf.page)::tid, v_leaf.page > 0;
        exception
            when lock_not_available or undefined_table then
                continue;
        end;
    end loop;
end
$$;

-- How many jobs were enqueued a second since then; of many, the last `most` tell.
create or replace function pgqueue.enqueued_lately(since timestamptz, until timestamptz, most integer)
returns double precision
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select
        coalesce(sum(newest.size), 0) / greatest(
            extract(epoch from until - case when count(*) = most then pgqueue.moment_of(min(newest.id)) else since end),
            0.001
        )::double precision
    from (
        select jobs.id, jobs.size
        from pgqueue.jobs
        where jobs.id >= pgqueue.first_id(since)
        order by jobs.id desc
        limit most
    ) as newest
$$;

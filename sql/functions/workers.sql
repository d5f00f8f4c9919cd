-- A worker is alive while its session holds the advisory lock of its id; the
-- row only tells who it is (`concurrency`: how many jobs it runs at once;
-- `paused`: whether it was paused when its row went). Called again after a
-- reconnect. Returns whether the lock is ours: false while the old session is not
-- gone yet.
create or replace function pgqueue.join_workers(
    worker bigint,
    queues text[],
    host text,
    process_id integer,
    version text,
    concurrency integer default null,
    paused boolean default false
)
returns boolean
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    insert into pgqueue.workers
        (id, started_at, server_started_at, process_id, concurrency, host, queues, version, paused_at)
    values (
        worker, pgqueue.now(), pg_postmaster_start_time(), process_id, concurrency, host, queues, version,
        case when paused then pgqueue.now() end
    )
    on conflict (id) do update
    set server_started_at = excluded.server_started_at;
    select pg_try_advisory_lock(pgqueue.worker_key(worker))
$$;

create or replace function pgqueue.leave_workers(worker bigint)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    delete from pgqueue.workers
    where id = worker;
    select pg_advisory_unlock(pgqueue.worker_key(worker))
$$;

-- The workers whose session is gone. `met_server` tells a worker that died from
-- one that a restart or a failover cut off, and that may be on its way back: it
-- never joined the server that runs now. A standby may have been started long
-- before its promotion, so it is the start it joined that counts, not when.
create or replace function pgqueue.absent_workers(asking bigint)
returns table (worker bigint, met_server boolean)
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    select workers.id, workers.server_started_at = pg_postmaster_start_time()
    from pgqueue.workers
    where workers.id <> asking
        and pg_try_advisory_xact_lock(pgqueue.worker_key(workers.id))
$$;

-- The claims of a worker that it does not know of: an answer it never got.
-- Their jobs are handed back unspent; one that has expired is the reaper's.
-- Returns how many.
create or replace function pgqueue.disown(worker bigint, known bigint[])
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
declare
    v_now timestamptz := pgqueue.now();
    v_claims bigint[];
    v_jobs bigint[];
begin
    select array_agg(held.id), array_agg(entry.job)
    into v_claims, v_jobs
    from pgqueue.claims as held
    cross join lateral unnest(held.jobs) as entry (job)
    where held.expires_at >= v_now
        and held.worker = disown.worker
        and held.id <> all (known);
    if v_jobs is not null then
        perform pgqueue.finish(claims => v_claims, jobs => v_jobs, states => '{returned}');
    end if;
    return coalesce(cardinality(v_jobs), 0);
end
$$;

-- Strike dead workers off the list, once what they held is taken back; one that
-- has come back meanwhile stays. The watch they may have kept is free: their
-- queues' sleepers are told.
create or replace function pgqueue.strike_workers(workers bigint[])
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    with struck as (
        delete from pgqueue.workers
        where workers.id = any (strike_workers.workers)
            and pg_try_advisory_xact_lock(pgqueue.worker_key(workers.id))
        returning workers.queues
    )
    select pgqueue.offer_watch(queue)
    from (select distinct unnest(struck.queues) as queue from struck) as named
$$;

-- A paused worker takes no new job; what it runs goes on under its leases. It sees
-- that as it asks for the duty, within ten seconds. Its row outlives its sessions,
-- not the worker itself. Returns whether there is one of that id.
create or replace function pgqueue.pause_worker(worker bigint)
returns boolean
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    with paused as (
        update pgqueue.workers
        set paused_at = coalesce(paused_at, pgqueue.now())
        where id = worker
        returning id
    )
    select exists (select from paused)
$$;

create or replace function pgqueue.resume_worker(worker bigint)
returns boolean
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    with resumed as (
        update pgqueue.workers
        set paused_at = null
        where id = worker
        returning id
    )
    select exists (select from resumed)
$$;

-- Whether a worker is to take no new job; one without a row never is.
create or replace function pgqueue.is_paused(worker bigint)
returns boolean
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select
        from pgqueue.workers
        where id = worker
            and paused_at is not null
    )
$$;

-- A worker is alive while its session holds the advisory lock of its id; the
-- row only tells who it is. Called again after a reconnect. Returns whether
-- the lock is ours: false while the old session is not gone yet.
create or replace function pgqueue.join_workers(
    worker bigint,
    queues text[],
    host text,
    process_id integer,
    version text
)
returns boolean
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    insert into pgqueue.workers (id, started_at, process_id, host, queues, version)
    values (worker, pgqueue.now(), process_id, host, queues, version)
    on conflict (id) do nothing;
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

-- The workers whose session is gone, with the server's start: a server that
-- started after a claim was made says nothing of the claim's worker.
create or replace function pgqueue.absent_workers(asking bigint)
returns table (worker bigint, server_started_at timestamptz)
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    select workers.id, pg_postmaster_start_time()
    from pgqueue.workers
    where workers.id <> asking
        and pg_try_advisory_xact_lock(pgqueue.worker_key(workers.id))
$$;

-- Old rows outside any window: bodies kept for jobs that have ended since,
-- history that fell into a default partition, cancellations and redrives of
-- jobs long gone. At most `most` of each. Returns how many were deleted.
create or replace function pgqueue.delete_leftovers(most integer default 1000)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
    v_horizon timestamptz := pgqueue.now() - (select retention from pgqueue.installation);
    v_old bigint := pgqueue.first_id(v_horizon);
    v_deleted integer := 0;
    v_count integer;
begin
    delete from pgqueue.jobs_kept as kept
    where kept.id = any (
        array(
            select old.id
            from pgqueue.jobs_kept as old
            where exists (
                select
                from pgqueue.outcomes
                where outcomes.job_id = old.id
                    and outcomes.retry_at is null
                    and outcomes.finished_at < v_horizon
            )
                and not exists (select from pgqueue.ready where ready.id = old.id)
                and not exists (select from pgqueue.claims where old.id = any (claims.jobs))
            limit most
        )
    );
    get diagnostics v_count = row_count;
    v_deleted := v_deleted + v_count;

    delete from pgqueue.outcomes_default
    where ctid = any (array(select ctid from pgqueue.outcomes_default where finished_at < v_horizon limit most));
    get diagnostics v_count = row_count;
    v_deleted := v_deleted + v_count;

    delete from pgqueue.progress_default
    where ctid = any (array(select ctid from pgqueue.progress_default where reported_at < v_horizon limit most));
    get diagnostics v_count = row_count;
    v_deleted := v_deleted + v_count;

    delete from pgqueue.cancellations
    where job_id = any (
        array(
            select cancelled.job_id
            from pgqueue.cancellations as cancelled
            left join pgqueue.job_states as known on known.id = cancelled.job_id
            where cancelled.requested_at < v_horizon
                and (known.id is null or known.finished_at < v_horizon)
            limit most
        )
    );
    get diagnostics v_count = row_count;
    v_deleted := v_deleted + v_count;

    delete from pgqueue.redrives
    where redriven_at < v_horizon
        and not exists (select from pgqueue.bodies where bodies.id = redrives.job_id);
    get diagnostics v_count = row_count;
    return v_deleted + v_count;
end
$$;

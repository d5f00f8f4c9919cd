-- What running jobs say of themselves: appended, the newest is the one shown.
create or replace function pgqueue.report_progress(
    jobs bigint[],
    attempts integer[],
    fractions real[],
    notes text[]
)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    insert into pgqueue.progress (job_id, attempt, reported_at, fraction, note)
    select said.job, said.attempt, moment, said.fraction, left(said.note, 1000)
    from pgqueue.now() as moment
    cross join unnest(jobs, attempts, fractions, notes) as said (job, attempt, fraction, note)
    on conflict do nothing
$$;

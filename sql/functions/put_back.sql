-- claims -> ready: the jobs to be tried again, and those returned unspent,
-- whose attempt is given back (unless the attempt was completed meanwhile).
create or replace function pgqueue.put_back(endings pgqueue.ending[], again bigint[])
returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
as $$
    insert into pgqueue.ready
        (id, slot, visible_at, priority, attempt, last_attempt, queue)
    select distinct
        ended.job,
        pgqueue.slot(moment, moment + coalesce(ended.delay, interval '0'), settings.ready_window),
        moment + coalesce(ended.delay, interval '0'),
        ended.priority,
        ended.attempt - (ended.state = 'returned')::integer,
        ended.last_attempt,
        body.queue
    from unnest(endings) as ended
    cross join lateral (select jobs.queue from pgqueue.jobs where jobs.id = ended.job limit 1) as body
    cross join pgqueue.installation as settings
    cross join pgqueue.now() as moment
    where ended.job = any (again)
        or ended.state = 'returned'
        and not exists (
            select
            from pgqueue.outcomes
            where outcomes.job_id = ended.job
                and outcomes.attempt = ended.attempt
        )
$$;

-- The dead letters that fit every filter given, newest death first. Pages are
-- turned by the last row seen: died_before with before_job.
create or replace function pgqueue.list_dead(
    queue text default null,
    task text default null,
    error_type text default null,
    died_since timestamptz default null,
    died_before timestamptz default null,
    before_job bigint default null,
    max_letters integer default 100
)
returns setof pgqueue.dead_letters
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
    select letter.*
    from pgqueue.dead_letters as letter
    where (list_dead.queue is null or letter.queue = list_dead.queue)
        and (list_dead.task is null or letter.task = list_dead.task)
        and (list_dead.error_type is null or letter.error ->> 'type' = list_dead.error_type)
        and (died_since is null or letter.died_at >= died_since)
        and (died_before is null or (letter.died_at, letter.job_id) < (died_before, coalesce(before_job, 0)))
    order by letter.died_at desc, letter.job_id desc
    limit max_letters
$$;

-- Delete dead letters for good. Returns the ids of those that were there.
create or replace function pgqueue.purge(jobs bigint[])
returns setof bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
    delete from pgqueue.dead_letters
    where job_id = any (jobs)
    returning job_id
$$;

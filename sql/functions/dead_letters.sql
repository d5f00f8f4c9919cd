-- The dead letters that fit every filter given, newest death first. Pages are
-- turned by the last row seen: died_before with before_job. Brief ones are told
-- without payload, headers and history, which are then not read.
create or replace function pgqueue.list_dead(
    queue text default null,
    task text default null,
    error_type text default null,
    died_since timestamptz default null,
    died_before timestamptz default null,
    before_job bigint default null,
    max_letters integer default 100,
    brief boolean default false
)
returns setof pgqueue.dead_letters
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set plan_cache_mode = force_generic_plan
as $$
begin
    -- By the filter that leaves the fewest, as a rule: its index has the order of the answer.
    if error_type is not null then
        return query
        select told.*
        from pgqueue.dead_letters as letter
        cross join pgqueue.as_told(letter, brief) as told
        where (letter.error ->> 'type') collate "C" = error_type
            and pgqueue.is_listed(letter, list_dead.queue, list_dead.task)
            and letter.died_at >= coalesce(died_since, '-infinity')
            and (letter.died_at, letter.job_id) < (coalesce(died_before, 'infinity'), coalesce(before_job, 0))
        order by letter.died_at desc, letter.job_id desc
        limit max_letters;
    elsif task is not null then
        return query
        select told.*
        from pgqueue.dead_letters as letter
        cross join pgqueue.as_told(letter, brief) as told
        where letter.task = list_dead.task
            and pgqueue.is_listed(letter, list_dead.queue, null)
            and letter.died_at >= coalesce(died_since, '-infinity')
            and (letter.died_at, letter.job_id) < (coalesce(died_before, 'infinity'), coalesce(before_job, 0))
        order by letter.died_at desc, letter.job_id desc
        limit max_letters;
    elsif queue is not null then
        return query
        select told.*
        from pgqueue.dead_letters as letter
        cross join pgqueue.as_told(letter, brief) as told
        where letter.queue = list_dead.queue
            and letter.died_at >= coalesce(died_since, '-infinity')
            and (letter.died_at, letter.job_id) < (coalesce(died_before, 'infinity'), coalesce(before_job, 0))
        order by letter.died_at desc, letter.job_id desc
        limit max_letters;
    else
        return query
        select told.*
        from pgqueue.dead_letters as letter
        cross join pgqueue.as_told(letter, brief) as told
        where letter.died_at >= coalesce(died_since, '-infinity')
            and (letter.died_at, letter.job_id) < (coalesce(died_before, 'infinity'), coalesce(before_job, 0))
        order by letter.died_at desc, letter.job_id desc
        limit max_letters;
    end if;
end
$$;

-- Whether a dead letter is of this queue and this task, where they are given.
create or replace function pgqueue.is_listed(letter pgqueue.dead_letters, queue text, task text)
returns boolean
language sql
immutable
parallel safe
as $$
    select (is_listed.queue is null or letter.queue = is_listed.queue)
        and (is_listed.task is null or letter.task = is_listed.task)
$$;

-- A dead letter, whole or brief. Inlined where it is used, else the row's every value were read.
create or replace function pgqueue.as_told(letter pgqueue.dead_letters, brief boolean)
returns setof pgqueue.dead_letters
language sql
immutable
parallel safe
as $$
    select
        letter.job_id,
        letter.died_at,
        letter.timeout,
        letter.attempt,
        letter.max_attempts,
        letter.priority,
        letter.keep_result,
        letter.queue,
        letter.task,
        case when brief then '{}' else letter.payload end,
        case when brief then null else letter.headers end,
        letter.error,
        case when brief then '[]' else letter.history end
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

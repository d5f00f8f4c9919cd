-- Write the dead letters of jobs whose last outcome is death: body and story.
create or replace function pgqueue.bury(jobs bigint[])
returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
    insert into pgqueue.dead_letters
        (job_id, died_at, timeout, attempt, max_attempts, priority, keep_result,
         queue, task, payload, headers, error, history)
    select
        body.id, story.died_at, body.timeout, story.attempt, body.max_attempts,
        coalesce(revision.priority, body.priority), body.keep_result,
        body.queue, body.task, body.payload, body.headers, story.error, story.history
    from unnest(bury.jobs) as dead (id)
    cross join lateral pgqueue.body_of(dead.id) as body
    left join lateral (
        select revisions.priority from pgqueue.revisions where revisions.job_id = dead.id limit 1
    ) as revision on true
    cross join lateral pgqueue.story(dead.id) as story
$$;

-- Every attempt of a job, oldest first, and how the last one ended.
create or replace function pgqueue.story(job bigint)
returns table (died_at timestamptz, attempt smallint, error jsonb, history jsonb)
language sql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
    select
        max(ended.finished_at),
        max(ended.attempt),
        (array_agg(ended.error order by ended.attempt desc))[1],
        jsonb_agg(
            jsonb_build_object(
                'attempt', ended.attempt,
                'state', ended.state,
                'claimed_at', ended.claimed_at,
                'finished_at', ended.finished_at,
                'worker', ended.worker::text,
                'run_seconds', ended.run_seconds,
                'error', ended.error
            )
            order by ended.attempt
        )
    from pgqueue.outcomes_of(story.job) as ended
$$;

-- Everything known of one job, whatever state it is in; no row if nothing is. Every
-- part is asked for by the job's id itself: joined to each other they would be walked.
-- A dead letter is told even after the partition of its body is dropped.
create or replace function pgqueue.get_job(job bigint)
returns table (
    id bigint,
    queue text,
    task text,
    state text,
    attempt smallint,
    max_attempts smallint,
    priority smallint,
    enqueued_at timestamptz,
    run_at timestamptz,
    claimed_at timestamptz,
    expires_at timestamptz,
    worker bigint,
    finished_at timestamptz,
    payload jsonb,
    headers jsonb,
    result jsonb,
    error jsonb,
    history jsonb,
    fraction real,
    note text
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
    with told as (
        select
            known.id, known.queue, known.task, known.state, known.attempt, known.max_attempts, known.priority,
            known.enqueued_at, known.run_at, known.claimed_at, known.expires_at, known.worker, known.finished_at,
            body.payload, body.headers
        from pgqueue.states_of(array[get_job.job]) as known
        cross join lateral pgqueue.body_of(get_job.job) as body
        union all
        select
            letter.job_id, letter.queue, letter.task, 'dead', letter.attempt, letter.max_attempts, letter.priority,
            pgqueue.moment_of(letter.job_id), null, null, null, null, letter.died_at,
            letter.payload, letter.headers
        from pgqueue.dead_letters as letter
        where letter.job_id = get_job.job
            and not exists (select from pgqueue.label_of(get_job.job))
    )
    select
        told.*, last_outcome.result, coalesce(letter.error, last_outcome.error),
        coalesce(letter.history, story.history, '[]'::jsonb), said.fraction, said.note
    from told
    left join pgqueue.dead_letters as letter on letter.job_id = get_job.job
    left join lateral pgqueue.story(get_job.job) as story on true
    left join lateral (
        select ended.result, ended.error
        from pgqueue.outcomes_of(get_job.job) as ended
        order by ended.claim_id desc
        limit 1
    ) as last_outcome on true
    left join lateral (
        select progress.fraction, progress.note
        from pgqueue.progress
        where progress.job_id = get_job.job
        order by progress.attempt desc, progress.reported_at desc
        limit 1
    ) as said on true
$$;

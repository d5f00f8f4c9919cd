-- What a claim still has to do once these jobs have gone: those among the rest
-- that were not completed meanwhile, in somebody's own transaction.
create or replace function pgqueue.left_over(held pgqueue.claims, jobs bigint[])
returns table (job bigint, attempt smallint, last_attempt smallint, priority smallint)
language sql
stable
as $$
    select entry.*
    from unnest(held.jobs, held.attempts, held.last_attempts, held.priorities)
        as entry (job, attempt, last_attempt, priority)
    left join unnest(left_over.jobs) as gone (job) on gone.job = entry.job
    where gone.job is null
        and not exists (
            select
            from pgqueue.outcomes
            where outcomes.job_id = entry.job
                and outcomes.claim_id = held.id
        )
$$;

-- Take ended jobs out of the claims that held them, and those completed since;
-- a claim left with none is deleted. The caller holds the claims' locks. One
-- that somebody completes a job of, in a transaction still open, stays for the
-- reaper.
create or replace function pgqueue.release(claims bigint[], jobs bigint[])
returns void
language plpgsql
volatile
as $$
declare
    v_emptied bigint[];
    v_kept record;
begin
    v_emptied := array(
        select held.id
        from pgqueue.claims as held
        where held.id = any (release.claims)
            and not exists (select from pgqueue.left_over(held, release.jobs))
        for update skip locked
    );
    delete from pgqueue.claims as held
    where held.id = any (v_emptied);

    for v_kept in
        select
            held.id,
            array_agg(entry.job) as jobs,
            array_agg(entry.attempt) as attempts,
            array_agg(entry.last_attempt) as last_attempts,
            array_agg(entry.priority) as priorities
        from pgqueue.claims as held
        cross join lateral pgqueue.left_over(held, release.jobs) as entry
        where held.id = any (release.claims)
            and held.id <> all (v_emptied)
        group by held.id
    loop
        update pgqueue.claims as held
        set jobs = v_kept.jobs,
            attempts = v_kept.attempts,
            last_attempts = v_kept.last_attempts,
            priorities = v_kept.priorities
        where held.id = v_kept.id;
    end loop;
end
$$;

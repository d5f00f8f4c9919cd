-- What a claim still has to do once these jobs, each said of the claim that
-- held it, have gone: those among the rest that were not completed meanwhile,
-- in somebody's own transaction.
create or replace function pgqueue.left_over(held pgqueue.claims, claims bigint[], jobs bigint[])
returns table (job bigint, attempt smallint, last_attempt smallint, priority smallint)
language sql
stable
as $$
    select entry.*
    from pgqueue.entries(held) as entry
    left join unnest(left_over.claims, left_over.jobs) as gone (claim, job)
        on gone.claim = held.id
            and gone.job = entry.job
    -- A probe for each job, never a join: that would walk the history for the claim.
    left join lateral (
        select outcomes.job_id
        from pgqueue.outcomes
        where outcomes.job_id = entry.job
            and outcomes.claim_id = held.id
        limit 1
    ) as ended on true
    where gone.job is null
        and ended.job_id is null
$$;

-- Take ended jobs out of the claims that held them, and those completed since.
-- The caller holds the claims' locks, for no key update. One look decides for
-- each claim, so that no completion can come between two. A claim left with
-- nothing is deleted; while somebody completes a job of it in a transaction
-- still open it stays, empty, for the reaper: a claim that went on naming a job
-- handed back would let it be completed, or taken back, once more.
create or replace function pgqueue.release(claims bigint[], jobs bigint[])
returns void
language plpgsql
volatile
as $$
declare
    v_rest record;
begin
    for v_rest in
        select
            held.id,
            coalesce(array_agg(entry.job) filter (where entry.job is not null), '{}') as jobs,
            coalesce(array_agg(entry.attempt) filter (where entry.job is not null), '{}') as attempts,
            coalesce(array_agg(entry.last_attempt) filter (where entry.job is not null), '{}') as last_attempts,
            coalesce(array_agg(entry.priority) filter (where entry.job is not null), '{}') as priorities
        from pgqueue.claims as held
        left join lateral pgqueue.left_over(held, release.claims, release.jobs) as entry on true
        where held.id = any (release.claims)
        group by held.id
    loop
        if v_rest.jobs = '{}' then
            continue when pgqueue.delete_claim(v_rest.id);
        end if;
        update pgqueue.claims as held
        set jobs = v_rest.jobs,
            sizes = array_fill(1::smallint, array[cardinality(v_rest.jobs)]),
            attempts = v_rest.attempts,
            last_attempts = v_rest.last_attempts,
            priorities = v_rest.priorities
        where held.id = v_rest.id;
    end loop;
end
$$;

-- Delete a claim that has nothing left to do, unless somebody else holds its
-- lock. Returns whether it went.
create or replace function pgqueue.delete_claim(claim bigint)
returns boolean
language plpgsql
volatile
as $$
begin
    delete from pgqueue.claims as held
    where held.id = (
        select unlocked.id
        from pgqueue.claims as unlocked
        where unlocked.id = delete_claim.claim
        for update skip locked
    );
    return found;
end
$$;

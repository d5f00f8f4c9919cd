-- claims -> outcomes inside the caller's transaction: a job's effects and its
-- completion commit together. The claim is only share-locked, so that others
-- may go on finishing and extending what else it holds; the job leaves it when
-- its worker next reports, or with the reaper. A claim of this one job, or one made
-- in the same transaction, lets it go now.
-- Locks: the claim, for key share (for update if it goes and nobody else holds
-- it), then the receipt's place, where it waits for another report of this job.
-- Whoever completes jobs of several claims in one transaction takes them by id.
-- Raises PQ001 if the claim no longer holds the job or it is already completed.
create or replace function pgqueue.complete(
    claim bigint,
    job bigint,
    run_seconds real default null,
    result jsonb default null
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
    v_held pgqueue.claims;
    v_is_own boolean;
begin
    select held.*
    into v_held
    from pgqueue.claims as held
    where held.id = complete.claim
    for key share;

    -- Claimed in this very transaction: nobody else can see the claim.
    v_is_own := exists (
        select
        from pgqueue.claims as held
        where held.id = complete.claim
            and held.xmin = pg_current_xact_id()::xid
    );

    insert into pgqueue.outcomes
        (job_id, claim_id, claimed_at, finished_at, worker, run_seconds, attempt, size, state, result)
    select
        complete.job, v_held.id, v_held.claimed_at, pgqueue.now(), v_held.worker, pgqueue.timed(complete.run_seconds),
        entry.attempt, 1, 'succeeded', complete.result
    from pgqueue.entries(v_held) as entry
    where entry.job = complete.job
    on conflict do nothing;
    -- Looked at again, for the insert may have waited for somebody who handed
    -- the job back and left no outcome to collide with.
    if not found or not exists (
        select
        from pgqueue.claims as held
        cross join lateral pgqueue.entries(held) as entry
        where held.id = complete.claim
            and entry.job = complete.job
    ) then
        perform pgqueue.refuse(
            'PQ001',
            format('claim %s no longer holds job %s', claim, job),
            'Its lease ran out or it is finished already: roll back, another attempt has it.'
        );
    end if;

    -- Never waited for: whoever reports this claim now may be waiting for us.
    if v_is_own then
        perform pgqueue.release(array[claim], array[job]);
    elsif pgqueue.size_of(v_held) = 1 then
        perform pgqueue.delete_claim(claim);
    end if;
end
$$;

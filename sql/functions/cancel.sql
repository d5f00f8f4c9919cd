-- Ask that a job be run no more. Waiting, it is cancelled as of now: the claim
-- that meets it drops it. Running, its worker is told, and its handler sees it.
-- Returns the state found: 'waiting', 'running', or how it had ended before.
-- Raises PQ005 if there is no such job.
create or replace function pgqueue.cancel(job bigint, reason text default null)
returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
declare
    v_state text := (select found.state from pgqueue.states_of(array[cancel.job]) as found);
begin
    if v_state is null then
        perform pgqueue.refuse('PQ005', format('there is no job %s', job), 'It never was, or its history is dropped.');
    elsif v_state in ('waiting', 'scheduled', 'running') then
        insert into pgqueue.cancellations (job_id, requested_at, reason)
        values (job, pgqueue.now(), reason)
        on conflict do nothing;
        perform pgqueue.tell(pgqueue.channel(), 'cancel ' || job);
    end if;
    return v_state;
end
$$;

-- claims -> outcomes for the jobs of a fresh claim that were cancelled while
-- they waited. Returns them.
create or replace function pgqueue.drop_cancelled(claim bigint)
returns bigint[]
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_cancelled bigint[] := array(
        select cancellations.job_id
        from pgqueue.claims as held
        cross join lateral pgqueue.entries(held) as entry
        join pgqueue.cancellations on cancellations.job_id = entry.job
        where held.id = drop_cancelled.claim
    );
begin
    if cardinality(v_cancelled) > 0 then
        perform pgqueue.finish(
            claims => array_fill(claim, array[cardinality(v_cancelled)]),
            jobs => v_cancelled,
            states => '{cancelled}'
        );
    end if;
    return v_cancelled;
end
$$;

-- claims -> outcomes, and where a job has not ended, back to ready or on to
-- dead_letters. One entry per job: the claim that holds it and how it ended:
--   succeeded  it ran; `results` may hold what it returned
--   failed     tried again after `delays` if an attempt is left, else dead
--   expired    like failed: its worker did not answer in time
--   dead       not tried again, whatever attempts are left
--   cancelled  not tried again, and not a failure
--   returned   not run: back after `delays`, the attempt given back
-- The arrays after `jobs` hold one value per job, or a single one for all.
-- Returns the jobs left alone because their claim no longer holds them.
-- Locks: the claims named, for no key update, in the order of their ids; then
-- the receipts' places, where it waits for a job that somebody is completing in
-- a transaction of his own; for update, to delete a claim, without waiting.
-- Raises PQ002.
create or replace function pgqueue.finish(
    claims bigint[],
    jobs bigint[],
    states text[] default '{succeeded}',
    delays interval[] default '{null}',
    run_seconds real[] default '{null}',
    errors jsonb[] default '{null}',
    results jsonb[] default '{null}'
)
returns table (claim bigint, job bigint)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
    v_count integer := cardinality(jobs);
    v_endings pgqueue.ending[];
    v_again bigint[];
    v_returned bigint[];
    v_dead bigint[];
begin
    if (
        cardinality(claims) = v_count
        and states <@ '{succeeded,failed,expired,dead,cancelled,returned}'
        and cardinality(states) in (1, v_count)
        and cardinality(delays) in (1, v_count)
        and cardinality(run_seconds) in (1, v_count)
        and cardinality(errors) in (1, v_count)
        and cardinality(results) in (1, v_count)
    ) is not true then
        perform pgqueue.refuse_endings(claims, jobs, states, delays, run_seconds, errors, results);
    end if;
    if 'succeeded' = all (states) and claims[1] = all (claims)
        and pgqueue.finish_whole(claims[1], jobs, run_seconds, results)
    then
        return;
    end if;

    v_endings := pgqueue.endings(claims, jobs, states, delays, run_seconds, errors, results);
    -- A job handed back leaves a mark where its outcome would be, so that it
    -- cannot be completed and handed back at once.
    with written as (
        insert into pgqueue.outcomes
            (job_id, claim_id, claimed_at, finished_at, worker, retry_at, run_seconds, attempt, size, state, error, result)
        select
            ended.job, ended.claim, ended.claimed_at, moment, ended.worker,
            case when ended.state in ('failed', 'expired') then moment + coalesce(ended.delay, interval '0') end,
            pgqueue.timed(ended.run_seconds), ended.attempt, 1, ended.state, ended.error, ended.result
        from unnest(v_endings) as ended
        cross join pgqueue.now() as moment
        on conflict do nothing
        returning job_id, state
    )
    select
        array_agg(job_id) filter (where state in ('failed', 'expired', 'returned')),
        array_agg(job_id) filter (where state = 'returned'),
        array_agg(job_id) filter (where state = 'dead')
    into v_again, v_returned, v_dead
    from written;

    if v_again is not null then
        perform pgqueue.put_back(v_endings, v_again);
    end if;
    if v_returned is not null then
        delete from pgqueue.outcomes
        where outcomes.job_id = any (v_returned)
            and outcomes.claim_id = any (finish.claims)
            and outcomes.state = 'returned';
    end if;
    if v_dead is not null then
        perform pgqueue.bury(v_dead);
        if current_setting('synchronous_commit') = 'off' then
            perform set_config('synchronous_commit', 'on', true); -- a death is told once: it must last
        end if;
    end if;
    perform pgqueue.release(claims, jobs);

    if coalesce(cardinality(v_endings), 0) < v_count then
        return query
        select said.claim, said.job
        from unnest(finish.claims, finish.jobs) as said (claim, job)
        except
        select ended.claim, ended.job
        from unnest(v_endings) as ended;
    end if;
end
$$;

-- The short way, for a claim all of whose jobs succeeded, named in its order.
-- False, and nothing done, where it is not that, or somebody completes one of
-- its jobs right now.
create or replace function pgqueue.finish_whole(claim bigint, jobs bigint[], run_seconds real[], results jsonb[])
returns boolean
language plpgsql
volatile
as $$
declare
    v_count integer := cardinality(jobs);
    v_held pgqueue.claims;
begin
    delete from pgqueue.claims as held
    where held.id = finish_whole.claim
        and held.id = (
            select whole.id
            from pgqueue.claims as whole
            where whole.id = finish_whole.claim
                and array(select entry.job from pgqueue.entries(whole) as entry) = finish_whole.jobs
            for update skip locked
        )
    returning *
    into v_held;
    if not found then
        return false;
    end if;
    if array_remove(run_seconds, null) = '{}' then
        run_seconds := null;
    elsif cardinality(run_seconds) < v_count then
        run_seconds := array_fill(run_seconds[1], array[v_count]);
    end if;
    if array_remove(results, null) = '{}' then
        results := null;
    elsif cardinality(results) < v_count then
        results := array_fill(results[1], array[v_count]);
    end if;
    perform pgqueue.succeed(v_held, pgqueue.now(), run_seconds, 0, results);
    return true;
end
$$;

-- What is said of each job, beside what its claim, locked, knows of it. An
-- attempt that failed is the last if none is left or somebody cancelled the job.
create or replace function pgqueue.endings(
    claims bigint[],
    jobs bigint[],
    states text[],
    delays interval[],
    run_seconds real[],
    errors jsonb[],
    results jsonb[]
)
returns pgqueue.ending[]
language plpgsql
volatile
set enable_nestloop = off
as $$
begin
    return (
        with held as materialized (
            select locked.id as claim, locked.claimed_at, locked.worker, entry.*
            from (
                select held.id, held.claimed_at, held.worker, held
                from pgqueue.claims as held
                where held.id = any (endings.claims)
                order by held.id
                for no key update
            ) as locked
            cross join lateral pgqueue.entries(locked.held) as entry
        )
        select
            array_agg(
                row(
                    held.claim, held.job, held.claimed_at, held.worker, held.attempt, held.last_attempt, held.priority,
                    case
                        when states[least(said.place, cardinality(states))] not in ('failed', 'expired')
                            then states[least(said.place, cardinality(states))]
                        when exists (select from pgqueue.cancellations where job_id = held.job) then 'cancelled'
                        when held.attempt >= held.last_attempt then 'dead'
                        else states[least(said.place, cardinality(states))]
                    end,
                    delays[least(said.place, cardinality(delays))],
                    endings.run_seconds[least(said.place, cardinality(endings.run_seconds))],
                    errors[least(said.place, cardinality(errors))],
                    results[least(said.place, cardinality(results))]
                )::pgqueue.ending
            )
        from held
        join unnest(endings.claims, endings.jobs) with ordinality as said (claim, job, place) using (claim, job)
    );
end
$$;

create or replace function pgqueue.refuse_endings(
    claims bigint[],
    jobs bigint[],
    states text[],
    delays interval[],
    run_seconds real[],
    errors jsonb[],
    results jsonb[]
)
returns void
language plpgsql
volatile
as $$
declare
    v_count integer := cardinality(jobs);
    v_state text;
begin
    if cardinality(claims) <> v_count or cardinality(claims) is null or v_count is null then
        perform pgqueue.refuse(
            'PQ002',
            format(
                'claims has %s values, jobs has %s',
                coalesce(cardinality(claims)::text, 'no'), coalesce(v_count::text, 'no')
            ),
            'Name for each job the claim that holds it.'
        );
    end if;
    perform pgqueue.check_spread('states', states, v_count, 'job');
    perform pgqueue.check_spread('delays', delays, v_count, 'job');
    perform pgqueue.check_spread('run_seconds', run_seconds, v_count, 'job');
    perform pgqueue.check_spread('errors', errors, v_count, 'job');
    perform pgqueue.check_spread('results', results, v_count, 'job');
    foreach v_state in array states loop
        if v_state in ('succeeded', 'failed', 'expired', 'dead', 'cancelled', 'returned') is not true then
            perform pgqueue.refuse(
                'PQ002',
                format('state %s is none a job can end in', coalesce(quote_literal(v_state), 'null')),
                'Say succeeded, failed, expired, dead, cancelled or returned.'
            );
        end if;
    end loop;
end
$$;

-- The line apart: priority 10, which no enqueue can ask for. A job whose worker
-- died twice while it held it may be what killed it. So from then on, and for
-- its last attempt, it waits there, and is claimed alone: the next death then
-- costs nobody else an attempt, and no worker holds two such jobs at once.

-- Which line a job goes to that comes back: the line apart after a death of its
-- worker that was not the first, or before its last attempt; it stays there
-- while handed back unstarted. Any other answer clears it of the suspicion.
create or replace function pgqueue.line_of(ended pgqueue.ending, priority smallint)
returns smallint
language sql
immutable
as $$
    select case
        when ended.state = 'expired' and (ended.attempt >= 2 or ended.attempt + 1 >= ended.last_attempt) then 10::smallint
        when ended.state = 'returned' and ended.priority = 10 and coalesce(ended.delay, interval '0') = interval '0'
            then 10::smallint
        else priority
    end
$$;

-- ready -> claims: one job of the line apart, alone under its lease; for `claim`,
-- whose settings hold here too. Cancelled ones end here. No row where none waits.
create or replace function pgqueue.claim_apart(
    claim bigint,
    moment timestamptz,
    queues text[],
    lease interval,
    worker bigint
)
returns table (job bigint, attempt smallint, last_attempt smallint, visible_at timestamptz)
language plpgsql
volatile
as $$
begin
    for v_try in 1 .. 1000 loop
        with picked as materialized (
            select line.*
            from generate_series(1, cardinality(queues)) as number
            cross join lateral (
                select
                    ready.ctid as place, ready.slot, ready.id, ready.attempt, ready.last_attempt, ready.visible_at
                from pgqueue.ready
                where (ready.slot <= moment or ready.slot = 'infinity')
                    and ready.queue = queues[number]
                    and ready.priority = 10
                    and ready.visible_at <= moment
                order by ready.visible_at, ready.id
                limit 1
                for update skip locked
            ) as line
            limit 1
        ),
        taken as (
            delete from pgqueue.ready
            using picked
            where (ready.slot <= moment or ready.slot = 'infinity')
                and ready.slot = picked.slot
                and ready.ctid = picked.place
            returning picked.id, (picked.attempt + 1)::smallint as attempt, picked.last_attempt, picked.visible_at
        ),
        held as (
            insert into pgqueue.claims
                (id, claimed_at, expires_at, worker, jobs, sizes, attempts, last_attempts, priorities)
            select
                claim_apart.claim, moment, moment + lease, claim_apart.worker,
                array[taken.id], '{1}', array[taken.attempt], array[taken.last_attempt], array[10::smallint]
            from taken
        )
        select taken.id, taken.attempt, taken.last_attempt, taken.visible_at
        into job, attempt, last_attempt, visible_at
        from taken;

        if job is null then
            return;
        end if;
        if pgqueue.drop_cancelled(claim) = '{}' then
            return next;
            return;
        end if;
    end loop;
end
$$;

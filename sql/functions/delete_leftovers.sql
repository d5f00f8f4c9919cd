-- Old rows outside any window: bodies kept for jobs that have ended since, and
-- cancellations, redrives and revisions of jobs whose body is gone. Each call looks at
-- `most` of each, from a random place on, so it costs the same however many
-- there are. Returns how many were deleted.
create or replace function pgqueue.delete_leftovers(most integer default 1000)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set enable_seqscan = off
set lock_timeout = '50ms'
as $$
begin
    if not pgqueue.may_clear() then
        return 0;
    end if;
    return pgqueue.delete_kept(pgqueue.now() - (select retention from pgqueue.installation), most)
        + pgqueue.delete_bodiless('cancellations', most)
        + pgqueue.delete_bodiless('redrives', most)
        + pgqueue.delete_bodiless('revisions', most);
exception
    when lock_not_available then
        return 0;
end
$$;

-- What a table keeps of jobs whose body is gone.
create or replace function pgqueue.delete_bodiless(keeper text, most integer)
returns integer
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_deleted integer;
begin
    execute format(
        $statement$
            delete from pgqueue.%1$I
            where job_id = any (
                array(
                    select looked_at.job_id
                    from (select min(job_id) as low, max(job_id) as high from pgqueue.%1$I) as bounds
                    cross join pgqueue.between_them(bounds.low, bounds.high) as place
                    cross join lateral (
                        (select job_id from pgqueue.%1$I where job_id >= place order by job_id limit $1)
                        union all
                        (select job_id from pgqueue.%1$I where job_id < place order by job_id limit $1)
                        limit $1
                    ) as looked_at
                    where not pgqueue.has_body(looked_at.job_id)
                )
            )
        $statement$,
        keeper
    )
    using most;
    get diagnostics v_deleted = row_count;
    return v_deleted;
end
$$;

-- Bodies kept for jobs that are neither waiting nor held, and of which nothing
-- has been heard since the horizon. First those are left out that an index tells
-- to be wanted: only for the rest ready is read, which has no index by id. They
-- are locked before they are looked at a second time: a redrive, which relies on
-- the body, holds the lock until its row of ready can be seen.
create or replace function pgqueue.delete_kept(horizon timestamptz, most integer)
returns integer
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_old bigint[];
    v_deleted integer;
begin
    v_old := array(
        select looked_at.id
        from (select min(id) as low, max(id) as high from pgqueue.jobs_kept) as bounds
        cross join pgqueue.between_them(bounds.low, bounds.high) as place
        cross join lateral (
            (select * from pgqueue.jobs_kept where id >= place order by id limit most)
            union all
            (select * from pgqueue.jobs_kept where id < place order by id limit most)
            limit most
        ) as looked_at
        where not exists (
            select
            from pgqueue.outcomes_of(looked_at.id) as ended
            where ended.finished_at >= horizon
        )
            -- Its first attempt is due when the job says, to the id's millisecond. Said
            -- twice: by a name of its own, the moment would be no condition on the index.
            and not exists (
                select
                from pgqueue.ready
                where ready.queue = looked_at.queue
                    and ready.priority = looked_at.priority
                    and ready.visible_at
                        between greatest(looked_at.run_at, pgqueue.moment_of(looked_at.id)) - interval '1 ms'
                        and greatest(looked_at.run_at, pgqueue.moment_of(looked_at.id)) + interval '1 ms'
                    and ready.id between pgqueue.bundle_of(looked_at.id) and looked_at.id
                    and ready.id + ready.size > looked_at.id
            )
    );
    v_old := array(
        select kept.id
        from pgqueue.jobs_kept as kept
        where kept.id = any (v_old)
        for update skip locked
    );
    if v_old = '{}' then
        return 0;
    end if;
    delete from pgqueue.jobs_kept as kept
    where kept.id = any (v_old)
        and kept.id <> all (
            array(
                select old
                from unnest(v_old) as old
                join pgqueue.ready on pgqueue.bundle_of(ready.id) = pgqueue.bundle_of(old)
                where old between ready.id and ready.id + ready.size - 1
                union all
                select held.job
                from pgqueue.held
                where held.job = any (v_old)
            )
        );
    get diagnostics v_deleted = row_count;
    return v_deleted;
end
$$;

create or replace function pgqueue.has_body(job bigint)
returns boolean
language sql
stable
as $$
    select exists (select from pgqueue.label_of(has_body.job))
$$;

-- A random number from low to high.
create or replace function pgqueue.between_them(low bigint, high bigint)
returns bigint
language sql
volatile
as $$
    select low + (pg_catalog.random() * (high - low))::bigint
$$;

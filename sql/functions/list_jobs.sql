-- Jobs that fit every filter, a page at a time: newest first; but waiting and
-- scheduled ones, asked for by state, as a claim takes them: by queue, priority,
-- when they are due. Where more may follow there is a last row whose id is null
-- and whose `next_page` says where to go on: pass it as `after`. One call looks at
-- `max_looked` jobs at most: a page may hold fewer than `max_jobs`, even none, and
-- yet have a next. Raises PQ002 (no such state or place, a limit out of bounds).
create or replace function pgqueue.list_jobs(
    in_state text default null,
    in_queue text default null,
    of_task text default null,
    enqueued_since timestamptz default null,
    enqueued_before timestamptz default null,
    after text default null,
    max_jobs integer default 100,
    max_looked integer default 5000
)
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
    next_page text
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set datestyle = 'ISO'
set timezone = 'UTC'
set jit = off
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set plan_cache_mode = force_generic_plan
as $$
declare
    -- Moments of which no id could tell are those of the first and the last.
    v_low bigint := pgqueue.first_id(least(greatest(enqueued_since, '2024-01-01 00:00:00+00'), '2300-01-01 00:00:00+00'));
    v_high bigint := pgqueue.first_id(greatest(least(enqueued_before, '2300-01-01 00:00:00+00'), '2024-01-01 00:00:00+00'));
    v_lines refcursor;
    v_line record;
    v_last bigint;
    v_looked integer := 0;
    v_jobs bigint[] := '{}';
begin
    perform pgqueue.check_list(in_state, after, max_jobs, max_looked);
    if in_state in ('waiting', 'scheduled') then
        v_lines := pgqueue.in_line(in_queue, of_task is not null, in_state = 'scheduled', after);
    else
        v_lines := pgqueue.by_age(
            in_state, in_queue is not null or of_task is not null, v_low, least(v_high, after::bigint),
            1 + case when in_state is null and in_queue is null and of_task is null then max_jobs else max_looked end
        );
    end if;
    loop
        fetch v_lines into v_line;
        exit when not found;
        v_looked := v_looked + 1;
        next_page := v_line.place;
        if v_line.fits
            and v_line.id >= v_low
            and v_line.id < v_high
            and v_line.id is distinct from v_last
            and (in_queue is null or v_line.queue = in_queue)
            and (of_task is null or v_line.task = of_task)
        then
            v_jobs := v_jobs || v_line.id;
            v_last := v_line.id;
            exit when cardinality(v_jobs) = max_jobs;
        end if;
        exit when v_looked = max_looked;
    end loop;
    if not found then
        next_page := null;
    end if;
    close v_lines;

    -- Of what waits the rows of ready have told which it is: one that was handed back
    -- for later leaves no outcome to tell it by.
    return query
    select
        told.id, told.queue, told.task, coalesce(in_state, told.state), told.attempt, told.max_attempts, told.priority,
        told.enqueued_at, told.run_at, told.claimed_at, told.expires_at, told.worker, told.finished_at, null::text
    from pgqueue.states_of(v_jobs) as told
    where in_state is null
        or told.state = in_state
        or told.state in ('waiting', 'scheduled') and in_state in ('waiting', 'scheduled');
    if next_page is not null then
        return next;
    end if;
end
$$;

create or replace function pgqueue.check_list(state text, after text, max_jobs integer, max_looked integer)
returns void
language plpgsql
stable
as $$
begin
    if state not in ('waiting', 'scheduled', 'running', 'succeeded', 'cancelled', 'dead', 'purged') then
        perform pgqueue.refuse(
            'PQ002', format('there is no state %L', state),
            'A job is waiting, scheduled, running, succeeded, cancelled, dead or purged.'
        );
    end if;
    if (max_jobs between 1 and 1000 and max_looked between 1 and 100000) is not true then
        perform pgqueue.refuse(
            'PQ002', format('a page of %s jobs out of %s is out of bounds', max_jobs, max_looked),
            'A page has 1 to 1000 jobs, out of 1 to 100000 looked at.'
        );
    end if;
    if state in ('waiting', 'scheduled') then
        perform split_part(after, ' ', 1)::integer, split_part(after, ' ', 2)::timestamptz, split_part(after, ' ', 3)::bigint;
    else
        perform after::bigint;
    end if;
exception
    when data_exception then
        perform pgqueue.refuse(
            'PQ002', format('%L is not where a page of such jobs ended', after),
            'Pass the next_page of a list with the same state.'
        );
end
$$;

-- Where list_jobs looks for jobs of a state, or of any, below an id: newest first,
-- `most` of them where two tables are laid together, for those are read to there.
-- Some may have gone on meanwhile, some come twice in a row; `fits` is false of
-- what only lies on the way. Queue and task are told where they are needed.
create or replace function pgqueue.by_age(state text, needs_body boolean, low bigint, below bigint, most integer)
returns refcursor
language plpgsql
stable
as $$
declare
    v_lines refcursor;
begin
    case state
    when 'dead' then
        open v_lines for
        select letter.job_id as id, letter.queue, letter.task, letter.job_id::text as place, true as fits
        from pgqueue.dead_letters as letter
        where letter.job_id >= low
            and letter.job_id < below
        order by letter.job_id desc;
    when 'running' then
        open v_lines for
        select line.id, body.queue, body.task, line.id::text as place, true as fits
        from (
            select held.job as id
            from pgqueue.held
            where held.job >= low
                and held.job < below
            order by held.job desc
        ) as line
        left join lateral pgqueue.label_of(line.id) as body on needs_body;
    when 'succeeded', 'purged' then
        open v_lines for
        select line.id, body.queue, body.task, line.id::text as place, line.fits
        from (
            select
                ended.id,
                case by_age.state
                    when 'succeeded' then ended.state = 'succeeded'
                    else ended.state = 'dead' and not exists (
                        select
                        from pgqueue.dead_letters as letter
                        where letter.job_id = ended.id
                    )
                end as fits
            from pgqueue.ended_by_age(low, below) as ended
        ) as line
        left join lateral pgqueue.label_of(line.id) as body on needs_body and line.fits;
    when 'cancelled' then
        open v_lines for
        select line.id, body.queue, body.task, line.id::text as place, line.fits
        from (
            (
                select ended.id, ended.state = 'cancelled' as fits
                from pgqueue.ended_by_age(low, below) as ended
                limit most
            )
            union all
            (
                select cancellations.job_id, true
                from pgqueue.cancellations
                where cancellations.job_id >= low
                    and cancellations.job_id < below
                order by cancellations.job_id desc
                limit most
            )
            order by id desc
        ) as line
        left join lateral pgqueue.label_of(line.id) as body on needs_body and line.fits;
    else
        open v_lines for
        (
            select line.id, line.queue, line.task, line.id::text as place, true as fits
            from (
                select jobs.id + number as id, jobs.queue, jobs.task
                from (
                    select jobs.id, jobs.queue, jobs.task, jobs.size
                    from pgqueue.jobs
                    where jobs.id >= pgqueue.bundle_of(low)
                        and jobs.id < below
                    order by jobs.id desc
                ) as jobs
                cross join lateral generate_series(jobs.size - 1, 0, -1) as number
            ) as line
            where line.id >= low
                and line.id < below
            limit most
        )
        union all
        (
            select kept.id, kept.queue, kept.task, kept.id::text, true
            from pgqueue.jobs_kept as kept
            where kept.id >= low
                and kept.id < below
                and not exists (
                    select
                    from pgqueue.jobs
                    where jobs.id = pgqueue.bundle_of(kept.id)
                )
            order by kept.id desc
            limit most
        )
        order by id desc;
    end case;
    return v_lines;
end
$$;

-- The same for what waits, or is to come: as a claim takes it. A place is the
-- priority, the moment, the id and the queue of the last one seen.
create or replace function pgqueue.in_line(queue text, needs_body boolean, is_later boolean, after text)
returns refcursor
language plpgsql
stable
as $$
declare
    v_now timestamptz := pgqueue.now();
    v_lines refcursor;
    v_priority integer := split_part(after, ' ', 1)::integer;
    v_at timestamptz := split_part(after, ' ', 2)::timestamptz;
    v_id bigint := split_part(after, ' ', 3)::bigint;
    v_queue text := substring(after from '^\S+ \S+ \S+ (.+)$');
begin
    open v_lines for
    select
        line.id, open.queue, body.task,
        concat_ws(' ', open.priority, replace(line.visible_at::text, ' ', 'T'), line.id, open.queue) as place,
        not exists (
            select
            from pgqueue.cancellations
            where cancellations.job_id = line.id
        ) as fits
    from (
        select queues.name as queue, priority.priority
        from pgqueue.queues
        cross join generate_series(0, 10) as priority (priority)
        where (in_line.queue is null or queues.name = in_line.queue)
            and (after is null or (queues.name, priority.priority) >= (v_queue, v_priority))
        order by queues.name, priority.priority
    ) as open
    cross join lateral (
        select ready.id + number as id, ready.visible_at
        from (
            select ready.id, ready.visible_at, ready.size
            from pgqueue.ready
            where (ready.slot <= v_now or ready.slot = 'infinity')
                and ready.queue = open.queue
                and ready.priority = open.priority
                and (ready.visible_at, ready.id) > (
                    case
                        when (open.queue, open.priority) = (v_queue, v_priority) then v_at
                        when is_later then v_now
                        else '-infinity'
                    end,
                    case
                        -- The rest of a row of which a page saw the beginning comes first.
                        when (open.queue, open.priority) = (v_queue, v_priority) then pgqueue.bundle_of(v_id) - 1
                        else 9223372036854775807
                    end
                )
                and ready.visible_at <= case when is_later then 'infinity' else v_now end
            order by ready.visible_at, ready.id
        ) as ready
        cross join lateral generate_series(0, ready.size - 1) as number
        where (open.queue, open.priority, ready.visible_at) <> (v_queue, v_priority, v_at)
            or ready.id + number > v_id
            or v_id is null
    ) as line
    left join lateral pgqueue.label_of(line.id) as body on needs_body;
    return v_lines;
end
$$;

-- How the attempts of jobs between these ids ended, newest first. No two rows of
-- outcomes overlap but those that tell of the same job alone.
create or replace function pgqueue.ended_by_age(low bigint, below bigint)
returns table (id bigint, state text)
language sql
stable
as $$
    select ended.job_id + number, ended.state
    from (
        select outcomes.job_id, outcomes.size, outcomes.state
        from pgqueue.outcomes
        where outcomes.job_id >= pgqueue.bundle_of(low)
            and outcomes.job_id < below
        order by outcomes.job_id desc
    ) as ended
    cross join lateral generate_series(ended.size - 1, 0, -1) as number
    where ended.job_id + number >= low
        and ended.job_id + number < below
$$;

-- What an installation holds, told without walking it: exact where little is
-- there, estimated where it is much, and saying which. Nothing is written and no
-- counter kept. Each call is one short statement: none holds the horizon.

-- A row per queue. `waiting` holds eleven numbers, one for each priority (the last
-- is the line apart); `estimated` names the states whose numbers are estimates:
--   waiting, scheduled  counted in the index, line by line, as far as `bound`;
--                       beyond, from two hundred pages of ready, the same each time
--   running             all jobs held; by queue, from some thousand of them
--   dead                counted in two thousand pages; beyond, estimated from these
-- `oldest` is since when the longest waiting job could have run. `floors` may say
-- for the queues in `known`, eleven each, below which moment nothing waits: under a
-- long transaction the index is full of what was claimed before. A hint: what
-- became visible below it late is not seen. Returns the floors for the next call.
create or replace function pgqueue.queue_stats(
    known text[] default '{}',
    floors timestamptz[] default '{}',
    bound integer default 10000
)
returns table (
    moment timestamptz,
    queue text,
    paused_at timestamptz,
    waiting bigint[],
    scheduled bigint,
    running bigint,
    dead bigint,
    oldest timestamptz,
    estimated text[],
    next_floors timestamptz[]
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set jit = off
as $$
declare
    v_now timestamptz := pgqueue.now();
    v_queues integer := (select count(*) from pgqueue.queues);
    v_bound integer := least(bound, greatest(100, bound::bigint * 5 / greatest(v_queues, 1)));
    v_ready_percent real := pgqueue.percent_of_pages('ready', 200);
    v_alive bigint := pgqueue.counted_by_server('ready');
    v_dead_percent real := pgqueue.percent_of_pages('dead_letters', 2000);
begin
    return query
    with lines as materialized (
        select
            named.name as queue, number.priority,
            found.due, found.first,
            case when found.due_rows > v_bound then beyond.later else found.jobs - found.due end as later,
            found.due_rows > v_bound as due_is_cut,
            case when found.due_rows > v_bound then beyond.rows else found.rows end > v_bound as later_is_cut
        from (
            select queues.name, array_position(known, queues.name) as place
            from pgqueue.queues
        ) as named
        cross join generate_series(0, 10) as number (priority)
        cross join lateral (
            select
                count(*) as rows, count(*) filter (where counted.visible_at <= v_now) as due_rows,
                coalesce(sum(counted.size), 0) as jobs,
                coalesce(sum(counted.size) filter (where counted.visible_at <= v_now), 0) as due,
                min(counted.visible_at) as first
            from (
                select ready.visible_at, ready.size
                from pgqueue.ready
                where (ready.slot <= v_now or ready.slot = 'infinity')
                    and ready.queue = named.name
                    and ready.priority = number.priority
                    and ready.visible_at >= coalesce(floors[(named.place - 1) * 11 + number.priority + 1], '-infinity')
                order by ready.visible_at
                limit v_bound + 1
            ) as counted
        ) as found
        cross join lateral (
            select count(*) as rows, coalesce(sum(counted.size), 0) as later
            from (
                select ready.size
                from pgqueue.ready
                where found.due_rows > v_bound -- else all that is due lies before it, and it was counted
                    and (ready.slot <= v_now or ready.slot = 'infinity')
                    and ready.queue = named.name
                    and ready.priority = number.priority
                    and ready.visible_at > v_now
                limit v_bound + 1
            ) as counted
        ) as beyond
    ),
    sampled as materialized (
        select
            ready.queue, ready.priority, count(*) * 100 / v_ready_percent as rows,
            sum(ready.size) * 100 / v_ready_percent as jobs,
            coalesce(sum(ready.size) filter (where ready.visible_at <= v_now), 0) * 100 / v_ready_percent as due
        from pgqueue.ready tablesample system (v_ready_percent) repeatable (0)
        where (select bool_or(lines.due_is_cut or lines.later_is_cut) from lines)
        group by ready.queue, ready.priority
    ),
    -- How many pages that were, only chance knows: the server's own count mends it, where it is credible.
    guessed as materialized (
        select
            sampled.queue, sampled.priority,
            (sampled.due * mended.by)::bigint as due,
            ((sampled.jobs - sampled.due) * mended.by)::bigint as later
        from sampled
        cross join (
            select case when v_alive / sum(sampled.rows) between 0.75 and 1.33 then v_alive / sum(sampled.rows) else 1 end as by
            from sampled
        ) as mended
    ),
    depths as materialized (
        select
            lines.queue,
            array_agg(
                case when lines.due_is_cut then greatest(lines.due, guessed.due) else lines.due end::bigint
                order by lines.priority
            ) as waiting,
            sum(case when lines.later_is_cut then greatest(lines.later, guessed.later) else lines.later end)::bigint
                as scheduled,
            min(lines.first) filter (where lines.due > 0) as oldest,
            bool_or(lines.due_is_cut) as waiting_is_estimated,
            bool_or(lines.later_is_cut) as scheduled_is_estimated,
            array_agg(lines.first order by lines.priority) as firsts
        from lines
        left join guessed using (queue, priority)
        group by lines.queue
    ),
    held as materialized (
        select * from pgqueue.held_by_queue(v_now)
    ),
    buried as materialized (
        select letter.queue, (count(*) * 100 / v_dead_percent)::bigint as jobs
        from pgqueue.dead_letters as letter tablesample system (v_dead_percent) repeatable (0)
        group by letter.queue
    )
    select
        v_now, depths.queue, queues.paused_at, depths.waiting, depths.scheduled,
        coalesce(held.jobs, 0), coalesce(buried.jobs, 0), depths.oldest,
        array_remove(
            array[
                case when depths.waiting_is_estimated then 'waiting' end,
                case when depths.scheduled_is_estimated then 'scheduled' end,
                case when (select bool_or(held.is_estimated) from held) then 'running' end,
                case when v_dead_percent < 100 then 'dead' end
            ],
            null
        ),
        depths.firsts
    from depths
    join pgqueue.queues on queues.name = depths.queue
    left join held on held.queue = depths.queue
    left join buried on buried.queue = depths.queue;
end
$$;

-- How much of a table so many of its pages are, in percent; 100 where it has no more.
create or replace function pgqueue.percent_of_pages(relation text, pages integer)
returns real
language sql
volatile
set search_path = pg_catalog, pg_temp
as $$
    select least(
        100,
        100.0 * pages * current_setting('block_size')::integer
            / greatest(pg_relation_size(named.table), sum(pg_relation_size(pg_inherits.inhrelid)), 1)
    )::real
    from (select format('pgqueue.%I', relation)::regclass as table) as named
    left join pg_inherits on pg_inherits.inhparent = named.table
    group by named.table
$$;

-- How many rows of a partitioned table live, by the server's statistics: nothing is
-- looked at, but they lag, and are gone after a crash.
create or replace function pgqueue.counted_by_server(relation text)
returns bigint
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
    select sum(pg_stat_get_live_tuples(pg_inherits.inhrelid))::bigint
    from pg_inherits
    where pg_inherits.inhparent = format('pgqueue.%I', relation)::regclass
$$;

-- The jobs that are held, by queue. A claim does not know its queues: up to some
-- thousand bodies are looked at, as many of each claim.
create or replace function pgqueue.held_by_queue(moment timestamptz)
returns table (queue text, jobs bigint, is_estimated boolean)
language sql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
    with held as materialized (
        select claims.jobs, claims.sizes, pgqueue.size_of(claims) as size
        from pgqueue.claims
        where claims.expires_at >= moment - interval '1 minute' -- before that they are the reaper's
            and claims.jobs <> '{}'
    ),
    share as materialized (
        select ceil(1000.0 / greatest(count(*), 1))::integer as pieces
        from held
    )
    select
        body.queue,
        round(sum(piece.size::numeric * held.size / looked_at.size))::bigint,
        bool_or(cardinality(held.jobs) > share.pieces)
    from held
    cross join share
    cross join lateral (
        select sum(size) as size
        from unnest(held.sizes[1:share.pieces]) as size
    ) as looked_at
    cross join lateral unnest(held.jobs[1:share.pieces], held.sizes[1:share.pieces]) as piece (job, size)
    cross join lateral pgqueue.label_of(piece.job) as body
    group by body.queue
$$;

-- The workers that have joined: whether their session lives, and what they hold.
-- One behind a transaction-mode pooler joins nobody and is not among them.
create or replace function pgqueue.worker_stats()
returns table (
    worker bigint,
    started_at timestamptz,
    host text,
    process_id integer,
    version text,
    queues text[],
    concurrency integer,
    is_alive boolean,
    claims bigint,
    jobs bigint,
    paused_at timestamptz
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
    with living as materialized (
        select (lock.classid::bigint << 32) | lock.objid::bigint as key
        from pg_locks as lock
        where lock.locktype = 'advisory'
            and lock.objsubid = 1
            and lock.granted
            and lock.database = (select oid from pg_database where datname = current_database())
    ),
    held as materialized (
        select claims.worker, count(*) as claims, sum(pgqueue.size_of(claims))::bigint as jobs
        from pgqueue.claims
        where claims.expires_at >= pgqueue.now() - interval '1 minute'
            and claims.jobs <> '{}'
        group by claims.worker
    )
    select
        workers.id, workers.started_at, workers.host, workers.process_id, workers.version, workers.queues,
        workers.concurrency, exists (select from living where living.key = pgqueue.worker_key(workers.id)),
        coalesce(held.claims, 0), coalesce(held.jobs, 0), workers.paused_at
    from pgqueue.workers
    left join held on held.worker = workers.id
    order by workers.started_at, workers.id
$$;

-- Every table of ours: its partitions one by one, those that are not partitioned as
-- their own. `low` and `high`: its window, if it is one. `size_bytes`: with indexes and
-- what is stored beside. `inserted`: rows ever inserted, by the server's statistics,
-- which lag some seconds and begin anew when they are lost. `density`: how many jobs a row
-- of its table tells of, on the average of those lately written: a bundle is a row. No
-- row while one is dropped.
create or replace function pgqueue.relation_stats()
returns table (
    relation text,
    partition text,
    low timestamptz,
    high timestamptz,
    size_bytes bigint,
    inserted bigint,
    moment timestamptz,
    density real
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '50ms'
set jit = off
as $$
begin
    return query
    with leaves as materialized (
        select
            leaf.oid, coalesce(parent.relname, leaf.relname)::text as relation, leaf.relname::text as partition
        from pg_class as leaf
        left join pg_inherits on pg_inherits.inhrelid = leaf.oid
        left join pg_class as parent on parent.oid = pg_inherits.inhparent
        where leaf.relnamespace = 'pgqueue'::regnamespace
            and leaf.relkind = 'r'
    ),
    bounds as materialized (
        select windows.name, windows.low, windows.high
        from pgqueue.windows() as windows
    ),
    densities as materialized (
        select 'jobs' as relation, avg(newest.size)::real as density
        from (
            select jobs.size
            from pgqueue.jobs
            order by jobs.id desc
            limit 1000
        ) as newest
        union all
        select 'outcomes', avg(newest.size)::real
        from pgqueue.last_outcomes(pgqueue.now(), 20) as newest
    )
    select
        leaves.relation, leaves.partition, bounds.low, bounds.high,
        coalesce(pg_total_relation_size(leaves.oid), 0), pg_stat_get_tuples_inserted(leaves.oid), pgqueue.now(),
        coalesce(densities.density, 1)
    from leaves
    left join bounds on bounds.name = leaves.partition
    left join densities on densities.relation = leaves.relation
    order by leaves.relation, bounds.low, leaves.partition;
exception
    when lock_not_available then
        return;
end
$$;

-- Who keeps vacuum from clearing what is dead in this database, the oldest first:
--   transaction  a session's, `pid`; `query` is what it runs or ran last
--   prepared     one prepared for two-phase commit, by its name
--   slot         a replication slot, by its name
--   standby      a standby that says what its readers still need, by its name
-- `age` is the transaction's, `transactions` how many have begun since. `query` is for
-- admins, and for who could see it without us; and of another role's session the server
-- may hide both from our owner, unless it has pg_read_all_stats.
create or replace function pgqueue.horizon_holders()
returns table (
    kind text,
    pid integer,
    name text,
    state text,
    query text,
    age interval,
    transactions bigint
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
    select holder.kind, holder.pid, holder.name, holder.state, holder.query, holder.age, pg_catalog.age(holder.horizon)::bigint
    from (
        select
            'transaction' as kind, activity.pid, activity.application_name as name, activity.state,
            case
                when pg_has_role(session_user, activity.usesysid, 'usage')
                    or pg_has_role(session_user, 'pg_read_all_stats', 'usage')
                    or pg_has_role(session_user, to_regrole('pgqueue_admin')::oid, 'usage')
                    then activity.query
            end as query,
            pgqueue.now() - activity.xact_start as age,
            case
                when pg_catalog.age(activity.backend_xid) > pg_catalog.age(activity.backend_xmin) then activity.backend_xid
                else coalesce(activity.backend_xmin, activity.backend_xid)
            end as horizon
        from pg_stat_activity as activity
        where activity.datname = current_database()
            and activity.pid <> pg_backend_pid()
            and activity.backend_type <> 'autovacuum worker'
        union all
        select
            'prepared', null, prepared.gid, null, null, pgqueue.now() - prepared.prepared, prepared.transaction
        from pg_prepared_xacts as prepared
        where prepared.database = current_database()
        union all
        select
            'slot', slot.active_pid, slot.slot_name::text, null, null, null, slot.xmin
        from pg_replication_slots as slot
        union all
        select
            'standby', standby.pid, standby.application_name, standby.state, null, null, standby.backend_xmin
        from pg_stat_replication as standby
    ) as holder
    where holder.horizon is not null
    order by pg_catalog.age(holder.horizon) desc, holder.age desc nulls last
$$;

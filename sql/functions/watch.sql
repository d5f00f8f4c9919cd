-- Waking without NOTIFY on the write path. Among the idle workers of a queue
-- one holds the watch; it arms by taking the bell, claims once more, and only
-- then sleeps. Both are advisory locks of the session, and none is waited for.

-- Try to keep watch over these queues, and where another does, to stand in one of
-- the eight posts from which its successors come: only those hear anything, for
-- NOTIFY wakes every session of the database that listens, whatever it listens to.
-- `posts` tells the post we have in each queue, null where we have none; it is left
-- for the watch. Returns what is new: the watch (post 0) or a post. Who has a new post tries the watch
-- once more: it may have come free before we heard.
create or replace function pgqueue.take_watch(queues text[], posts integer[] default null)
returns table (queue text, post integer)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    for v_place in 1 .. coalesce(cardinality(queues), 0) loop
        queue := queues[v_place];
        if pg_try_advisory_lock(pgqueue.watch_key(queue)) then
            execute format('listen %I', pgqueue.bell_channel(queue));
            if posts[v_place] is not null then
                perform pgqueue.leave_posts(array[queue], array[posts[v_place]]);
            end if;
            post := 0;
            return next;
        elsif posts[v_place] is null then
            for v_post in 1 .. 8 loop
                if pg_try_advisory_lock(pgqueue.post_key(queue, v_post)) then
                    execute format('listen %I', pgqueue.watch_channel(queue));
                    post := v_post;
                    return next;
                    exit;
                end if;
            end loop;
        end if;
    end loop;
end
$$;

-- Make room in these posts, one a queue, for others to be told.
create or replace function pgqueue.leave_posts(queues text[], posts integer[])
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    for v_place in 1 .. coalesce(cardinality(queues), 0) loop
        perform pg_advisory_unlock(pgqueue.post_key(queues[v_place], posts[v_place]));
        execute format('unlisten %I', pgqueue.watch_channel(queues[v_place]));
    end loop;
end
$$;

-- Try to hold the bells of these queues, so that the next enqueue rings.
-- Returns those armed; one is missing while an enqueue that saw nobody asleep
-- has not committed yet: poll for a moment, then try again.
create or replace function pgqueue.arm(queues text[])
returns setof text
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    select queue
    from unnest(queues) as queue
    where pg_try_advisory_lock(pgqueue.bell_key(queue))
$$;

-- Let these bells go: enqueues need not ring.
create or replace function pgqueue.disarm(queues text[])
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    select pg_advisory_unlock(pgqueue.bell_key(queue))
    from unnest(queues) as queue
$$;

-- Give these watches up and tell those in the posts that they are free.
create or replace function pgqueue.leave_watch(queues text[])
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    for v_place in 1 .. coalesce(cardinality(queues), 0) loop
        perform pg_advisory_unlock(pgqueue.watch_key(queues[v_place]));
        execute format('unlisten %I', pgqueue.bell_channel(queues[v_place]));
        perform pgqueue.offer_watch(queues[v_place]);
    end loop;
end
$$;

-- Tell those in the posts of a queue that its watch is free.
create or replace function pgqueue.offer_watch(queue text)
returns void
language sql
volatile
as $$
    select pgqueue.tell(pgqueue.watch_channel(queue), 'watch ' || queue)
$$;

-- For a worker at work: hear of cancellations and of queues that are resumed.
create or replace function pgqueue.listen()
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    execute format('listen %I', pgqueue.channel());
end
$$;

-- Hear of them no more.
create or replace function pgqueue.unlisten()
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    execute format('unlisten %I', pgqueue.channel());
end
$$;

-- How long until the next scheduled job of the queues falls due; null if none is.
create or replace function pgqueue.next_due(queues text[])
returns interval
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $$
declare
    v_now timestamptz := pgqueue.now();
begin
    return (
        select min(line.visible_at)
        from generate_series(0, cardinality(queues) * 10 - 1) as number
        cross join lateral (
            select ready.visible_at
            from pgqueue.ready
            where ready.queue = queues[number / 10 + 1]
                and ready.priority = number % 10
                and ready.visible_at > v_now
            order by ready.visible_at
            limit 1
        ) as line
    ) - v_now;
end
$$;

-- A paused queue takes jobs and gives none out; what runs goes on.
-- Locks: the queue's place in the list, so that no enqueue waits for our commit.
create or replace function pgqueue.pause(queue text)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    select pg_advisory_xact_lock(hashtextextended('pgqueue', 4) # hashtext(queue));
    insert into pgqueue.queues (name, created_at, paused_at)
    values (queue, pgqueue.now(), pgqueue.now())
    on conflict (name) do update
    set paused_at = coalesce(queues.paused_at, excluded.paused_at)
$$;

-- Whoever keeps watch is told, and every worker that has been at work for a while:
-- their floors are above what waited.
create or replace function pgqueue.resume(queue text)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    update pgqueue.queues
    set paused_at = null
    where name = queue;
    select
        pgqueue.tell(pgqueue.bell_channel(queue), 'resume ' || queue),
        pgqueue.tell(pgqueue.channel(), 'resume ' || queue)
$$;

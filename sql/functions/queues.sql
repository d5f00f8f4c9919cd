-- A paused queue takes jobs and gives none out; what runs goes on.
create or replace function pgqueue.pause(queue text)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    insert into pgqueue.queues (name, created_at, paused_at)
    values (queue, pgqueue.now(), pgqueue.now())
    on conflict (name) do update
    set paused_at = coalesce(queues.paused_at, excluded.paused_at)
$$;

-- Every worker of the queue is told, asleep or not: its floors are above what waited.
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
    select pg_notify(pgqueue.channel(), 'resume ' || queue)
$$;

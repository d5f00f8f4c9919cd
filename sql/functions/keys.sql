-- Advisory locks belong to the database, so every key carries the schema's
-- name: two installations in one database do not hear each other. The bell's
-- queue is folded to ten bits: a transaction that enqueues into ten thousand
-- queues holds a thousand locks at most.

create or replace function pgqueue.bell_key(queue text)
returns bigint
language sql
immutable
parallel safe
as $$
    select pg_catalog.hashtextextended('pgqueue', 1) # (pg_catalog.hashtext(queue) & 1023)
$$;

create or replace function pgqueue.watch_key(queue text)
returns bigint
language sql
immutable
parallel safe
as $$
    select pg_catalog.hashtextextended('pgqueue', 2) # pg_catalog.hashtext(queue)
$$;

create or replace function pgqueue.worker_key(worker bigint)
returns bigint
language sql
immutable
parallel safe
as $$
    select pg_catalog.hashtextextended('pgqueue', 3) # worker
$$;

-- The channel of this installation's notifications: 'wake QUEUE', 'watch
-- QUEUE' (the watch is free), 'resume QUEUE' and 'cancel ID'.
create or replace function pgqueue.channel()
returns text
language sql
immutable
parallel safe
as $$
    select 'pgqueue'::text
$$;

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

create or replace function pgqueue.post_key(queue text, post integer)
returns bigint
language sql
immutable
parallel safe
as $$
    select pg_catalog.hashtextextended('pgqueue', 16 + post) # pg_catalog.hashtext(queue)
$$;

-- What is heard where. On the installation's channel, by workers that have been
-- at work for a while: 'cancel ID', 'resume QUEUE'. On a queue's bell, by whoever
-- keeps its watch: 'wake QUEUE', 'resume QUEUE'. On its channel of the watch, by
-- those in a post: 'watch QUEUE' (the watch is free).
create or replace function pgqueue.channel()
returns text
language sql
immutable
parallel safe
as $$
    select 'pgqueue'::text
$$;

-- A schema's name may be as long as a channel's: it goes into the hash.
create or replace function pgqueue.bell_channel(queue text)
returns text
language sql
immutable
parallel safe
as $$
    select 'bell ' || pg_catalog.to_hex(
        pg_catalog.hashtextextended('pgqueue', 6) # pg_catalog.hashtextextended(queue, 0)
    )
$$;

create or replace function pgqueue.watch_channel(queue text)
returns text
language sql
immutable
parallel safe
as $$
    select 'watch ' || pg_catalog.to_hex(
        pg_catalog.hashtextextended('pgqueue', 6) # pg_catalog.hashtextextended(queue, 0)
    )
$$;

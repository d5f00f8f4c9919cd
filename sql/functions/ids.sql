-- Ids are 64 bits: milliseconds since 2024-01-01 UTC above, 14 bits of a sequence
-- below, and a job's place in its bundle in the last six. They order by time and
-- stay unique when a group of queues moves to another server, for the clock goes on
-- where the sequence does not.

-- The smallest id that could be made at this moment.
create or replace function pgqueue.first_id(moment timestamptz)
returns bigint
language sql
stable
parallel safe
as $$
    select (pg_catalog.date_part('epoch', moment) * 1000 - 1704067200000)::bigint << 20
$$;

-- The moment an id was made, to the millisecond.
create or replace function pgqueue.moment_of(id bigint)
returns timestamptz
language sql
immutable
parallel safe
as $$
    select pg_catalog.to_timestamp(((id >> 20) + 1704067200000) / 1000.0)
$$;

-- A fresh id: a bundle's, and so its first job's, or a claim's.
create or replace function pgqueue.next_id(moment timestamptz)
returns bigint
language sql
volatile
as $$
    select pgqueue.first_id(moment) | ((pg_catalog.nextval('pgqueue.id_sequence') & 16383) << 6)
$$;

-- A fresh id of now, for a worker.
create or replace function pgqueue.new_id()
returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    select pgqueue.next_id(pgqueue.now())
$$;

-- The bundle a job was enqueued in: the id of its row in jobs.
create or replace function pgqueue.bundle_of(job bigint)
returns bigint
language sql
immutable
parallel safe
as $$
    select job & -64
$$;

-- The places of so many jobs from the first on: 0, 1, ... As an array, for of a
-- generate_series the planner would believe that it had a thousand rows.
create or replace function pgqueue.places(size integer)
returns smallint[]
language sql
immutable
parallel safe
as $$
    select (
        '{0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,
        32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,53,54,55,56,57,58,59,60,61,62,63}'::smallint[]
    )[1:size]
$$;

-- Its place there, from 0 on.
create or replace function pgqueue.place_of(job bigint)
returns integer
language sql
immutable
parallel safe
as $$
    select (job & 63)::integer
$$;

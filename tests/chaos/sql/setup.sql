-- What the harness keeps beside the queue: the application's own tables, and
-- an archive of what passes through the queue's, for windows are dropped while
-- we look. Triggers write it in the same transaction, so it tells the truth.
create schema chaos;

-- One row per effect of a handler that finishes its job in its own transaction.
create table chaos.effects (
    key bigint not null,
    job bigint not null,
    attempt integer not null
);

-- One row per transaction of the application that enqueued.
create table chaos.orders (
    key bigint not null
);

-- What applications' transactions fight over.
create table chaos.accounts (
    id integer not null,
    balance bigint not null,
    primary key (id)
);

insert into chaos.accounts (id, balance)
select number, 0
from generate_series(1, 6) as number;

create table chaos.bodies (
    job bigint not null,
    key bigint,
    task text not null,
    primary key (job)
);

create table chaos.outcomes (
    job bigint not null,
    claim bigint not null,
    attempt integer not null,
    state text not null,
    is_final boolean not null,
    claimed_at timestamptz not null,
    finished_at timestamptz not null,
    worker bigint,
    error text,
    primary key (job, claim)
);

create table chaos.holdings (
    claim bigint not null,
    worker bigint,
    claimed_at timestamptz not null,
    jobs bigint[] not null,
    attempts smallint[] not null,
    primary key (claim)
);

create table chaos.redrives (
    job bigint not null,
    redriven_at timestamptz not null,
    primary key (job, redriven_at)
);

create function chaos.keep_body()
returns trigger
language plpgsql
as $$
begin
    insert into chaos.bodies (job, key, task)
    select new.id + piece.number - 1, (piece.payload ->> 'key')::bigint, new.task
    from unnest(new.payloads) with ordinality as piece (payload, number)
    on conflict do nothing;
    return null;
end
$$;

-- A job handed back only marks its place for the length of its transaction.
create function chaos.keep_outcome()
returns trigger
language plpgsql
as $$
begin
    insert into chaos.outcomes (job, claim, attempt, state, is_final, claimed_at, finished_at, worker, error)
    select
        new.job_id + number, new.claim_id, new.attempt, new.state, new.retry_at is null, new.claimed_at,
        new.finished_at, new.worker, new.error ->> 'type'
    from generate_series(0, new.size - 1) as number
    on conflict do nothing;
    return null;
end
$$;

create function chaos.keep_claim()
returns trigger
language plpgsql
as $$
begin
    insert into chaos.holdings (claim, worker, claimed_at, jobs, attempts)
    select
        new.id, new.worker, new.claimed_at, array_agg(piece.job + number order by piece.job, number),
        array_agg(piece.attempt order by piece.job, number)
    from unnest(new.jobs, new.sizes, new.attempts) as piece (job, size, attempt)
    cross join generate_series(0, piece.size - 1) as number
    on conflict do nothing;
    return null;
end
$$;

create function chaos.keep_redrive()
returns trigger
language plpgsql
as $$
begin
    insert into chaos.redrives (job, redriven_at)
    values (new.job_id, new.redriven_at)
    on conflict do nothing;
    return null;
end
$$;

create trigger keep_body
after insert on pgqueue.jobs
for each row execute function chaos.keep_body();

create trigger keep_outcome
after insert on pgqueue.outcomes
for each row when (new.state <> 'returned') execute function chaos.keep_outcome();

create trigger keep_claim
after insert on pgqueue.claims
for each row execute function chaos.keep_claim();

create trigger keep_redrive
after insert on pgqueue.redrives
for each row execute function chaos.keep_redrive();

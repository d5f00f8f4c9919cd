-- The tables of pgqueue: an immutable log of jobs, a narrow index of what is
-- ready, receipts for what is claimed, outcomes, dead letters. sql/README.md
-- tells the model; sql/functions/ holds every transition.
--
-- The four tables every job passes through carry no check constraints: each
-- statement that inserts parses them anew, a third of what an enqueue costs.
-- Only our functions write there, and they refuse what is out of bounds.

create sequence pgqueue.id_sequence
    as bigint
    cache 1; -- a cached value could come round again: only the millisecond above it would differ

-- One row: what holds for the whole installation. A day is 24 hours: windows
-- that were counted in days or months would overlap where the clocks change.
create table pgqueue.installation (
    id uuid not null default gen_random_uuid(),
    is_only boolean not null default true,
    payload_limit_bytes integer not null default 1048576,
    ready_window interval not null default '10 minutes',
    history_window interval not null default '24 hours',
    retention interval not null default '168 hours',
    functions_digest text,
    primary key (id),
    unique (is_only),
    constraint installation_is_one_row check (is_only),
    constraint installation_payload_limit_is_positive check (payload_limit_bytes > 0),
    constraint installation_ready_window_is_in_bounds check (
        ready_window between interval '1 second' and interval '1 day'
        and extract(day from ready_window) = 0
        and extract(month from ready_window) = 0
    ),
    constraint installation_history_window_is_in_bounds check (
        history_window between interval '1 second' and interval '31 days'
        and extract(day from history_window) = 0
        and extract(month from history_window) = 0
    ),
    constraint installation_retention_is_not_negative check (retention >= interval '0')
);

insert into pgqueue.installation default values;

create table pgqueue.queues (
    name text collate "C" not null,
    created_at timestamptz not null,
    paused_at timestamptz,
    primary key (name),
    constraint queue_name_is_short check (length(name) between 1 and 63)
);

create index queues_paused on pgqueue.queues (name) where paused_at is not null;

-- The bodies of a bundle: up to 64 jobs that were enqueued alike in one call and
-- differ in their payloads alone; a job by itself is a bundle of one. `id` is its
-- first job's, and carries the moment of enqueueing (see next_id); the others follow,
-- one by one. `size` tells how many without reading the payloads, which may be large.
-- Insert only: never updated, never deleted, dropped with its partition.
create table pgqueue.jobs (
    id bigint not null,
    priority smallint not null,
    max_attempts smallint not null,
    keep_result boolean not null,
    size smallint not null,
    run_at timestamptz,
    timeout interval,
    queue text collate "C" not null,
    task text collate "C" not null,
    payloads jsonb[] not null,
    headers jsonb,
    primary key (id)
) partition by range (id);

-- Bodies of jobs that still wait when their partition is dropped, one by one.
create table pgqueue.jobs_kept (
    id bigint not null,
    priority smallint not null,
    max_attempts smallint not null,
    keep_result boolean not null,
    run_at timestamptz,
    timeout interval,
    queue text collate "C" not null,
    task text collate "C" not null,
    payload jsonb not null,
    headers jsonb,
    primary key (id)
);

-- "These jobs may run from visible_at on": `size` of one bundle, from `id` on; who
-- wants fewer leaves the rest in a row of its own. `slot` is the moment the row was
-- written, or infinity for what is due later than one window from then: so the
-- partitions of passed windows empty themselves and can be dropped. The index
-- lives on the leaves alone (make_partition), unique there without the slot.
create table pgqueue.ready (
    id bigint not null,
    slot timestamptz not null,
    visible_at timestamptz not null,
    priority smallint not null,
    attempt smallint not null,
    last_attempt smallint not null,
    size smallint not null,
    queue text collate "C" not null
) partition by range (slot);

-- A batch of jobs held under one lease. The arrays run in parallel: `sizes` jobs,
-- whose ids follow that in `jobs`, have the same said of them; `attempts` counts the
-- delivery under way. They are stored as they are: compressing them would cost more
-- than the claim's own row.
create table pgqueue.claims (
    id bigint not null,
    claimed_at timestamptz not null,
    expires_at timestamptz not null,
    worker bigint,
    jobs bigint[] not null,
    sizes smallint[] not null,
    attempts smallint[] not null,
    last_attempts smallint[] not null,
    priorities smallint[] not null,
    primary key (id)
) partition by range (id);

alter table pgqueue.claims
    alter column jobs set storage external,
    alter column sizes set storage external,
    alter column attempts set storage external,
    alter column last_attempts set storage external,
    alter column priorities set storage external;

create index claims_expires_at on pgqueue.claims (expires_at);

-- How one held job ends: what the claim knows of it and what is said of it.
create type pgqueue.ending as (
    claim bigint,
    job bigint,
    claimed_at timestamptz,
    worker bigint,
    attempt smallint,
    last_attempt smallint,
    priority smallint,
    state text,
    delay interval,
    run_seconds real,
    error jsonb,
    result jsonb
);

-- How one attempt ended, of `size` jobs whose ids follow. Append only; kept by the
-- time of the attempt. A job's claim is its receipt: an attempt belongs to one claim
-- and ends once. `run_seconds` holds a value for each, or is null.
create table pgqueue.outcomes (
    job_id bigint not null,
    claim_id bigint not null,
    claimed_at timestamptz not null,
    finished_at timestamptz not null,
    worker bigint,
    retry_at timestamptz,
    run_seconds real[],
    attempt smallint not null,
    size smallint not null,
    state text collate "C" not null,
    error jsonb,
    result jsonb,
    primary key (job_id, claim_id)
) partition by range (claim_id);

-- What a running job said of itself. Append only.
create table pgqueue.progress (
    job_id bigint not null,
    attempt smallint not null,
    reported_at timestamptz not null,
    fraction real not null,
    note text,
    primary key (job_id, attempt, reported_at),
    constraint progress_is_a_fraction check (fraction between 0 and 1)
) partition by range (job_id);

-- A job that will not be tried again, whole.
create table pgqueue.dead_letters (
    job_id bigint not null,
    died_at timestamptz not null,
    timeout interval,
    attempt smallint not null,
    max_attempts smallint not null,
    priority smallint not null,
    keep_result boolean not null,
    queue text collate "C" not null,
    task text collate "C" not null,
    payload jsonb not null,
    headers jsonb,
    error jsonb,
    history jsonb not null,
    primary key (job_id)
);

-- What each filter of list_dead finds is found by index, however many others died.
create index dead_letters_died_at on pgqueue.dead_letters (died_at, job_id);
create index dead_letters_task on pgqueue.dead_letters (task, died_at, job_id);
create index dead_letters_queue on pgqueue.dead_letters (queue, died_at, job_id);
create index dead_letters_error on pgqueue.dead_letters ((error ->> 'type') collate "C", died_at, job_id);

-- "Do not run this any more." Written once, met by the claim or the worker.
create table pgqueue.cancellations (
    job_id bigint not null,
    requested_at timestamptz not null,
    reason text,
    primary key (job_id)
);

-- What was changed of a waiting job since it was enqueued: its priority, or when
-- it was made due at once.
create table pgqueue.revisions (
    job_id bigint not null,
    hurried_at timestamptz,
    priority smallint,
    primary key (job_id),
    constraint revision_priority_is_in_bounds check (priority between 0 and 9)
);

-- When a dead job was put back.
create table pgqueue.redrives (
    job_id bigint not null,
    redriven_at timestamptz not null,
    primary key (job_id, redriven_at)
);

-- Who works here. Written at start and at stop; whether a worker lives is told
-- by the advisory lock its session holds, not by a row.
create table pgqueue.workers (
    id bigint not null,
    started_at timestamptz not null,
    server_started_at timestamptz not null,
    process_id integer not null,
    concurrency integer,
    paused_at timestamptz,
    host text not null,
    queues text[] not null,
    version text not null,
    primary key (id)
);

-- The duty of keeping the house (sql/functions/duty.sql): its terms, and the
-- beats of whoever holds it.
create sequence pgqueue.duty_terms as bigint cache 1;
create sequence pgqueue.duty_beats as bigint cache 1;

-- What may be large is compressed by lz4 where the server was built with it: a fifth
-- of the time, and a body that does not shrink is given up at once.
do $$
begin
    alter table pgqueue.jobs alter column payloads set compression lz4;
    alter table pgqueue.jobs_kept alter column payload set compression lz4;
    alter table pgqueue.dead_letters alter column payload set compression lz4;
    alter table pgqueue.outcomes alter column result set compression lz4;
exception
    when feature_not_supported then
        null;
end
$$;

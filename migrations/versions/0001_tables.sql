-- The tables of pgqueue: an immutable log of jobs, a narrow index of what is
-- ready, receipts for what is claimed, outcomes, dead letters. sql/README.md
-- tells the model; sql/functions/ holds every transition.

create sequence pgqueue.id_sequence
    as bigint
    cache 32;

-- One row: what holds for the whole installation.
create table pgqueue.installation (
    id uuid not null default gen_random_uuid(),
    is_only boolean not null default true,
    payload_limit_bytes integer not null default 1048576,
    ready_window interval not null default '1 hour',
    history_window interval not null default '1 day',
    retention interval not null default '7 days',
    functions_digest text,
    primary key (id),
    unique (is_only),
    constraint installation_is_one_row check (is_only),
    constraint installation_payload_limit_is_positive check (payload_limit_bytes > 0),
    constraint installation_ready_window_is_positive check (ready_window >= interval '1 second'),
    constraint installation_history_window_is_positive check (history_window >= interval '1 second'),
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

-- A job's body. Insert only: never updated, never deleted, dropped with its
-- partition. `id` carries the moment of enqueueing (see next_id).
create table pgqueue.jobs (
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
    primary key (id),
    constraint job_priority_is_a_digit check (priority between 0 and 9),
    constraint job_max_attempts_is_positive check (max_attempts between 1 and 30000),
    constraint job_timeout_is_positive check (timeout > interval '0'),
    constraint job_task_is_named check (length(task) between 1 and 255),
    constraint job_payload_is_an_object check (jsonb_typeof(payload) = 'object'),
    constraint job_headers_are_an_object check (jsonb_typeof(headers) = 'object')
) partition by range (id);

-- "This job may run from visible_at on." `slot` is the moment the row was
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
    queue text collate "C" not null,
    constraint ready_has_an_attempt_left check (attempt < last_attempt),
    constraint ready_attempt_is_not_negative check (attempt >= 0)
) partition by range (slot);

-- A batch of jobs held under one lease. The arrays run in parallel; `attempts`
-- counts the delivery under way.
create table pgqueue.claims (
    id bigint not null,
    claimed_at timestamptz not null,
    expires_at timestamptz not null,
    worker bigint,
    jobs bigint[] not null,
    attempts smallint[] not null,
    last_attempts smallint[] not null,
    priorities smallint[] not null,
    primary key (id),
    constraint claim_holds_jobs check (
        cardinality(jobs) > 0
        and cardinality(jobs) = cardinality(attempts)
        and cardinality(jobs) = cardinality(last_attempts)
        and cardinality(jobs) = cardinality(priorities)
    )
) partition by range (id);

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

-- How one attempt ended. Append only.
create table pgqueue.outcomes (
    job_id bigint not null,
    claimed_at timestamptz not null,
    finished_at timestamptz not null,
    worker bigint,
    retry_at timestamptz,
    run_seconds real,
    attempt smallint not null,
    state text collate "C" not null,
    error jsonb,
    result jsonb,
    primary key (job_id, attempt),
    constraint outcome_state_is_known check (state in ('succeeded', 'failed', 'expired', 'dead', 'cancelled')),
    constraint outcome_retries_only_what_failed check ((retry_at is not null) = (state in ('failed', 'expired')))
) partition by range (job_id);

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

create index dead_letters_died_at on pgqueue.dead_letters (died_at, job_id);

-- "Do not run this any more." Written once, met by the claim or the worker.
create table pgqueue.cancellations (
    job_id bigint not null,
    requested_at timestamptz not null,
    reason text,
    primary key (job_id)
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
    joined_at timestamptz not null,
    process_id integer not null,
    host text not null,
    queues text[] not null,
    version text not null,
    primary key (id)
);

-- The demo's own tables, as an application would have them: pgqueue knows nothing of them.
create schema pgqueue_demo;

create table pgqueue_demo.demo_files (
    job_id bigint not null,
    path text not null,
    lines integer not null,
    functions integer not null,
    classes integer not null,
    primary key (job_id)
);

create table pgqueue_demo.demo_imports (
    job_id bigint not null references pgqueue_demo.demo_files (job_id),
    module text not null,
    primary key (job_id, module)
);

drop table
    pgqueue.workers,
    pgqueue.redrives,
    pgqueue.revisions,
    pgqueue.cancellations,
    pgqueue.dead_letters,
    pgqueue.progress,
    pgqueue.outcomes,
    pgqueue.claims,
    pgqueue.ready,
    pgqueue.jobs_kept,
    pgqueue.jobs,
    pgqueue.queues,
    pgqueue.installation;

drop type pgqueue.ending;

drop sequence
    pgqueue.id_sequence,
    pgqueue.duty_terms,
    pgqueue.duty_beats;

-- claims -> ready: those of the ended jobs that are to be tried again, or come
-- back unspent: these get their attempt back. Rings like an enqueue: a sleeper
-- has set its timer by what was due before.
-- Locks: the bell of each queue, shared, to the end of the transaction.
create or replace function pgqueue.put_back(endings pgqueue.ending[], again bigint[])
returns void
language plpgsql
volatile
as $$
declare
    v_now timestamptz := pgqueue.now();
    v_window interval := (select ready_window from pgqueue.installation);
    v_queues text[];
begin
    with written as (
        insert into pgqueue.ready
            (id, slot, visible_at, priority, attempt, last_attempt, size, queue)
        select
            entry.job, pgqueue.slot(v_now, entry.visible_at, v_window), entry.visible_at,
            pgqueue.line_of(entry.ended, coalesce(revision.priority, label.priority)), entry.attempt, entry.last_attempt, 1, label.queue
        from (
            select distinct on (ended.job)
                ended.job,
                v_now + coalesce(ended.delay, interval '0') as visible_at,
                ended,
                ended.attempt - (ended.state = 'returned')::integer as attempt,
                ended.last_attempt
            from unnest(again) as chosen (job)
            join unnest(endings) as ended on ended.job = chosen.job
            order by ended.job
        ) as entry
        cross join lateral pgqueue.label_of(entry.job) as label
        left join lateral (
            select revisions.priority from pgqueue.revisions where revisions.job_id = entry.job limit 1
        ) as revision on true
        returning ready.queue
    )
    select array_agg(distinct written.queue)
    into v_queues
    from written;

    perform pgqueue.announce(named.queue, true)
    from unnest(v_queues) as named (queue);
end
$$;

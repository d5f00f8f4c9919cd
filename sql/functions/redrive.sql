-- dead_letters -> ready. The job keeps its id and its history, and gets as
-- many attempts again as it first had. Returns the ids put back.
-- Locks: the dead letters, skipping locked ones; the kept bodies, which the
-- clearing of leftovers passes over while they are ours; the bell of each queue.
create or replace function pgqueue.redrive(jobs bigint[])
returns setof bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
    v_now timestamptz := pgqueue.now();
    v_window interval := (select ready_window from pgqueue.installation);
    v_letter pgqueue.dead_letters;
begin
    for v_letter in
        delete from pgqueue.dead_letters
        where job_id in (
            select letter.job_id
            from pgqueue.dead_letters as letter
            where letter.job_id = any (redrive.jobs)
            for update skip locked
        )
        returning *
    loop
        insert into pgqueue.jobs_kept
            (id, priority, max_attempts, keep_result, timeout, queue, task, payload, headers)
        values (
            v_letter.job_id, v_letter.priority, v_letter.max_attempts, v_letter.keep_result, v_letter.timeout,
            v_letter.queue, v_letter.task, v_letter.payload, v_letter.headers
        )
        on conflict (id) do update
        set id = excluded.id; -- locks it: else it could be cleared away as a leftover before we commit
        insert into pgqueue.ready
            (id, slot, visible_at, priority, attempt, last_attempt, size, queue)
        values (
            v_letter.job_id, v_now, v_now, v_letter.priority, v_letter.attempt,
            least(v_letter.attempt + v_letter.max_attempts, 32767), 1, v_letter.queue
        );
        insert into pgqueue.redrives (job_id, redriven_at)
        values (v_letter.job_id, v_now)
        on conflict do nothing;
        delete from pgqueue.cancellations
        where job_id = v_letter.job_id;
        perform pgqueue.announce(v_letter.queue, true);
        return next v_letter.job_id;
    end loop;
end
$$;

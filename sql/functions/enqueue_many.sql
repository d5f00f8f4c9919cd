-- An option of many jobs has one value for each, or a single one for all:
-- `options[least(place, cardinality(options))]` is the one of a job.
create or replace function pgqueue.check_spread(name text, options anyarray, jobs integer, noun text)
returns void
language plpgsql
volatile
as $$
begin
    if coalesce(cardinality(options), 0) not in (1, jobs) then
        perform pgqueue.refuse(
            'PQ002',
            format('%s has %s values for %s %ss', name, coalesce(cardinality(options)::text, 'no'), jobs, noun),
            format('Give one value for each %s, or a single one for all.', noun)
        );
    end if;
end
$$;

create or replace function pgqueue.refuse_options(
    queues text[],
    tasks text[],
    payloads jsonb[],
    jobs integer,
    priorities integer[],
    max_attempts integer[],
    run_ats timestamptz[],
    delays interval[],
    timeouts interval[],
    headers jsonb[],
    keep_results boolean[]
)
returns void
language plpgsql
volatile
as $$
begin
    if jobs is null then
        perform pgqueue.refuse('PQ002', 'payloads is null, not an array', 'Give one payload for each job.');
    end if;
    if array_ndims(payloads) > 1 or array_lower(payloads, 1) <> 1 then
        perform pgqueue.refuse('PQ002', 'payloads is not a plain array from 1 on', 'Give one payload for each job.');
    end if;
    perform pgqueue.check_spread('queues', queues, jobs, 'payload');
    perform pgqueue.check_spread('tasks', tasks, jobs, 'payload');
    perform pgqueue.check_spread('priorities', priorities, jobs, 'payload');
    perform pgqueue.check_spread('max_attempts', max_attempts, jobs, 'payload');
    perform pgqueue.check_spread('run_ats', run_ats, jobs, 'payload');
    perform pgqueue.check_spread('delays', delays, jobs, 'payload');
    perform pgqueue.check_spread('timeouts', timeouts, jobs, 'payload');
    perform pgqueue.check_spread('headers', headers, jobs, 'payload');
    perform pgqueue.check_spread('keep_results', keep_results, jobs, 'payload');
end
$$;

-- Of an option of many jobs, that of `most` of them from `first` on.
create or replace function pgqueue.part_of(options anyarray, first integer, most integer)
returns anyarray
language sql
immutable
as $$
    select case
        when pg_catalog.cardinality(options) = 1 then options
        else options[first:first + most - 1]
    end
$$;

-- (nothing) -> ready, for many jobs at once, in the caller's transaction.
-- Every array but the payloads holds one value per job, or a single one for
-- all. Returns the ids in the order of the payloads.
-- Locks: the bell of each queue, shared, to the end of the transaction.
-- Raises PQ002 (a value out of bounds), PQ003 (payload too large), PQ004
-- (another installation).
create or replace function pgqueue.enqueue_many(
    queues text[],
    tasks text[],
    payloads jsonb[],
    priorities integer[] default '{5}',
    max_attempts integer[] default '{5}',
    run_ats timestamptz[] default '{null}',
    delays interval[] default '{null}',
    timeouts interval[] default '{null}',
    headers jsonb[] default '{null}',
    keep_results boolean[] default '{false}',
    ring boolean default true,
    installation uuid default null
)
returns bigint[]
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_settings pgqueue.installation := pgqueue.settings(installation);
    v_now timestamptz := pgqueue.now();
    v_jobs integer := cardinality(payloads);
    v_most_at_once constant integer := 8192; -- a millisecond has twice as many ids
    v_ids bigint[];
begin
    if (
        cardinality(queues) in (1, v_jobs)
        and cardinality(tasks) in (1, v_jobs)
        and cardinality(priorities) in (1, v_jobs)
        and cardinality(max_attempts) in (1, v_jobs)
        and cardinality(run_ats) in (1, v_jobs)
        and cardinality(delays) in (1, v_jobs)
        and cardinality(timeouts) in (1, v_jobs)
        and cardinality(headers) in (1, v_jobs)
        and cardinality(keep_results) in (1, v_jobs)
        and coalesce(array_ndims(payloads), 1) = 1
        and coalesce(array_lower(payloads, 1), 1) = 1
    ) is not true then
        perform pgqueue.refuse_options(
            queues, tasks, payloads, v_jobs, priorities, max_attempts, run_ats, delays, timeouts, headers, keep_results
        );
    end if;
    if v_jobs > 0 and greatest(
        cardinality(queues), cardinality(tasks), cardinality(priorities), cardinality(max_attempts),
        cardinality(run_ats), cardinality(delays), cardinality(timeouts), cardinality(headers),
        cardinality(keep_results)
    ) = 1 then
        for v_place in 1 .. v_jobs by 1000 loop
            v_ids := v_ids || pgqueue.enqueue_alike(
                queues[1], tasks[1], payloads[v_place:v_place + 999], priorities[1], max_attempts[1],
                coalesce(run_ats[1], v_now + delays[1]), timeouts[1], headers[1], keep_results[1],
                greatest(v_now, pgqueue.now()), v_settings
            );
        end loop;
        perform pgqueue.announce(queues[1], ring);
        return v_ids;
    end if;
    if v_jobs > v_most_at_once then
        for v_place in 1 .. v_jobs by v_most_at_once loop
            v_ids := v_ids || pgqueue.enqueue_many(
                pgqueue.part_of(queues, v_place, v_most_at_once),
                pgqueue.part_of(tasks, v_place, v_most_at_once),
                payloads[v_place:v_place + v_most_at_once - 1],
                pgqueue.part_of(priorities, v_place, v_most_at_once),
                pgqueue.part_of(max_attempts, v_place, v_most_at_once),
                pgqueue.part_of(run_ats, v_place, v_most_at_once),
                pgqueue.part_of(delays, v_place, v_most_at_once),
                pgqueue.part_of(timeouts, v_place, v_most_at_once),
                pgqueue.part_of(headers, v_place, v_most_at_once),
                pgqueue.part_of(keep_results, v_place, v_most_at_once),
                ring
            );
        end loop;
        return v_ids;
    end if;

    -- Sorted: the sequence may come round in between.
    v_ids := array(select pgqueue.next_id(v_now) as id from generate_series(1, v_jobs) order by id);
    insert into pgqueue.jobs
        (id, priority, max_attempts, keep_result, size, run_at, timeout, queue, task, payloads, headers)
    select
        v_ids[place],
        priorities[least(place, cardinality(priorities))],
        enqueue_many.max_attempts[least(place, cardinality(enqueue_many.max_attempts))],
        keep_results[least(place, cardinality(keep_results))],
        1,
        coalesce(run_ats[least(place, cardinality(run_ats))], v_now + delays[least(place, cardinality(delays))]),
        timeouts[least(place, cardinality(timeouts))],
        queues[least(place, cardinality(queues))],
        tasks[least(place, cardinality(tasks))],
        array[payloads[place]],
        enqueue_many.headers[least(place, cardinality(enqueue_many.headers))]
    from generate_series(1, v_jobs) as place
    where pgqueue.is_sound(
        queues[least(place, cardinality(queues))],
        tasks[least(place, cardinality(tasks))],
        payloads[place],
        priorities[least(place, cardinality(priorities))],
        enqueue_many.max_attempts[least(place, cardinality(enqueue_many.max_attempts))],
        timeouts[least(place, cardinality(timeouts))],
        enqueue_many.headers[least(place, cardinality(enqueue_many.headers))],
        coalesce(run_ats[least(place, cardinality(run_ats))], v_now + delays[least(place, cardinality(delays))]),
        keep_results[least(place, cardinality(keep_results))],
        pg_column_size(payloads[place])
            + coalesce(pg_column_size(enqueue_many.headers[least(place, cardinality(enqueue_many.headers))]), 0),
        v_settings.payload_limit_bytes
    );

    insert into pgqueue.ready
        (id, slot, visible_at, priority, attempt, last_attempt, size, queue)
    select
        v_ids[job.place],
        pgqueue.slot(v_now, job.visible_at, v_settings.ready_window),
        job.visible_at,
        priorities[least(job.place, cardinality(priorities))],
        0,
        enqueue_many.max_attempts[least(job.place, cardinality(enqueue_many.max_attempts))],
        1,
        queues[least(job.place, cardinality(queues))]
    from (
        select
            place,
            greatest(
                coalesce(
                    run_ats[least(place, cardinality(run_ats))],
                    v_now + delays[least(place, cardinality(delays))]
                ),
                v_now
            ) as visible_at
        from generate_series(1, v_jobs) as place
    ) as job;

    perform pgqueue.announce(named.queue, ring)
    from (select distinct unnest(queues) as queue) as named;
    return v_ids;
end
$$;

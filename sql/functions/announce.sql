-- After an enqueue: make sure the queue is listed, and wake a sleeper.

-- A queue is listed under a try-lock: where another transaction is listing it,
-- that one will, or the next enqueue. Nobody waits for a stranger's commit. To
-- a transaction with an older snapshot (repeatable read) it is a conflict that
-- somebody else has listed it since; it is listed, that is all we want.
create or replace function pgqueue.list_queue(queue text)
returns void
language plpgsql
volatile
as $$
begin
    if pg_try_advisory_xact_lock(hashtextextended('pgqueue', 4) # hashtext(queue)) then
        insert into pgqueue.queues (name, created_at)
        values (queue, pgqueue.now())
        on conflict do nothing;
    end if;
exception
    when serialization_failure then
        null;
end
$$;

-- A word to those who listen. All words are hints, and none is said where the
-- server's queue of notifications fills up, because some session listens and
-- does not read: full, it would fail every commit that notifies.
create or replace function pgqueue.tell(channel text, word text)
returns void
language sql
volatile
as $$
    select pg_catalog.pg_notify(tell.channel, tell.word)
    where pg_catalog.pg_notification_queue_usage() < 0.75
$$;

create or replace function pgqueue.wake(queue text)
returns void
language sql
volatile
as $$
    select pgqueue.tell(pgqueue.bell_channel(queue), 'wake ' || queue)
$$;

create or replace function pgqueue.announce(queue text, ring boolean)
returns void
language plpgsql
volatile
as $$
begin
    if not exists (select from pgqueue.queues where queues.name = queue) then
        perform pgqueue.list_queue(queue);
    end if;
    -- Held to the end of the transaction if free: until then nobody lies down.
    -- Refused while somebody sleeps or is lying down: then NOTIFY.
    if ring and not pg_try_advisory_xact_lock_shared(pgqueue.bell_key(queue)) then
        perform pgqueue.wake(queue);
    end if;
end
$$;

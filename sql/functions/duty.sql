-- The duty of keeping the house: one worker at a time gives dead workers'
-- claims back and keeps the partitions. It is a lock of the session, and a
-- frozen process keeps its session; so the lock belongs to a term, whoever
-- holds it beats, and where the beats stop anybody may end the term. Terms and
-- beats are sequences: nothing in them dies, however long a transaction pins
-- the horizon.

create or replace function pgqueue.duty_key(term bigint)
returns bigint
language sql
immutable
parallel safe
as $$
    select pg_catalog.hashtextextended('pgqueue', 5) # term
$$;

create or replace function pgqueue.deputy_key(term bigint)
returns bigint
language sql
immutable
parallel safe
as $$
    select pg_catalog.hashtextextended('pgqueue', 7) # term
$$;

-- Try for the duty, or else to be the deputy, who tries again every second.
-- `duty` and `deputy` are the terms under which this session holds them; those
-- of an ended term are let go. Returns the term, what of it is ours, how often
-- the duty has beaten, and how many workers there are.
-- Locks: the duty's and the deputy's, of the session; none is waited for.
create or replace function pgqueue.take_duty(duty bigint default null, deputy bigint default null)
returns table (term bigint, is_on_duty boolean, is_deputy boolean, beats bigint, workers bigint)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    term := (select last_value from pgqueue.duty_terms);
    if duty <> term then
        perform pg_advisory_unlock(pgqueue.duty_key(duty));
    end if;
    if deputy <> term then
        perform pg_advisory_unlock(pgqueue.deputy_key(deputy));
    end if;

    is_on_duty := duty is not distinct from term;
    if not is_on_duty then
        is_on_duty := pg_try_advisory_lock(pgqueue.duty_key(term));
    end if;
    is_deputy := deputy is not distinct from term;
    if is_on_duty and is_deputy then
        is_deputy := not pg_advisory_unlock(pgqueue.deputy_key(term));
    elsif not is_on_duty and not is_deputy then
        is_deputy := pg_try_advisory_lock(pgqueue.deputy_key(term));
    end if;

    beats := (select last_value from pgqueue.duty_beats);
    workers := (select count(*) from pgqueue.workers);
    return next;
end
$$;

-- Say that a round of the duty was done. Returns the number of the beat.
create or replace function pgqueue.beat_duty()
returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    select nextval('pgqueue.duty_beats')
$$;

-- How often the duty has beaten: where that stands still, nobody keeps the house.
create or replace function pgqueue.duty_beats()
returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    select last_value from pgqueue.duty_beats
$$;

-- End a term whose holder is silent. Of several who saw that, one ends it.
-- Returns whether we did.
create or replace function pgqueue.end_duty(term bigint)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if not pg_try_advisory_xact_lock(hashtextextended('pgqueue', 8))
        or end_duty.term is distinct from (select last_value from pgqueue.duty_terms)
    then
        return false;
    end if;
    perform setval('pgqueue.duty_terms', end_duty.term + 1);
    return true;
end
$$;

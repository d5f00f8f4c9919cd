-- One migrator at a time; the next one finds nothing left to do.
select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('pgqueue', 0));

create schema if not exists pgqueue;

set local statement_timeout = '10s';
set local lock_timeout = '1s';
set local transaction_read_only = on;
set local timezone = 'UTC';

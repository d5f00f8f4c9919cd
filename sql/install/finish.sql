-- After functions and views: partitions to begin with, and what was installed.
select pgqueue.make_partitions();

update pgqueue.installation
set functions_digest = 'DIGEST';

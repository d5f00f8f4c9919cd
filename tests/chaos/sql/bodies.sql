-- Every body that was ever committed.
select bodies.key, bodies.job, bodies.task
from chaos.bodies
order by bodies.job

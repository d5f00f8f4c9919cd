-- Every outcome that was ever committed, oldest first.
select outcomes.job, outcomes.claim, outcomes.attempt, outcomes.state, outcomes.is_final, outcomes.worker,
    outcomes.claimed_at, outcomes.finished_at, outcomes.error
from chaos.outcomes
order by outcomes.finished_at, outcomes.claim

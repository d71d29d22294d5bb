outcome

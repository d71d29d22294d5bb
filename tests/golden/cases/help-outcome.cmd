help outcome

validate --sample 2 --seed 7 --quiet

help coverage

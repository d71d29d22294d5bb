status --format json --runs 1

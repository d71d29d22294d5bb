validate --all --format json --quiet

cache build --incremental --quiet --format json --lake second

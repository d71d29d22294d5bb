universe topn --quiet --format json --lake second

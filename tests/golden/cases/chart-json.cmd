chart AAA --tf 1d --format json

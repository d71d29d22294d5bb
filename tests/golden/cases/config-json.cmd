config --format json

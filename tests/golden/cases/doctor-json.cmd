doctor --format json

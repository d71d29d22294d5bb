status --verify --format csv

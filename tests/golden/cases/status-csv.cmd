status --format csv

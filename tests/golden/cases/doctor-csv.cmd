doctor --format csv

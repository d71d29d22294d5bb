config --format csv

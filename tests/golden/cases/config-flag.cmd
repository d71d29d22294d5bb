config --format csv --lake elsewhere

universe explain AAA 2025-12-05 --format json

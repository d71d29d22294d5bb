coverage -s 2025-11-03 -e 2025-12-05 --holes --format csv

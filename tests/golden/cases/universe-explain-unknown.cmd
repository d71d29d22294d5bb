universe explain AAAA 2025-12-05

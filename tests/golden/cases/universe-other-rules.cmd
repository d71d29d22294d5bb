universe build --universe-config lower.yaml -s 2025-12-05 -e 2025-12-05 --lake nowhere

outcome -s 2026-01-01

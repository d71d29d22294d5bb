-- SPDX-License-Identifier: GPL-3.0-or-later
-- The same minutes (see minutes.sql, which runs first) counted as the original pipeline did: by UTC date, every bar, the last one closes.
CREATE OR REPLACE TABLE held AS
SELECT ticker, day, s.place, coalesce(s.half, false) AS half, m.* EXCLUDE (ticker, day)
FROM (SELECT ticker, make_timestamp(ms * 1000)::DATE AS day, arg_min(open, ms) AS open, max(high) AS high, min(low) AS low, arg_max(close, ms) AS close,
             sum(volume) AS volume, sum(volume * price) AS dollars, sum(transactions)::BIGINT AS trades, NULL::DOUBLE AS pre, NULL::DOUBLE AS reg, NULL::DOUBLE AS post,
             CASE WHEN count(transactions) > 0 THEN count(transactions) ELSE count(*) END AS minutes, NULL::UINTEGER AS max_gap, minutes < 390 AS gaps,
             'minute' AS bars_from, 'last' AS close_src, coalesce(bool_or(vwap IS NULL AND volume IS NOT NULL), false) AS approx,
             count(volume) > 0 AND count(volume) < count(*) AS partial
      FROM minute GROUP BY ALL) m LEFT JOIN session s USING (day);

CREATE OR REPLACE TABLE bar AS
SELECT *, lag(day) OVER w AS day0, lag(place) OVER w AS place0, lag(close) OVER w AS close0
FROM held WINDOW w AS (PARTITION BY ticker ORDER BY day);

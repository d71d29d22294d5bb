-- SPDX-License-Identifier: GPL-3.0-or-later
-- What a ticker's session holds, from the minutes in bronze. New York time comes from the calendar's own opens and closes in UTC: before them
-- five and a half hours, after them four. Variables: bronze (a pattern of files), calendar. Makes session, bar and capped, as bars.sql does.
CREATE OR REPLACE TABLE session AS
SELECT session_date AS day, early_close = 1 AS half, row_number() OVER (ORDER BY session_date) AS place,
       epoch_ms(open_utc::TIMESTAMP) AS open_ms, epoch_ms(close_utc::TIMESTAMP) AS close_ms
FROM read_csv(getvariable('calendar'), types = {'session_date': 'DATE', 'open_utc': 'TIMESTAMP', 'close_utc': 'TIMESTAMP'});

CREATE OR REPLACE TABLE minute AS
SELECT ticker, epoch_ms(timestamp) AS ms, open, high, low, close, volume, transactions, vwap, coalesce(vwap, (high + low + close) / 3) AS price
FROM read_parquet(getvariable('bronze'), hive_partitioning = false);

CREATE OR REPLACE TABLE phased AS
SELECT m.*, day, place, half, ms < open_ms AS pre, ms >= open_ms AND ms < close_ms AS regular, ms >= close_ms AS post,
       (ms - open_ms) // 60000 AS minute_no, (close_ms - open_ms) // 60000 AS minutes_of_day
FROM minute m ASOF JOIN (SELECT *, open_ms - 19800000 AS begin_ms FROM session) s ON m.ms >= s.begin_ms
WHERE ms < close_ms + 14400000;

-- Runs of regular minutes without a bar: between two bars, before the first and behind the last.
CREATE OR REPLACE TABLE run AS
SELECT ticker, day, max(missing) AS max_gap
FROM (SELECT ticker, day, minute_no - lag(minute_no, 1, -1) OVER (PARTITION BY ticker, day ORDER BY minute_no) - 1 AS missing FROM phased WHERE regular
      UNION ALL SELECT ticker, day, any_value(minutes_of_day) - 1 - coalesce(max(minute_no) FILTER (regular), -1) FROM phased GROUP BY ALL)
GROUP BY ALL;

CREATE OR REPLACE MACRO part(total, bars) AS CASE WHEN bars = 0 THEN 0 ELSE total END;
CREATE OR REPLACE TABLE held AS
SELECT ticker, day, any_value(place) AS place, any_value(half) AS half, arg_min(open, ms) FILTER (regular) AS open, max(high) FILTER (regular) AS high,
       min(low) FILTER (regular) AS low, coalesce(arg_max(close, ms) FILTER (regular), arg_max(close, ms)) AS close, sum(volume) AS volume,
       sum(volume * price) AS dollars, sum(transactions)::BIGINT AS trades, part(sum(volume) FILTER (pre), count(*) FILTER (pre)) AS pre,
       part(sum(volume) FILTER (regular), count(*) FILTER (regular)) AS reg, part(sum(volume) FILTER (post), count(*) FILTER (post)) AS post,
       count(DISTINCT minute_no) FILTER (regular) AS minutes, any_value(max_gap) AS max_gap, false AS gaps, 'minute' AS bars_from,
       CASE WHEN bool_or(regular) THEN 'regular' ELSE 'last' END AS close_src, coalesce(bool_or(vwap IS NULL AND volume IS NOT NULL), false) AS approx,
       count(volume) > 0 AND count(volume) < count(*) AS partial
FROM phased JOIN run USING (ticker, day) GROUP BY ALL;

CREATE OR REPLACE TABLE bar AS
SELECT *, lag(day) OVER w AS day0, lag(place) OVER w AS place0, lag(close) OVER w AS close0
FROM held WINDOW w AS (PARTITION BY ticker ORDER BY day);
CREATE OR REPLACE TABLE capped AS SELECT ticker, day, NULL::DOUBLE AS market_cap FROM bar LIMIT 0;

-- SPDX-License-Identifier: GPL-3.0-or-later
-- Bars of a file as anybody would check them at the door, and the calendar, from files that tapedeck did not write.
-- Needs cap (ticker, effective_from, effective_to, market_cap). Variables: panel (CSV files ticker,date,open,high,low,close,volume; a later file replaces the tickers it holds), calendar.
CREATE OR REPLACE TABLE session AS
SELECT session_date AS day, early_close = 1 AS half, row_number() OVER (ORDER BY session_date) AS place
FROM read_csv(getvariable('calendar'), types = {'session_date': 'DATE'});

CREATE OR REPLACE TABLE told AS
-- One ticker of the panel carries blanks behind its name.
SELECT * REPLACE (trim(ticker) AS ticker) FROM read_csv(getvariable('panel'), header = true, auto_detect = false, filename = true, columns = {
  'ticker': 'VARCHAR', 'date': 'DATE', 'open': 'DOUBLE', 'high': 'DOUBLE', 'low': 'DOUBLE', 'close': 'DOUBLE', 'volume': 'DOUBLE'})
QUALIFY filename = max(filename) OVER (PARTITION BY ticker);

-- Why a row is not believed; the first broken rule names it.
CREATE OR REPLACE TABLE judged AS
SELECT *, CASE
  WHEN NOT (isfinite(open) AND isfinite(high) AND isfinite(low) AND isfinite(close)) OR volume = 'inf' THEN 'not_finite'
  WHEN least(open, high, low, close) <= 0 THEN 'price_not_positive'
  WHEN low > least(open, close) OR high < greatest(open, close) THEN 'ohlc_inconsistent'
  WHEN volume < 0 THEN 'volume_negative'
  WHEN date NOT IN (SELECT day FROM session) THEN 'non_session' END AS reason
FROM told;

-- What a ticker's day holds: here a day bar alone, without vwap, counts or phases; the file vouches for the days it has none of.
CREATE OR REPLACE TABLE held AS
SELECT ticker, day, place, half, open, high, low, close, volume, volume * ((high + low + close) / 3) AS dollars, NULL::BIGINT AS trades,
       NULL::DOUBLE AS pre, NULL::DOUBLE AS reg, NULL::DOUBLE AS post, NULL::UINTEGER AS minutes, NULL::UINTEGER AS max_gap, false AS gaps,
       'day' AS bars_from, 'daily' AS close_src, true AS approx, false AS partial
FROM judged JOIN session ON day = date WHERE reason IS NULL;

-- And the row before it.
CREATE OR REPLACE TABLE bar AS
SELECT *, lag(day) OVER w AS day0, lag(place) OVER w AS place0, lag(close) OVER w AS close0
FROM held WINDOW w AS (PARTITION BY ticker ORDER BY day);

-- The market cap of a day, known from its day on; of overlapping intervals the one that began latest. A row without one stays.
CREATE OR REPLACE TABLE capped AS
SELECT b.ticker, b.day, arg_max(market_cap, effective_from) AS market_cap
FROM bar b JOIN cap c ON c.ticker = b.ticker AND c.effective_from <= b.day AND (c.effective_to IS NULL OR b.day < c.effective_to) GROUP BY ALL;

-- SPDX-License-Identifier: GPL-3.0-or-later
-- Daily rows of preset `session`: a close is compared in the share count of today, a window of 30 rows lies inside
-- one life, lives end after ten sessions without a row, and a jump that looks like a split nobody told of is called so.
-- Needs bar, capped and split (ticker, execution_date, split_from, split_to).
CREATE OR REPLACE TABLE truth AS
WITH
-- New shares per old one, executed after the row before and up to this one. A first row has no row before.
told_split AS (
  SELECT b.ticker, b.day, product(split_to / split_from) AS factor
  FROM bar b JOIN split s ON s.ticker = b.ticker AND s.execution_date > b.day0 AND s.execution_date <= b.day GROUP BY ALL),
factored AS (
  SELECT b.*, coalesce(factor, 1) AS factor, factor IS NOT NULL AS told, coalesce(place - place0 > 10, false) AS fresh
  FROM bar b LEFT JOIN told_split USING (ticker, day)),
-- Volume over the running product of the factors: all rows of a ticker in one share count, whatever row asks.
lived AS (
  SELECT *, count(*) FILTER (fresh) OVER w AS life, product(factor) OVER w AS grown, volume / product(factor) OVER w AS shares
  FROM factored WINDOW w AS (PARTITION BY ticker ORDER BY day)),
windowed AS (
  SELECT *, row_number() OVER w = 1 AS first,
         avg(shares) OVER (w ROWS 29 PRECEDING) AS mean, count(shares) OVER (w ROWS 29 PRECEDING) AS hist_n,
         avg(shares) OVER (w ROWS BETWEEN 30 PRECEDING AND 1 PRECEDING) AS mean0,
         count(shares) OVER (w ROWS BETWEEN 30 PRECEDING AND 1 PRECEDING) AS known0
  FROM lived WINDOW w AS (PARTITION BY ticker, life ORDER BY day)),
-- The row before of another life is nobody's.
joined AS (
  SELECT * EXCLUDE (close0), CASE WHEN NOT first THEN close0 END AS raw0, CASE WHEN NOT first THEN close0 / factor END AS close0
  FROM windowed),
-- q or 1/q near a whole number from 2 to 200, or near 3:2, while the value of trading did not jump with it.
jumped AS (
  SELECT *, NOT told AND volume * q / (mean0 * grown) BETWEEN 0.2 AND 5 AND
         CASE WHEN greatest(q, 1 / q) > 1.4 -- no need to ask two hundred times about the others
              THEN len([n FOR n IN list_concat([1.5], range(2, 201)) IF abs(q / n - 1) <= 0.06 OR abs(1 / q / n - 1) <= 0.06]) > 0 END AS suspect
  FROM (SELECT *, coalesce(open, close) / raw0 AS q FROM joined))
SELECT ticker, day AS trading_day, close AS close_d, volume AS vol_d, dollars AS dollar_vol_d, dollars / nullif(volume, 0) AS vwap_d,
       close / close0 - 1 AS pctchg_d, ln(close / close0) AS return_d, shares / nullif(mean, 0) AS rvol30, minutes AS session_rows, gaps AS has_gaps,
       market_cap AS market_cap_d, open AS open_d, high AS high_d, low AS low_d, trades AS trades_d, pre AS vol_pre_d, reg AS vol_reg_d, post AS vol_post_d,
       CASE WHEN known0 >= 5 THEN shares / nullif(mean0, 0) END AS rvol30_prior, hist_n, open / close0 - 1 AS gap_pct_d, max_gap AS max_gap_min,
       factor AS split_factor, bars_from, close_src,
       concat_ws(' ', CASE WHEN approx THEN 'approx_dollar_vol' END, CASE WHEN half THEN 'half_day' END, CASE WHEN fresh THEN 'new_listing' END,
                 CASE WHEN factor <> 1 THEN 'split_day' END, CASE WHEN suspect THEN 'split_suspect' END, CASE WHEN partial THEN 'vol_partial' END) AS flags
FROM jumped LEFT JOIN capped USING (ticker, day);

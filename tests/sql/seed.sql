-- SPDX-License-Identifier: GPL-3.0-or-later
-- Daily rows of preset `seed`: the row before is the row before, whatever happened between; no split, no identity.
-- Needs bar and capped.
CREATE OR REPLACE TABLE truth AS
SELECT ticker, day AS trading_day, close AS close_d, volume AS vol_d, dollars AS dollar_vol_d, dollars / nullif(volume, 0) AS vwap_d,
       close / close0 - 1 AS pctchg_d, ln(close / close0) AS return_d, volume / nullif(avg(volume) OVER (w ROWS 29 PRECEDING), 0) AS rvol30,
       minutes AS session_rows, CASE WHEN bars_from = 'minute' THEN gaps END AS has_gaps, market_cap AS market_cap_d,
       open AS open_d, high AS high_d, low AS low_d, trades AS trades_d, pre AS vol_pre_d, reg AS vol_reg_d, post AS vol_post_d,
       CASE WHEN count(volume) OVER (w ROWS BETWEEN 30 PRECEDING AND 1 PRECEDING) >= 5
            THEN volume / nullif(avg(volume) OVER (w ROWS BETWEEN 30 PRECEDING AND 1 PRECEDING), 0) END AS rvol30_prior,
       count(volume) OVER (w ROWS 29 PRECEDING) AS hist_n, open / close0 - 1 AS gap_pct_d, max_gap AS max_gap_min,
       1.0::DOUBLE AS split_factor, bars_from, close_src,
       concat_ws(' ', CASE WHEN approx THEN 'approx_dollar_vol' END, CASE WHEN half THEN 'half_day' END, CASE WHEN partial THEN 'vol_partial' END) AS flags
FROM bar LEFT JOIN capped USING (ticker, day) WINDOW w AS (PARTITION BY ticker ORDER BY day);

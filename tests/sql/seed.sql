-- SPDX-License-Identifier: GPL-3.0-or-later
-- Daily rows of preset `seed` from day bars: the row before is the row before, whatever happened between; no split, no identity.
-- Needs bar and capped.
CREATE OR REPLACE TABLE truth AS
SELECT ticker, day AS trading_day, close AS close_d, volume AS vol_d, volume * ((high + low + close) / 3) AS dollar_vol_d,
       volume * ((high + low + close) / 3) / nullif(volume, 0) AS vwap_d, close / close0 - 1 AS pctchg_d, ln(close / close0) AS return_d,
       volume / nullif(avg(volume) OVER (w ROWS 29 PRECEDING), 0) AS rvol30, NULL::UINTEGER AS session_rows, NULL::BOOLEAN AS has_gaps,
       market_cap AS market_cap_d, open AS open_d, high AS high_d, low AS low_d, NULL::BIGINT AS trades_d, NULL::DOUBLE AS vol_pre_d,
       NULL::DOUBLE AS vol_reg_d, NULL::DOUBLE AS vol_post_d,
       CASE WHEN count(volume) OVER (w ROWS BETWEEN 30 PRECEDING AND 1 PRECEDING) >= 5
            THEN volume / nullif(avg(volume) OVER (w ROWS BETWEEN 30 PRECEDING AND 1 PRECEDING), 0) END AS rvol30_prior,
       count(volume) OVER (w ROWS 29 PRECEDING) AS hist_n, open / close0 - 1 AS gap_pct_d, NULL::UINTEGER AS max_gap_min,
       1.0::DOUBLE AS split_factor, 'day' AS bars_from, 'daily' AS close_src,
       concat_ws(' ', 'approx_dollar_vol', CASE WHEN half THEN 'half_day' END) AS flags
FROM bar LEFT JOIN capped USING (ticker, day) WINDOW w AS (PARTITION BY ticker ORDER BY day);

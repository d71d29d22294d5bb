-- SPDX-License-Identifier: GPL-3.0-or-later
-- Watchlists, ranking and snapshots from the rows of truth, by the thresholds that configs/universe.yaml ships. No ticker's type is known here.
CREATE OR REPLACE TABLE listed AS
SELECT ticker, trading_day, close_d, pctchg_d, rvol30, rvol30_prior, vol_d, dollar_vol_d, vwap_d, gap_pct_d, market_cap_d,
       coalesce(rvol30 >= 2, false) AS r_rvol, coalesce(abs(pctchg_d) >= 0.15, false) AS r_chg,
       coalesce(dollar_vol_d >= 5000000, false) AS r_dvol, true AS r_px, r_rvol AND r_chg AND r_dvol AS info_rich, flags
FROM truth
WHERE close_d BETWEEN 0.5 AND 20 AND coalesce(market_cap_d <= 2000000000, true) AND NOT contains(flags, 'split_suspect')
  AND NOT regexp_matches(ticker, '^(Z.ZZT|[ABCIMNPTZ]TEST|ZTST|ZBZX|ZEXIT|ZIEXT|ZXIET|ZVV|ZXYZ|CBO|CBX|IGZ)([.-].*)?$');

-- A session has a list when any ticker has a row of it, listed or not.
CREATE OR REPLACE TABLE built AS SELECT DISTINCT trading_day FROM truth WHERE trading_day IN (SELECT day FROM session);

-- Rankings as of a day: the 252 sessions of the exchange that end with it.
CREATE OR REPLACE MACRO place_of(d) AS (SELECT max(place) FROM session WHERE day <= d);
CREATE OR REPLACE MACRO ranked(until) AS TABLE
  SELECT row_number() OVER (ORDER BY days DESC, last_seen DESC, ticker) AS rank, *
  FROM (SELECT ticker, count(*) FILTER (info_rich) AS days, max(trading_day) AS last_seen
        FROM listed JOIN session ON day = trading_day
        WHERE place > place_of(until) - 252 AND place <= place_of(until) GROUP BY ticker);
CREATE OR REPLACE TABLE topn AS
WITH last AS (SELECT max(trading_day) AS day FROM built)
SELECT r.ticker, days AS days_info_rich_252, last_seen, rank,
       (SELECT count(*) FROM built JOIN session ON day = trading_day WHERE place > place_of((SELECT day FROM last)) - 252) AS sessions_covered,
       EXISTS (FROM truth t JOIN session s ON s.day = t.trading_day WHERE t.ticker = r.ticker AND place > place_of((SELECT day FROM last)) - 5) AS active
FROM ranked((SELECT day FROM last)) r;

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

-- Snapshots: the ranking as it stood at the last session of each month and year, once that session has a list; 200 of each.
CREATE OR REPLACE TABLE made AS
WITH ends AS (
  SELECT max(day) AS asof_date, 'month_end' AS snapshot_type, strftime(max(day), 'rolling/month_end/topn_%Y-%m') AS name FROM session GROUP BY date_trunc('month', day)
  UNION ALL SELECT max(day), 'annual', strftime(max(day), 'annual/topn_%Y') FROM session GROUP BY date_trunc('year', day))
SELECT ends.*, place FROM ends JOIN session ON day = asof_date WHERE asof_date IN (FROM built);
CREATE OR REPLACE TABLE snapshot AS
WITH counted AS (
  SELECT made.asof_date, snapshot_type, name, ticker, count(*) FILTER (info_rich) AS days_info_rich_win, max(trading_day) AS last_seen
  FROM listed JOIN session s ON s.day = trading_day JOIN made ON s.place > made.place - 252 AND s.place <= made.place GROUP BY ALL)
SELECT *, row_number() OVER (PARTITION BY name ORDER BY days_info_rich_win DESC, last_seen DESC, ticker) AS rank FROM counted QUALIFY rank <= 200;

-- Two lists of rules side by side, per session: how many names each finds in play, and who comes and goes. rvol 1.5, at most 10 dollars.
CREATE OR REPLACE TABLE tried AS
WITH other AS (
  SELECT ticker, trading_day, info_rich AS before,
         coalesce(rvol30 >= 1.5 AND abs(pctchg_d) >= 0.15 AND dollar_vol_d >= 5000000 AND close_d <= 10, false) AS after FROM listed)
SELECT b.trading_day, count(*) FILTER (before) AS before, count(*) FILTER (after) AS after, count(*) FILTER (after AND NOT before) AS added,
       count(*) FILTER (before AND NOT after) AS removed,
       coalesce(string_agg(ticker, ' ' ORDER BY ticker) FILTER (after AND NOT before), '') AS names_added,
       coalesce(string_agg(ticker, ' ' ORDER BY ticker) FILTER (before AND NOT after), '') AS names_removed
FROM built b LEFT JOIN other USING (trading_day) GROUP BY b.trading_day;

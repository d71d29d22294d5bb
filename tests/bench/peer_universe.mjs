// SPDX-License-Identifier: GPL-3.0-or-later
// DuckDB beside tapedeck on the daily cache: the screen of the shipped configs/universe.yaml, rankings, and the nightly run done the other
// way, from bronze anew. CACHE is the folder of our ticker=X/daily.parquet, LAKE a lake with bronze/stocks_daily.
//   node peer_universe.mjs universe CACHE OUT      a watchlist a session (grouped, not sorted: to sort as well costs a tenth more), topN
//   node peer_universe.mjs try CACHE FILE          names per session that rvol=3 adds and takes away, as CSV into FILE
//   node peer_universe.mjs nightly LAKE OUT        day bars to the whole daily cache, the newest watchlist and topN
//   node peer_universe.mjs agree OURS THEIRS       both folders of watchlists and topN, row by row; exit 1 where they part
//   node peer_universe.mjs agree-try FILE FILE     both CSV files
//   node peer_universe.mjs agree-nightly LAKE OUT  the caches of both, the newest watchlist, topN
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const [job, from = '', to = ''] = process.argv.slice(2);
const threads = process.env.BENCH_THREADS || '2';
const { DuckDBInstance } = createRequire(path.resolve(process.env.BENCH_NODE || '.', 'package.json'))('@duckdb/node-api');
const db = await (await DuckDBInstance.create(':memory:', { threads })).connect();
await db.run('SET preserve_insertion_order=false');
await db.run('SET enable_progress_bar=false');
const rows = async sql => (await db.runAndReadAll(sql)).getRowObjects();
const zstd = 'FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 2';

// ---- screen and ranking ----

const tests = `ticker IN ('ATEST','BTEST','CTEST','ITEST','MTEST','NTEST','PTEST','TTEST','ZTEST','ZTST','ZBZX','ZEXIT','ZIEXT','ZXIET','ZVV','ZXYZ','CBO','CBX','IGZ') OR ticker LIKE 'Z_ZZT%'`;
const rich = (rvol, t = '') => `coalesce(${t}rvol30 >= ${rvol} AND abs(${t}pctchg_d) >= 0.15 AND ${t}dollar_vol_d >= 5000000, false)`;
const member = `close_d BETWEEN 0.5 AND 20 AND (market_cap_d IS NULL OR market_cap_d <= 2000000000) AND NOT contains(flags, 'split_suspect') AND NOT (${tests})`;
const screen = source => `SELECT ticker, trading_day, close_d, pctchg_d, rvol30, rvol30_prior, vol_d, dollar_vol_d, vwap_d, gap_pct_d, market_cap_d,
  coalesce(rvol30 >= 2, false) AS r_rvol, coalesce(abs(pctchg_d) >= 0.15, false) AS r_chg, coalesce(dollar_vol_d >= 5000000, false) AS r_dvol, true AS r_px,
  ${rich(2)} AS info_rich, flags FROM ${source} WHERE ${member}`;
// The sessions of these lakes are the days that anybody traded on.
const topn = (listed, cache) => `WITH place AS (SELECT trading_day, row_number() OVER (ORDER BY trading_day DESC) AS back FROM (SELECT DISTINCT trading_day FROM ${cache})),
  days AS (SELECT ticker, count(*) FILTER (info_rich) AS days_info_rich_252, max(trading_day) AS last_seen FROM ${listed} WHERE trading_day IN (SELECT trading_day FROM place WHERE back <= 252) GROUP BY ticker),
  alive AS (SELECT DISTINCT ticker FROM ${cache} WHERE trading_day IN (SELECT trading_day FROM place WHERE back <= 5))
  SELECT ticker, days_info_rich_252, last_seen, row_number() OVER (ORDER BY days_info_rich_252 DESC, last_seen DESC, ticker) AS rank,
    (SELECT count(*) FROM place WHERE back <= 252) AS sessions_covered, ticker IN (FROM alive) AS active FROM days ORDER BY rank`;
const cached = `read_parquet('${from}/*/daily.parquet', hive_partitioning = false)`;

async function universe() {
  await db.run(`CREATE TEMP TABLE listed AS ${screen(cached)}`);
  await db.run('SET partitioned_write_max_open_files = 2000');
  await db.run(`COPY (SELECT *, trading_day AS date FROM listed ORDER BY trading_day) TO '${to}/daily' (${zstd}, PARTITION_BY (date))`);
  await db.run(`COPY (${topn('listed', cached)}) TO '${to}/topN_12m.parquet' (${zstd})`);
}

async function attempt() {
  const names = what => `coalesce(string_agg(ticker, ' ' ORDER BY ticker) FILTER (${what}), '')`;
  await db.run(`COPY (WITH d AS (SELECT ticker, trading_day, ${rich(2)} AS before, ${rich(3)} AS after FROM ${cached} WHERE ${member})
    SELECT trading_day, count(*) FILTER (before) AS before, count(*) FILTER (after) AS after, count(*) FILTER (after AND NOT before) AS added,
      count(*) FILTER (before AND NOT after) AS removed, ${names('after AND NOT before')} AS names_added, ${names('before AND NOT after')} AS names_removed
    FROM d GROUP BY trading_day ORDER BY trading_day) TO '${to}' (HEADER)`);
}

// ---- day bars to daily rows: preset session of section 6; these lakes know no splits ----

const daily = lake => `
WITH bar AS (
  SELECT ticker, timestamp::DATE AS day, open, high, low, close, volume, vwap FROM read_parquet('${lake}/bronze/stocks_daily/*/*/*.parquet', hive_partitioning = false)),
session AS (SELECT day, row_number() OVER (ORDER BY day) AS place FROM (SELECT DISTINCT day FROM bar)),
before AS (
  SELECT bar.*, place, lag(place) OVER w AS place0, lag(close) OVER w AS close0
  FROM bar JOIN session USING (day) WINDOW w AS (PARTITION BY ticker ORDER BY bar.day)),
life AS (SELECT *, coalesce(place - place0 > 10, false) AS fresh, count(*) FILTER (place - place0 > 10) OVER w AS life FROM before WINDOW w AS (PARTITION BY ticker ORDER BY day)),
rowed AS (
  SELECT *, CASE WHEN NOT fresh THEN close0 END AS prior, avg(volume) OVER (w ROWS 29 PRECEDING) AS mean, count(volume) OVER (w ROWS 29 PRECEDING) AS hist_n,
         avg(volume) OVER (w ROWS BETWEEN 30 PRECEDING AND 1 PRECEDING) AS mean0, count(volume) OVER (w ROWS BETWEEN 30 PRECEDING AND 1 PRECEDING) AS known0
  FROM life WINDOW w AS (PARTITION BY ticker, life ORDER BY day)),
jump AS (SELECT *, open / prior AS q FROM rowed)
SELECT ticker, day AS trading_day, close AS close_d, volume AS vol_d, volume * coalesce(vwap, (high + low + close) / 3) AS dollar_vol_d,
       volume * coalesce(vwap, (high + low + close) / 3) / nullif(volume, 0) AS vwap_d, close / prior - 1 AS pctchg_d, ln(close / prior) AS return_d,
       volume / nullif(mean, 0) AS rvol30, NULL::DOUBLE AS market_cap_d, open AS open_d, high AS high_d, low AS low_d,
       CASE WHEN known0 >= 5 THEN volume / nullif(mean0, 0) END AS rvol30_prior, hist_n, open / prior - 1 AS gap_pct_d, 1.0 AS split_factor,
       concat_ws(' ', CASE WHEN vwap IS NULL THEN 'approx_dollar_vol' END, CASE WHEN day IN (HALVES) THEN 'half_day' END, CASE WHEN fresh THEN 'new_listing' END,
         CASE WHEN volume * q / mean0 BETWEEN 0.2 AND 5 AND greatest(q, 1 / q) > 1.4
               AND list_bool_or([abs(greatest(q, 1 / q) / n - 1) <= 0.06 OR abs(least(q, 1 / q) / n - 1) <= 0.06 FOR n IN list_concat([1.5], range(2, 201))]) THEN 'split_suspect' END) AS flags
FROM jump`;

async function nightly() {
  const { halves } = await import('./peer_calendar.mjs');
  const years = fs.readdirSync(`${from}/bronze/stocks_daily`).map(n => +n.slice(5)).sort();
  const early = halves(years[0], years.at(-1)).map(d => `DATE '${new Date(d * 86400000).toISOString().slice(0, 10)}'`);
  await db.run(`CREATE TEMP TABLE daily AS ${daily(from).replace('HALVES', early.join(', '))}`);
  await db.run(`COPY daily TO '${to}/cache' (${zstd}, PARTITION_BY (ticker), WRITE_PARTITION_COLUMNS true)`);
  await db.run(`CREATE TEMP TABLE listed AS ${screen('daily')}`);
  await db.run(`COPY (FROM listed WHERE trading_day = (SELECT max(trading_day) FROM daily) ORDER BY rvol30 DESC NULLS LAST, ticker) TO '${to}/watchlist.parquet' (${zstd})`);
  await db.run(`COPY (${topn('listed', 'daily')}) TO '${to}/topN_12m.parquet' (${zstd})`);
}

// ---- agreement: doubles to 1e-12 relative (changes by their ratio), the rest exactly ----

const kinds = {
  ratio: c => `(a.${c} IS NULL) <> (b.${c} IS NULL) OR abs(a.${c} - b.${c}) > 1e-12 * greatest(1 + a.${c}, 1 + b.${c})`,
  log: c => `(a.${c} IS NULL) <> (b.${c} IS NULL) OR abs(exp(a.${c}) - exp(b.${c})) > 1e-12 * greatest(exp(a.${c}), exp(b.${c}))`,
  double: c => `(a.${c} IS NULL) <> (b.${c} IS NULL) OR abs(a.${c} - b.${c}) > 1e-12 * greatest(abs(a.${c}), abs(b.${c}))`,
  exact: c => `a.${c} IS DISTINCT FROM b.${c}`,
};
async function same(what, ours, theirs, keys, columns) {
  await db.run(`CREATE OR REPLACE TEMP TABLE a AS SELECT * FROM ${ours}`);
  await db.run(`CREATE OR REPLACE TEMP TABLE b AS SELECT * FROM ${theirs}`);
  const named = Object.entries(columns).flatMap(([kind, names]) => names.split(' ').map(c => [c, kinds[kind](c)]));
  const [n] = await rows(`SELECT (SELECT count(*) FROM a) AS ours, (SELECT count(*) FROM b) AS theirs, (SELECT count(*) FROM a JOIN b USING (${keys})) AS both`);
  const [apart] = await rows(`SELECT ${named.map(([c, t]) => `count(*) FILTER (${t}) AS ${c}`)} FROM a JOIN b USING (${keys})`);
  const bad = Object.entries(apart).filter(([, k]) => k > 0n).map(([c, k]) => `${what} ${c}: ${k}`);
  if (n.ours !== n.theirs || n.ours !== n.both || n.ours === 0n)
    bad.push(`${what}: ${n.ours} rows ours, ${n.theirs} theirs, ${n.both} in both`);
  for (const line of bad) console.error(line);
  if (bad.length) process.exitCode = 1;
  return `${n.both} rows ${named.length} columns of ${what}`;
}
const listColumns = { double: 'close_d rvol30 rvol30_prior vol_d dollar_vol_d vwap_d market_cap_d', ratio: 'pctchg_d gap_pct_d', exact: 'r_rvol r_chg r_dvol r_px info_rich flags' };
const topColumns = { exact: 'days_info_rich_252 last_seen rank sessions_covered active' };
const files = glob => `read_parquet('${glob}', hive_partitioning = false)`;
const newest = place => `${place}/date=${fs.readdirSync(place).filter(n => n.startsWith('date=')).map(n => n.slice(5)).sort().at(-1)}/watchlist.parquet`;

const tries = file => `(SELECT * REPLACE (coalesce(names_added, '') AS names_added, coalesce(names_removed, '') AS names_removed) FROM read_csv('${file}', types = {'trading_day': 'DATE', 'names_added': 'VARCHAR', 'names_removed': 'VARCHAR'}) WHERE before + after > 0)`;
const agreeTry = async () => console.log(await same('the sessions', tries(from), tries(to), 'trading_day', { exact: 'before after added removed names_added names_removed' }));
async function agree() {
  const said = [await same('watchlists', files(`${from}/daily/*/*.parquet`), files(`${to}/daily/*/*.parquet`), 'ticker, trading_day', listColumns),
    await same('topN', files(`${from}/topN_12m.parquet`), files(`${to}/topN_12m.parquet`), 'ticker', topColumns)];
  console.log(said.join(', '));
}
async function agreeNightly() {
  const ours = `${from}/universe/info_rich`;
  const said = [await same('the cache', files(`${from}/cache/daily/*/daily.parquet`), files(`${to}/cache/*/*.parquet`), 'ticker, trading_day',
    { double: 'close_d vol_d dollar_vol_d vwap_d rvol30 market_cap_d open_d high_d low_d rvol30_prior split_factor', ratio: 'pctchg_d gap_pct_d', log: 'return_d', exact: 'hist_n flags' }),
    await same('the watchlist', files(newest(`${ours}/daily`)), files(`${to}/watchlist.parquet`), 'ticker, trading_day', listColumns),
    await same('topN', files(`${ours}/topN_12m.parquet`), files(`${to}/topN_12m.parquet`), 'ticker', topColumns)];
  console.log(said.join(', '));
}

const jobs = { null: () => db.run('SELECT 1'), universe, try: attempt, nightly, agree, 'agree-nightly': agreeNightly, 'agree-try': agreeTry };
if (!jobs[job]) {
  console.error(`peer: no job '${job}'`);
  process.exit(2);
}
await jobs[job]();

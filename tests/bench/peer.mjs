// SPDX-License-Identifier: GPL-3.0-or-later
// DuckDB beside tapedeck on the same minute bars. The package is looked up in $BENCH_NODE, two threads unless $BENCH_THREADS says so.
// LAKE is a lake of ours (bronze, splits) or a folder of other people's files, TICKER/year=/month=/*.parquet.
//   node peer.mjs null                      start, SELECT 1, end: what a process costs before it works
//   node peer.mjs cache LAKE OUT            minutes to daily rows, one Parquet file a ticker
//   node peer.mjs durable LAKE OUT          the same, then fsync of every file and folder
//   node peer.mjs agree OURS THEIRS         every row and column of both caches; exit 1 and the differences when they part
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { DAY, summers, halves } from './peer_calendar.mjs';

const [job, lake = '', out = ''] = process.argv.slice(2);
const threads = process.env.BENCH_THREADS || '2';
const { DuckDBInstance } = createRequire(path.resolve(process.env.BENCH_NODE || '.', 'package.json'))('@duckdb/node-api');
const db = await (await DuckDBInstance.create(':memory:', { threads })).connect();
await db.run('SET preserve_insertion_order=false');
await db.run('SET enable_progress_bar=false');

const rows = async sql => (await db.runAndReadAll(sql)).getRowObjects();
const zstd = 'FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 2';

// ---- daily rows: preset `session` of the design, section 6, as one query ----
// Minutes become one row a ticker-day by integer arithmetic on UTC ms; everything that looks back is a window over those.
// Volumes are divided by the running product of the splits, so that a window of 30 rows is an average in one share count.

function dailySql() {
  const own = fs.existsSync(`${lake}/bronze`);
  const found = fs.readdirSync(own ? `${lake}/bronze/stocks_minute` : `${lake}/${fs.readdirSync(lake)[0]}`)
    .map(n => +n.slice('year='.length)).filter(Boolean).sort();
  const minutes = own ? `SELECT * EXCLUDE (timestamp), epoch_ms(timestamp) AS ms FROM read_parquet('${lake}/bronze/stocks_minute/*/*/*.parquet', hive_partitioning = false)`
    : `SELECT ticker, t AS ms, o AS open, h AS high, l AS low, c AS close, v::DOUBLE AS volume, vw AS vwap, n AS transactions FROM read_parquet('${lake}/*/*/*/*.parquet', hive_partitioning = false)`;
  const years0 = found[0], years1 = found[found.length - 1]; // no year more: every border costs a comparison a bar
  const summer = summers(years0, years1).map(([a, b]) => `ms >= ${a} AND ms < ${b}`).join(' OR ');
  const has = table => fs.existsSync(`${lake}/bronze/${table}/${table}.parquet`);
  const splits = has('splits') ? `read_parquet('${lake}/bronze/splits/splits.parquet')` : `(SELECT '' AS ticker, DATE '1900-01-01' AS execution_date, 1.0 AS split_from, 1.0 AS split_to WHERE false)`;
  return `
WITH bar AS (
  SELECT ticker, ms, (ms + away) // ${DAY} AS day, ((ms + away) % ${DAY}) // 60000 AS minute, open, high, low, close, volume,
         volume * coalesce(vwap, (high + low + close) / 3) AS dollars, transactions
  FROM (SELECT *, CASE WHEN ${summer} THEN -14400000 ELSE -18000000 END AS away
        FROM (${minutes}))),
phased AS (
  SELECT *, minute >= 570 AND minute < till AS regular, minute < 570 AS pre, minute >= till AS post
  FROM (SELECT *, CASE WHEN day IN (${halves(years0, years1).join(',')}) THEN 780 ELSE 960 END AS till FROM bar)
  WHERE minute >= 240 AND minute < till + 240),
day AS (
  SELECT ticker, day, coalesce(arg_max(close, ms) FILTER (regular), arg_max(close, ms)) AS close_d, sum(volume) AS vol_d,
         sum(dollars) AS dollar_vol_d, count(*) FILTER (regular) AS session_rows,
         coalesce(sum(volume) FILTER (pre), 0) AS vol_pre_d, coalesce(sum(volume) FILTER (regular), 0) AS vol_reg_d,
         coalesce(sum(volume) FILTER (post), 0) AS vol_post_d,
         arg_min(open, ms) FILTER (regular) AS open_d, max(high) FILTER (regular) AS high_d, min(low) FILTER (regular) AS low_d,
         sum(transactions)::BIGINT AS trades_d
  FROM phased GROUP BY ticker, day),
session AS (SELECT day, row_number() OVER (ORDER BY day) AS place FROM (SELECT DISTINCT day FROM day)),
before AS (
  SELECT day.*, place, lag(place) OVER w AS place0, lag(close_d) OVER w AS close0, lag(day.day) OVER w AS day0
  FROM day JOIN session USING (day) WINDOW w AS (PARTITION BY ticker ORDER BY day.day)),
split AS (
  SELECT b.ticker, b.day, product(split_to / split_from) AS factor
  FROM before b JOIN ${splits} s ON s.ticker = b.ticker AND s.execution_date - DATE '1970-01-01' BETWEEN b.day0 + 1 AND b.day GROUP BY ALL),
life AS (
  SELECT before.*, coalesce(factor, 1) AS split_factor, place0 IS NOT NULL AND place - place0 > 10 AS fresh,
         count(*) FILTER (place - place0 > 10) OVER w AS life, vol_d / product(coalesce(factor, 1)) OVER w AS shares
  FROM before LEFT JOIN split USING (ticker, day) WINDOW w AS (PARTITION BY ticker ORDER BY before.day))
SELECT ticker, DATE '1970-01-01' + day::INT AS trading_day, close_d, vol_d, dollar_vol_d, dollar_vol_d / nullif(vol_d, 0) AS vwap_d,
       CASE WHEN NOT fresh THEN close_d / (close0 / split_factor) - 1 END AS pctchg_d,
       CASE WHEN NOT fresh THEN ln(close_d / (close0 / split_factor)) END AS return_d,
       shares / nullif(avg(shares) OVER (w ROWS 29 PRECEDING), 0) AS rvol30, session_rows::UINTEGER AS session_rows,
       vol_pre_d, vol_reg_d, vol_post_d, open_d, high_d, low_d, trades_d, split_factor,
       count(shares) OVER (w ROWS 29 PRECEDING)::UINTEGER AS hist_n,
       CASE WHEN NOT fresh THEN open_d / (close0 / split_factor) - 1 END AS gap_pct_d,
       CASE WHEN count(shares) OVER (w ROWS BETWEEN 30 PRECEDING AND 1 PRECEDING) >= 5
            THEN shares / nullif(avg(shares) OVER (w ROWS BETWEEN 30 PRECEDING AND 1 PRECEDING), 0) END AS rvol30_prior
FROM life WINDOW w AS (PARTITION BY ticker, life ORDER BY day)`;
}

async function cache() {
  fs.mkdirSync(out, { recursive: true });
  await db.run(`COPY (${dailySql()}) TO '${out}' (${zstd}, PARTITION_BY (ticker), WRITE_PARTITION_COLUMNS true)`);
}

async function durable() {
  await cache();
  const settle = async place => { const f = await fs.promises.open(place, 'r'); await f.sync(); await f.close(); };
  const folders = fs.readdirSync(out).map(n => path.join(out, n)); // four at a time, as libuv has threads
  await Promise.all(folders.map(async d => { for (const n of fs.readdirSync(d)) await settle(path.join(d, n)); await settle(d); }));
  await settle(out);
}

// ---- agreement: doubles to 1e-12 relative (changes by their ratio), the rest exactly ----

const ratios = ['pctchg_d', 'gap_pct_d'];
const doubles = ['close_d', 'vol_d', 'dollar_vol_d', 'vwap_d', 'rvol30', 'vol_pre_d', 'vol_reg_d', 'vol_post_d', 'open_d', 'high_d', 'low_d', 'split_factor', 'rvol30_prior'];
const wholes = ['session_rows', 'trades_d', 'hist_n'];
async function agree() {
  await db.run(`CREATE TEMP TABLE ours AS SELECT * FROM read_parquet('${lake}/*/*.parquet', hive_partitioning = false)`);
  await db.run(`CREATE TEMP TABLE theirs AS SELECT * FROM read_parquet('${out}/*/*.parquet', hive_partitioning = false)`);
  const far = (a, b) => `(a.${b} IS NULL) <> (b.${b} IS NULL) OR abs(${a('a', b)} - ${a('b', b)}) > 1e-12 * greatest(abs(${a('a', b)}), abs(${a('b', b)}))`;
  const plain = (t, c) => `${t}.${c}`, ratio = (t, c) => `(1 + ${t}.${c})`, grown = (t, c) => `exp(${t}.${c})`;
  const tests = [...doubles.map(c => [c, far(plain, c)]), ...ratios.map(c => [c, far(ratio, c)]), ['return_d', far(grown, 'return_d')],
    ...wholes.map(c => [c, `a.${c} IS DISTINCT FROM b.${c}`])];
  const both = 'ours a JOIN theirs b USING (ticker, trading_day)';
  const [n] = await rows(`SELECT (SELECT count(*) FROM ours)::INT AS ours, (SELECT count(*) FROM theirs)::INT AS theirs, (SELECT count(*) FROM ${both})::INT AS both`);
  const [apart] = await rows(`SELECT ${tests.map(([c, t]) => `count(*) FILTER (${t})::INT AS ${c}`).join(', ')} FROM ${both}`);
  const bad = Object.entries(apart).filter(([, k]) => k > 0);
  if (n.ours !== n.theirs || n.ours !== n.both || n.ours === 0)
    bad.push(['rows', `${n.ours} ours, ${n.theirs} theirs, ${n.both} in both`]);
  for (const [c, k] of bad) {
    console.error(`${c}: ${k}`);
    const test = tests.find(t => t[0] === c);
    if (test)
      for (const r of await rows(`SELECT ticker, trading_day::VARCHAR AS d, a.${c} AS ours, b.${c} AS theirs FROM ${both} WHERE ${test[1]} ORDER BY 1, 2 LIMIT 3`))
        console.error(`  ${r.ticker} ${r.d}: ${r.ours} ours, ${r.theirs} theirs`);
  }
  console.log(`${n.both} rows ${tests.length} columns`);
  process.exitCode = bad.length ? 1 : 0;
}

const jobs = { null: () => db.run('SELECT 1'), cache, durable, agree };
if (!jobs[job]) {
  console.error(`peer: no job '${job}'`);
  process.exit(2);
}
await jobs[job]();

// SPDX-License-Identifier: GPL-3.0-or-later
// DuckDB beside tapedeck on the same files. The package is looked up in $BENCH_NODE, two threads unless $BENCH_THREADS says so.
//   node peer.mjs null                      start, SELECT 1, end: what a process costs before it works
//   node peer.mjs cache LAKE OUT            bronze minutes to daily rows, one Parquet file a ticker
//   node peer.mjs durable LAKE OUT          the same, then fsync of every file and folder
//   node peer.mjs agree LAKE OUT            every row and column of both caches; exit 1 and the differences when they part
//   node peer.mjs scan LAKE                 eight columns of all bronze minutes: rows, sums and seconds inside the process
//   node peer.mjs write LAKE FILE           all bronze minutes from memory into one file: seconds inside, bytes
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const [job, lake = '', out = ''] = process.argv.slice(2);
const threads = process.env.BENCH_THREADS || '2';
const { DuckDBInstance } = createRequire(path.resolve(process.env.BENCH_NODE || '.', 'package.json'))('@duckdb/node-api');
const db = await (await DuckDBInstance.create(':memory:', { threads })).connect();
await db.run('SET preserve_insertion_order=false');
await db.run('SET enable_progress_bar=false');

const rows = async sql => (await db.runAndReadAll(sql)).getRowObjects();
const zstd = 'FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 2';
const minutes = `${lake}/bronze/stocks_minute/*/*/*.parquet`;
const seconds = since => Number(process.hrtime.bigint() - since) / 1e9;

// ---- exchange time, by its own rules: offsets of New York and early closes of the years asked for ----

const DAY = 86400000;
const weekday = (year, month, nth, want) => { // nth weekday (0 = Sunday) of a month, as UTC ms
  const first = Date.UTC(year, month - 1, 1);
  return first + ((want - new Date(first).getUTCDay() + 7) % 7 + 7 * (nth - 1)) * DAY;
};
const years = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const summers = (from, to) => years(from, to).map(y => [weekday(y, 3, 2, 0) + 7 * 3600000, weekday(y, 11, 1, 0) + 6 * 3600000]);
const halves = (from, to) => years(from, to).flatMap(y => {
  const eves = [Date.UTC(y, 6, 3), Date.UTC(y, 11, 24)].filter(d => { const w = new Date(d).getUTCDay(); return w >= 1 && w <= 4; });
  return [weekday(y, 11, 4, 4) + DAY, ...eves].map(d => d / DAY);
});

// ---- daily rows: preset `session` of the design, section 6, as one query ----
// Minutes become one row a ticker-day by integer arithmetic on UTC ms; everything that looks back is a window over those.
// Volumes are divided by the running product of the splits, so that a window of 30 rows is an average in one share count.

function dailySql() {
  const found = fs.readdirSync(`${lake}/bronze/stocks_minute`).map(n => +n.slice('year='.length)).filter(Boolean).sort();
  const years0 = found[0], years1 = found[found.length - 1]; // no year more: every border costs a comparison a bar
  const summer = summers(years0, years1).map(([a, b]) => `ms >= ${a} AND ms < ${b}`).join(' OR ');
  const has = table => fs.existsSync(`${lake}/bronze/${table}/${table}.parquet`);
  const splits = has('splits') ? `read_parquet('${lake}/bronze/splits/splits.parquet')` : `(SELECT '' AS ticker, DATE '1900-01-01' AS execution_date, 1.0 AS split_from, 1.0 AS split_to WHERE false)`;
  return `
WITH bar AS (
  SELECT ticker, ms, (ms + away) // ${DAY} AS day, ((ms + away) % ${DAY}) // 60000 AS minute, open, high, low, close, volume,
         volume * coalesce(vwap, (high + low + close) / 3) AS dollars, transactions
  FROM (SELECT *, CASE WHEN ${summer} THEN -14400000 ELSE -18000000 END AS away
        FROM (SELECT * EXCLUDE (timestamp), epoch_ms(timestamp) AS ms FROM read_parquet('${minutes}', hive_partitioning = false)))),
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
  await db.run(`CREATE TEMP TABLE ours AS SELECT * FROM read_parquet('${lake}/cache/daily/*/*.parquet', hive_partitioning = false)`);
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

// ---- plain Parquet work ----

const eight = ['timestamp', 'open', 'high', 'low', 'close', 'volume', 'vwap', 'transactions'];
async function scan() {
  const begin = process.hrtime.bigint();
  const sums = eight.map(c => c === 'timestamp' ? `sum(epoch_ms(timestamp))::HUGEINT::DOUBLE AS ms` : `sum(${c})::DOUBLE AS ${c}`);
  const [r] = await rows(`SELECT count(*)::DOUBLE AS n, ${sums.join(', ')} FROM read_parquet('${minutes}', hive_partitioning = false)`);
  console.log([seconds(begin).toFixed(6), r.n, r.ms, r.open, r.high, r.low, r.close, r.volume, r.vwap, r.transactions].join(' '));
}
async function write() {
  await db.run(`CREATE TEMP TABLE bars AS SELECT * FROM read_parquet('${minutes}', hive_partitioning = false) ORDER BY ticker, timestamp`);
  const [{ n }] = await rows('SELECT count(*)::DOUBLE AS n FROM bars');
  await db.run('SET preserve_insertion_order=true');
  const begin = process.hrtime.bigint();
  await db.run(`COPY bars TO '${out}' (${zstd})`);
  console.log(`${seconds(begin).toFixed(6)} ${n} ${fs.statSync(out).size}`);
}

const jobs = { null: () => db.run('SELECT 1'), cache, durable, agree, scan, write };
if (!jobs[job]) {
  console.error(`peer: no job '${job}'`);
  process.exit(2);
}
await jobs[job]();

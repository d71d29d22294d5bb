// SPDX-License-Identifier: GPL-3.0-or-later
// Minute files that DuckDB wrote, laid out ticker-first as other people's lakes are: OUT/TICKER/year=2021/month=01/minute.parquet with
// columns ticker,t,o,h,l,c,v,vw,n. GEN is the built generator of synthetic markets; only sessions of the CALENDAR (a CSV with
// session_date) are kept.
//   node peer_files.mjs GEN CALENDAR OUT TICKERS SESSIONS
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

const [gen, calendar, out, tickers, sessions] = process.argv.slice(2);
const { DuckDBInstance } = createRequire(path.resolve(process.env.BENCH_NODE || '.', 'package.json'))('@duckdb/node-api');
const db = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect();
const csv = `${out}.csv`;
await db.run(`CREATE TABLE session AS SELECT session_date::DATE - DATE '1970-01-01' AS day FROM read_csv('${calendar}')`);
fs.mkdirSync(out, { recursive: true });
for (let first = 0; first < +tickers; first += 10) {
  const file = fs.openSync(csv, 'w');
  const done = spawnSync(gen, ['minutes', first, Math.min(10, +tickers - first), sessions].map(String), { stdio: ['ignore', file, 'inherit'] });
  fs.closeSync(file);
  if (done.status !== 0)
    process.exit(1);
  await db.run(`CREATE OR REPLACE TEMP TABLE m AS SELECT *
    FROM read_csv('${csv}', header = true, auto_detect = false, columns = {'ticker': 'VARCHAR', 'year': 'INT', 'month': 'INT', 't': 'BIGINT', 'o': 'DOUBLE',
      'h': 'DOUBLE', 'l': 'DOUBLE', 'c': 'DOUBLE', 'v': 'BIGINT', 'vw': 'DOUBLE', 'n': 'BIGINT'})
    WHERE (t - 18000000) // 86400000 IN (SELECT day FROM session)`);
  for (const [ticker, year, month] of (await db.runAndReadAll('SELECT DISTINCT ticker, year, month FROM m ORDER BY ALL')).getRows()) {
    const to = `${out}/${ticker}/year=${year}/month=${String(month).padStart(2, '0')}`;
    fs.mkdirSync(to, { recursive: true });
    await db.run(`COPY (SELECT ticker, t, o, h, l, c, v, vw, n FROM m WHERE ticker = '${ticker}' AND year = ${year} AND month = ${month} ORDER BY t)
      TO '${to}/minute.parquet' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 2)`);
  }
}
fs.rmSync(csv);

// SPDX-License-Identifier: GPL-3.0-or-later
// An independent computation in DuckDB SQL beside what tapedeck wrote: every row, every column, doubles to 1e-12 relative (changes by
// their ratio, since ratio - 1 cancels), everything else exactly, nulls where nulls are. One line of TAP-like text a question:
// "ok NAME" or "not ok NAME" with the first differences in lines that begin with "#".
//   node truth.mjs STEP... NAME=VALUE...
// Steps: bars minutes minutes_seed session seed screen (the SQL of that name), rows lists topn snapshots (compare with lake=...),
// events try (with events=PARQUET, tried=CSV), quarantine (what the door should say),
// unadjust (panel= without the splits of splits=, into out=), publish (splits= as a table of the lake), scaled (changes of the
// tickers of splits= against those of plain=, the file they were made from). few=yes: lists may be empty.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const here = path.dirname(new URL(import.meta.url).pathname);
const { DuckDBInstance } = createRequire(path.resolve(process.env.TAPEDECK_ORACLE, 'package.json'))('@duckdb/node-api');
const db = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect();
const rows = async sql => (await db.runAndReadAll(sql)).getRowObjects();
const quoted = text => `'${text.replaceAll("'", "''")}'`;
const variables = {};
for (const word of process.argv.slice(2).filter(w => w.includes('='))) {
  const [, name, value] = word.match(/^([^=]*)=(.*)$/s);
  variables[name] = value;
  await db.run(`SET VARIABLE ${name} = ${value.includes(',') ? `[${value.split(',').map(quoted)}]` : quoted(value)}`);
}
const lake = variables.lake;
await db.run(`CREATE TABLE split AS ${variables.splits ? `FROM read_csv('${variables.splits}')` : `SELECT '' AS ticker, DATE '1970-01-01' AS execution_date, 1.0 AS split_from, 1.0 AS split_to LIMIT 0`}`);
await db.run(`CREATE TABLE cap AS ${variables.caps ? `FROM read_csv('${variables.caps}', types = {'effective_to': 'DATE'})` : `SELECT '' AS ticker, DATE '1970-01-01' AS effective_from, NULL::DATE AS effective_to, 1.0 AS market_cap LIMIT 0`}`);

let failed = 0;
const say = (good, name, why = []) => {
  console.log(`${good ? 'ok' : 'not ok'} ${name}`);
  for (const line of good ? [] : why) console.log(`#   ${line}`);
  failed ||= !good;
};

// agree NAME TRUTH OURS KEYS KINDS: two tables, one row a key in each; KINDS says how a column is compared.
const tests = {
  double: c => `(t.${c} IS NULL) <> (o.${c} IS NULL) OR abs(t.${c} - o.${c}) > 1e-12 * greatest(abs(t.${c}), abs(o.${c}))`,
  change: c => `(t.${c} IS NULL) <> (o.${c} IS NULL) OR abs(t.${c} - o.${c}) > 1e-12 * greatest(1 + t.${c}, 1 + o.${c})`,
  log: c => `(t.${c} IS NULL) <> (o.${c} IS NULL) OR abs(exp(t.${c}) - exp(o.${c})) > 1e-12 * greatest(exp(t.${c}), exp(o.${c}))`,
  exact: c => `t.${c} IS DISTINCT FROM o.${c}`,
};
async function agree(name, truth, ours, keys, kinds) {
  await db.run(`CREATE OR REPLACE TEMP TABLE t_ AS ${truth}`);
  await db.run(`CREATE OR REPLACE TEMP TABLE o_ AS ${ours}`);
  const both = `t_ t JOIN o_ o USING (${keys})`;
  const columns = Object.entries(kinds).flatMap(([kind, names]) => names.split(' ').map(c => [c, tests[kind](c)]));
  const [n] = await rows(`SELECT (SELECT count(*) FROM t_) AS truth, (SELECT count(*) FROM o_) AS ours, (SELECT count(*) FROM ${both}) AS both`);
  const whole = n.truth === n.ours && n.truth === n.both && (n.truth > 0n || variables.few);
  const why = [`${n.ours} rows of ours, ${n.truth} of truth, ${n.both} in both`];
  for (const [here, there, whose] of [['t_', 'o_', 'truth'], ['o_', 't_', 'ours']])
    if (!whole)
      for (const r of await rows(`SELECT concat_ws(' ', ${keys}) AS key FROM ${here} ANTI JOIN ${there} USING (${keys}) ORDER BY 1 LIMIT 3`)) why.push(`only in ${whose}: ${r.key}`);
  say(whole, `${name}: ${n.truth} rows, each in both`, why);
  const [apart] = await rows(`SELECT ${columns.map(([c, t]) => `count(*) FILTER (${t}) AS ${c}`)} FROM ${both}`);
  for (const [c, t] of columns) {
    const found = apart[c] === 0n ? [] : await rows(`SELECT concat_ws(' ', ${keys}) AS key, t.${c} AS t, o.${c} AS o FROM ${both} WHERE ${t} ORDER BY 1 LIMIT 4`);
    say(apart[c] === 0n, `${name}: ${c}`, found.map(r => `${r.key}: ${r.o}, truth ${r.t}`).concat(found.length ? `${apart[c]} rows differ` : []));
  }
}

const daily = { double: 'close_d vol_d dollar_vol_d vwap_d rvol30 market_cap_d open_d high_d low_d vol_pre_d vol_reg_d vol_post_d rvol30_prior split_factor',
  change: 'pctchg_d gap_pct_d', log: 'return_d', exact: 'session_rows has_gaps trades_d hist_n max_gap_min bars_from close_src flags' };
const lists = `read_parquet('${lake}/universe/info_rich/daily/*/watchlist.parquet', hive_partitioning = false, filename = true, file_row_number = true)`;
const steps = {
  rows: () => agree('daily rows', 'FROM truth', `FROM read_parquet('${lake}/cache/daily/*/daily.parquet', hive_partitioning = false)`, 'ticker, trading_day', daily),
  quarantine: async () => {
    const found = await rows(`SELECT reason, count(*)::INT AS n FROM judged WHERE reason IS NOT NULL GROUP BY ALL ORDER BY ALL`);
    console.log(`quarantine {${found.map(r => `"${r.reason}":${r.n}`)}}`);
  },
  lists: async () => {
    await agree('watchlists', 'FROM listed', `FROM ${lists}`, 'ticker, trading_day',
      { double: 'close_d rvol30 rvol30_prior vol_d dollar_vol_d vwap_d market_cap_d', change: 'pctchg_d gap_pct_d', exact: 'r_rvol r_chg r_dvol r_px info_rich flags' });
    const dates = fs.readdirSync(`${lake}/universe/info_rich/daily`).filter(n => n.startsWith('date=')).map(n => n.slice(5)).sort();
    const want = (await rows('SELECT trading_day::VARCHAR AS d FROM built ORDER BY 1')).map(r => r.d);
    say(dates.join() === want.join(), `watchlists: one for each of ${want.length} sessions, also the empty ones`, [`${dates.length} lists, ${want.length} sessions`]);
    const [order] = await rows(`SELECT count(*) AS n FROM (SELECT file_row_number + 1 AS stands, row_number() OVER (PARTITION BY filename ORDER BY rvol30 DESC NULLS LAST, ticker) AS want FROM ${lists}) WHERE stands <> want`);
    const [strange] = await rows(`SELECT count(*) AS n FROM ${lists} WHERE NOT contains(filename, 'date=' || trading_day::VARCHAR)`);
    say(order.n === 0n && strange.n === 0n, 'watchlists: by rvol30 down, then ticker, each in the file of its day', [`${order.n} rows out of order, ${strange.n} in another day's file`]);
    const [rich] = await rows('SELECT count(*) AS n FROM listed WHERE info_rich');
    say(rich.n > 0n || variables.few, `watchlists: ${rich.n} ticker-days are info-rich`);
  },
  topn: async () => {
    const place = `${lake}/universe/info_rich`;
    await agree('topN', 'FROM topn', `FROM read_parquet('${place}/topN_12m.parquet')`, 'ticker', { exact: 'days_info_rich_252 last_seen rank sessions_covered active' });
    const csv = (await rows('SELECT ticker, days_info_rich_252 AS n, last_seen::VARCHAR AS d FROM topn ORDER BY rank LIMIT 200')).map(r => `${r.ticker},${r.n},${r.d}`);
    say(fs.readFileSync(`${place}/topN_12m.csv`, 'utf8') === ['ticker,days_info_rich_252,last_seen', ...csv, ''].join('\n'), 'topN: the CSV is its first 200 under the original header');
  },
  snapshots: async () => {
    const place = `${lake}/universe/info_rich/topn12m`, files = `read_parquet('${place}/*/**/*.parquet', hive_partitioning = false, filename = true)`;
    await agree('snapshots', 'FROM snapshot', `SELECT *, replace(replace(filename, '${place}/', ''), '.parquet', '') AS name FROM ${files}`, 'name, rank',
      { exact: 'asof_date ticker days_info_rich_win last_seen' });
    await agree('snapshot index', `SELECT asof_date, snapshot_type, 'universe/info_rich/topn12m/' || name || '.parquet' AS path FROM made`,
      `FROM read_parquet('${place}/topn12m_index.parquet')`, 'path', { exact: 'asof_date snapshot_type' });
  },
  events: async () => {
    const event = 'ticker, trading_day, rvol30, pctchg_d, dollar_vol_d, close_d, vol_d, vwap_d';
    await agree('events', `SELECT ${event} FROM listed WHERE info_rich`, `FROM read_parquet('${variables.events}')`, 'ticker, trading_day',
      { double: 'rvol30 dollar_vol_d close_d vol_d vwap_d', change: 'pctchg_d' });
    const [order] = await rows(`SELECT count(*) AS n FROM (SELECT file_row_number + 1 AS stands, row_number() OVER (ORDER BY trading_day, rvol30 DESC, ticker) AS wanted FROM read_parquet('${variables.events}', file_row_number = true)) WHERE stands <> wanted`);
    say(order.n === 0n, 'events: by day, rvol30 down, ticker', [`${order.n} rows out of order`]);
    const names = (await rows(`DESCRIBE FROM read_parquet('${variables.events}')`)).map(r => r.column_name).join(', ');
    say(names === event, 'events: the columns of the published ones', [names]);
  },
  try: () => agree('try', 'FROM tried', `SELECT * REPLACE (coalesce(names_added, '') AS names_added, coalesce(names_removed, '') AS names_removed) FROM read_csv('${variables.tried}', types = {'trading_day': 'DATE', 'names_added': 'VARCHAR', 'names_removed': 'VARCHAR'})`,
    'trading_day', { exact: 'before after added removed names_added names_removed' }),
};
// Prices and volumes of the tickers in splits=, as they stood before each of its splits.
const unadjusted = `SELECT ticker, date, open / f AS open, high / f AS high, low / f AS low, close / f AS close, round(volume * f) AS volume
  FROM (SELECT told.*, coalesce((SELECT product(split_from / split_to) FROM split s WHERE s.ticker = told.ticker AND s.execution_date > told.date), 1) AS f
        FROM told WHERE ticker IN (SELECT ticker FROM split)) ORDER BY ALL`;
Object.assign(steps, {
  unadjust: () => db.run(`COPY (${unadjusted}) TO '${variables.out}' (HEADER)`),
  publish: async () => {
    fs.mkdirSync(`${lake}/bronze/splits`, { recursive: true });
    await db.run(`COPY (SELECT ticker, execution_date, split_from::DOUBLE AS split_from, split_to::DOUBLE AS split_to FROM split ORDER BY ALL)
      TO '${lake}/bronze/splits/splits.parquet' (FORMAT parquet, COMPRESSION zstd, KV_METADATA {"tapedeck.schema": 'splits/1'})`);
  },
  // With the table at hand a split changes no change: the rows that were given splits change as they did without any.
  scaled: async () => {
    const [r] = await rows(`WITH plain AS (SELECT trim(ticker) AS ticker, date, close / lag(close) OVER (PARTITION BY ticker ORDER BY date) AS ratio FROM read_csv('${variables.plain}'))
      SELECT count(*) AS n, count(*) FILTER (abs(1 + pctchg_d - ratio) > 1e-12 * ratio) AS far
      FROM truth JOIN plain USING (ticker) WHERE date = trading_day AND ticker IN (SELECT ticker FROM split) AND NOT contains(flags, 'new_listing')`);
    say(r.n > 0n && r.far === 0n, `splits told of change no change: ${r.n} rows`, [`${r.far} rows changed`]);
  },
});

for (const step of process.argv.slice(2).filter(w => !w.includes('='))) {
  const file = path.join(here, `${step}.sql`);
  if (steps[step]) await steps[step]();
  else await db.run(fs.readFileSync(file, 'utf8'));
}
process.exitCode = failed ? 1 : 0;

// SPDX-License-Identifier: GPL-3.0-or-later
// polars beside tapedeck: the jobs of peer.mjs and peer_universe.mjs as lazy frames. The package is looked up in $BENCH_NODE.
//   node peer_polars.mjs null
//   node peer_polars.mjs cache LAKE OUT         minutes to daily rows, one Parquet file a ticker
//   node peer_polars.mjs universe CACHE OUT     daily rows to a watchlist a session and the ranking
//   node peer_polars.mjs try CACHE FILE         names per session that rvol=3 takes away, as CSV into FILE
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { DAY, summers, halves } from './peer_calendar.mjs';

const [job, from = '', out = ''] = process.argv.slice(2);
process.env.POLARS_MAX_THREADS = process.env.BENCH_THREADS || '2';
const pl = createRequire(path.resolve(process.env.BENCH_NODE || '.', 'package.json'))('nodejs-polars');
const col = pl.col, lit = pl.lit;
const put = (frame, file) => frame.writeParquet(file, { compression: 'zstd', compressionLevel: 2 });
const whole = (e, type = pl.Int32) => e.floor().cast(type);

// ---- minutes to daily rows: see dailySql of peer.mjs ----

function minutes() {
  if (fs.existsSync(`${from}/bronze`))
    return pl.scanParquet(`${from}/bronze/stocks_minute/*/*/*.parquet`, { hivePartitioning: false, rechunk: false })
      .select(col('ticker'), col('timestamp').cast(pl.Int64).alias('ms'), ...['open', 'high', 'low', 'close', 'volume', 'vwap', 'transactions'].map(c => col(c)));
  return pl.scanParquet(`${from}/*/*/*/*.parquet`, { hivePartitioning: false, rechunk: false })
    .select(col('ticker'), col('t').alias('ms'), col('o').alias('open'), col('h').alias('high'), col('l').alias('low'), col('c').alias('close'),
      col('v').cast(pl.Float64).alias('volume'), col('vw').alias('vwap'), col('n').alias('transactions'));
}

function days() {
  const own = fs.existsSync(`${from}/bronze`);
  const years = fs.readdirSync(own ? `${from}/bronze/stocks_minute` : `${from}/${fs.readdirSync(from)[0]}`).map(n => +n.slice(5)).filter(Boolean).sort();
  const summer = summers(years[0], years.at(-1)).map(([a, b]) => col('ms').gtEq(a).and(col('ms').lt(b))).reduce((a, b) => a.or(b));
  const known = (sum, count) => pl.when(count.gt(0)).then(sum).otherwise(lit(null));
  const regular = col('regular');
  return minutes()
    .withColumns(col('ms').plus(pl.when(summer).then(lit(-14400000)).otherwise(lit(-18000000))).alias('local'))
    .withColumns(whole(col('local').div(DAY)).alias('day'))
    .withColumns(whole(col('local').modulo(DAY).div(60000)).alias('minute'), pl.when(col('day').isIn(halves(years[0], years.at(-1)))).then(lit(780)).otherwise(lit(960)).alias('till'))
    .filter(col('minute').gtEq(240).and(col('minute').lt(col('till').plus(240))))
    .withColumns(col('minute').gtEq(570).and(col('minute').lt(col('till'))).alias('regular'),
      col('volume').mul(col('vwap').fillNull(col('high').plus(col('low')).plus(col('close')).div(3))).alias('dollars'))
    .groupBy(['ticker', 'day']).agg(
      col('close').filter(regular).last().fillNull(col('close').last()).alias('close_d'), known(col('volume').sum(), col('volume').count()).alias('vol_d'),
      known(col('dollars').sum(), col('dollars').count()).alias('dollar_vol_d'), regular.sum().cast(pl.UInt32).alias('session_rows'),
      col('volume').filter(col('minute').lt(570)).sum().alias('vol_pre_d'), col('volume').filter(regular).sum().alias('vol_reg_d'),
      col('volume').filter(col('minute').gtEq(col('till'))).sum().alias('vol_post_d'),
      col('open').filter(regular).first().alias('open_d'), col('high').filter(regular).max().alias('high_d'), col('low').filter(regular).min().alias('low_d'),
      known(col('transactions').sum(), col('transactions').count()).alias('trades_d'))
    .collectSync();
}

// Product of the splits executed after the row before and up to this one, as a column `factor`.
function withFactors(daily) {
  const file = `${from}/bronze/splits/splits.parquet`;
  if (!fs.existsSync(file))
    return daily.withColumns(lit(1.0).alias('factor'));
  const splits = pl.readParquet(file).select(col('ticker'), col('execution_date').cast(pl.Int32).alias('exec'), col('split_to').div(col('split_from')).alias('ratio')).sort('exec');
  const hits = splits.joinAsof(daily.select('ticker', 'day', 'day0').sort('day'), { leftOn: 'exec', rightOn: 'day', byLeft: 'ticker', byRight: 'ticker', strategy: 'forward' })
    .filter(col('day0').isNotNull()).groupBy(['ticker', 'day']).agg(col('ratio').product().alias('factor'));
  return daily.join(hits, { on: ['ticker', 'day'], how: 'left' }).withColumns(col('factor').fillNull(lit(1.0))).sort(['ticker', 'day']);
}

function cache() {
  let d = days().sort(['ticker', 'day']);
  const places = d.select(col('day')).unique().sort('day').withRowIndex('place').withColumns(col('place').cast(pl.Int32));
  const before = c => col(c).shift(1).over('ticker');
  d = d.join(places, { on: 'day', how: 'left' }).sort(['ticker', 'day'])
    .withColumns(before('close_d').alias('close0'), before('day').alias('day0'), before('place').alias('place0'));
  const life = ['ticker', 'life'];
  d = withFactors(d)
    .withColumns(col('place').minus(col('place0')).gt(10).fillNull(lit(false)).alias('fresh'))
    .withColumns(col('fresh').cast(pl.Int32).cumSum().over('ticker').alias('life'), col('vol_d').div(col('factor').cumProd().over('ticker')).alias('shares'),
      pl.when(col('fresh').not()).then(col('close0').div(col('factor'))).otherwise(lit(null)).alias('prior'))
    .withColumns(
      col('shares').div(col('shares').rollingMean({ windowSize: 30, minPeriods: 1 })).over(...life).alias('rvol30'),
      col('shares').div(col('shares').shift(1).rollingMean({ windowSize: 30, minPeriods: 5 })).over(...life).alias('rvol30_prior'),
      col('shares').isNotNull().cast(pl.Float64).rollingSum({ windowSize: 30, minPeriods: 1 }).over(...life).cast(pl.UInt32).alias('hist_n'),
      col('dollar_vol_d').div(col('vol_d')).alias('vwap_d'), col('close_d').div(col('prior')).minus(1).alias('pctchg_d'),
      col('close_d').div(col('prior')).log().alias('return_d'), col('open_d').div(col('prior')).minus(1).alias('gap_pct_d'),
      col('day').cast(pl.Date).alias('trading_day'))
    .select('ticker', 'trading_day', 'close_d', 'vol_d', 'dollar_vol_d', 'vwap_d', 'pctchg_d', 'return_d', 'rvol30', 'session_rows', 'vol_pre_d', 'vol_reg_d', 'vol_post_d',
      'open_d', 'high_d', 'low_d', 'trades_d', col('factor').alias('split_factor'), 'hist_n', 'gap_pct_d', 'rvol30_prior');
  for (const part of d.partitionBy('ticker', true, true)) {
    const place = `${out}/ticker=${part.getColumn('ticker').get(0)}`;
    fs.mkdirSync(place, { recursive: true });
    put(part, `${place}/daily.parquet`);
  }
}

// ---- daily rows to lists and the ranking: see peer_universe.mjs ----

const columns = ['ticker', 'trading_day', 'close_d', 'pctchg_d', 'rvol30', 'rvol30_prior', 'vol_d', 'dollar_vol_d', 'vwap_d', 'gap_pct_d', 'market_cap_d', 'flags'];
const tests = '^(Z.ZZT|[ABCIMNPTZ]TEST|ZTST|ZBZX|ZEXIT|ZIEXT|ZXIET|ZVV|ZXYZ|CBO|CBX|IGZ)$';
function listed(rvol) {
  const rule = e => e.fillNull(lit(false));
  return pl.scanParquet(`${from}/*/daily.parquet`, { hivePartitioning: false, rechunk: false }).select(...columns.map(c => col(c)))
    .filter(col('close_d').gtEq(0.5).and(col('close_d').ltEq(20)).and(col('market_cap_d').isNull().or(col('market_cap_d').ltEq(2e9)))
      .and(col('flags').str.contains('split_suspect').not()).and(col('ticker').str.contains(tests).not()))
    .withColumns(rule(col('rvol30').gtEq(rvol)).alias('r_rvol'), rule(col('pctchg_d').abs().gtEq(0.15)).alias('r_chg'), rule(col('dollar_vol_d').gtEq(5000000)).alias('r_dvol'), lit(true).alias('r_px'))
    .withColumns(col('r_rvol').and(col('r_chg')).and(col('r_dvol')).alias('info_rich'));
}
const iso = n => new Date(n * DAY).toISOString().slice(0, 10);
function universe() {
  const cached = pl.scanParquet(`${from}/*/daily.parquet`, { hivePartitioning: false, rechunk: false }).select(col('ticker'), col('trading_day').cast(pl.Int32).alias('day')).collectSync();
  const sessions = cached.select(col('day')).unique().sort('day', true).getColumn('day').toArray();
  const rows = listed(2).collectSync().sort({ by: ['trading_day', 'rvol30', 'ticker'], descending: [false, true, false], nullsLast: true });
  for (const part of rows.partitionBy('trading_day', true, true)) {
    const place = `${out}/daily/date=${iso(part.getColumn('trading_day').cast(pl.Int32).get(0))}`;
    fs.mkdirSync(place, { recursive: true });
    put(part, `${place}/watchlist.parquet`);
  }
  const window = sessions.slice(0, 252), alive = cached.filter(col('day').gtEq(sessions[Math.min(4, sessions.length - 1)])).select('ticker').unique().withColumns(lit(true).alias('active'));
  const top = rows.filter(col('trading_day').cast(pl.Int32).gtEq(window.at(-1))).groupBy('ticker')
    .agg(col('info_rich').sum().cast(pl.UInt32).alias('days_info_rich_252'), col('trading_day').max().alias('last_seen'))
    .sort({ by: ['days_info_rich_252', 'last_seen', 'ticker'], descending: [true, true, false] }).withRowIndex('rank')
    .withColumns(col('rank').plus(1), lit(window.length).alias('sessions_covered')).join(alive, { on: 'ticker', how: 'left' }).withColumns(col('active').fillNull(lit(false)));
  put(top, `${out}/topN_12m.parquet`);
}

function attempt() {
  const sessions = listed(2).withColumns(col('info_rich').alias('before'), col('info_rich').and(col('rvol30').gtEq(3)).alias('after'))
    .select('ticker', 'trading_day', 'before', 'after').collectSync();
  const counts = sessions.groupBy('trading_day').agg(col('before').sum().alias('before'), col('after').sum().alias('after'));
  const gone = sessions.filter(col('before').and(col('after').not())).sort(['trading_day', 'ticker']).groupBy('trading_day', true)
    .agg(col('ticker').count().alias('removed'), col('ticker').str.concat(' ').alias('names_removed')); // a tighter rule adds nobody
  counts.join(gone, { on: 'trading_day', how: 'left' }).withColumns(col('removed').fillNull(lit(0)), lit(0).alias('added'), lit('').alias('names_added'))
    .select('trading_day', 'before', 'after', 'added', 'removed', 'names_added', 'names_removed').sort('trading_day').writeCSV(out);
}
const jobs = { null: () => pl.DataFrame({ a: [1] }), cache, universe, try: attempt };
if (!jobs[job]) {
  console.error(`polars: no job '${job}'`);
  process.exit(2);
}
jobs[job]();

// SPDX-License-Identifier: GPL-3.0-or-later
// DuckDB or polars as one side of the Parquet bench: jobs on standard input, a line of numbers for each on standard output, timed
// inside the process, by the clock and by the processor, as pqbench.c does it. Packages are looked up in $BENCH_NODE.
//   node peer_parquet.mjs duckdb|polars THREADS
//   scan THREADS COLUMNS PLACE    open and read; every column is aggregated, or kept where that costs less -> times rows
//   proof THREADS COLUMNS PLACE   rows (count sum least greatest)... of every column; of a text its length counts
//   last ROWS COLUMNS FILE        the last rows, as values                                      -> times rows
//   write LEVEL PLACE FILE        rows of PLACE, held in memory, into one file                  -> times rows bytes
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { createRequire } from 'node:module';

const [engine, threads = '2'] = process.argv.slice(2);
const load = createRequire(path.resolve(process.env.BENCH_NODE || '.', 'package.json'));
const files = place => fs.statSync(place).isDirectory() ? `${place}/*.parquet` : place;
const clock = async fn => {
  const begin = process.hrtime.bigint(), used = process.cpuUsage();
  const value = await fn();
  const took = Number(process.hrtime.bigint() - begin) / 1e9, cpu = process.cpuUsage(used);
  return [`${took.toFixed(7)} ${((cpu.user + cpu.system) / 1e6).toFixed(6)}`, value];
};

async function duckdb() {
  const { DuckDBInstance } = load('@duckdb/node-api');
  const db = await (await DuckDBInstance.create(':memory:', { threads })).connect();
  await db.run('SET preserve_insertion_order = false');
  await db.run('SET enable_progress_bar = false');
  const rows = async sql => (await db.runAndReadAll(sql)).getRows();
  const from = place => `FROM read_parquet('${files(place)}', hive_partitioning = false)`;
  const known = new Map(); // place -> [[name, type]...]
  const columns = async (names, place) => {
    if (!known.has(place)) known.set(place, (await rows(`DESCRIBE SELECT * ${from(place)}`)).map(r => [r[0], r[1]]));
    const all = known.get(place);
    return names === '*' ? all : names.split(',').map(n => all.find(c => c[0] === n));
  };
  const number = ([name, type]) => type === 'VARCHAR' ? `strlen(${name})` : type === 'DATE' ? `(${name} - DATE '1970-01-01')`
    : type.startsWith('TIMESTAMP') ? `epoch_ms(${name})` : type === 'BOOLEAN' ? `${name}::INT` : name;
  const cheap = ([name, type]) => type === 'VARCHAR' ? `sum(strlen(${name}))` : /^(DATE|TIME)/.test(type) ? `max(${name})` : `sum(${number([name, type])})`;
  let held = '';
  return {
    async scan(_, names, place) {
      const list = (await columns(names, place)).map(cheap);
      const [s, r] = await clock(() => rows(`SELECT count(*)::DOUBLE, ${list.join(', ')} ${from(place)}`));
      return [s, r[0][0]];
    },
    async proof(_, names, place) {
      const list = (await columns(names, place)).map(number).map(e => `count(${e})::DOUBLE, sum(${e})::DOUBLE, min(${e})::DOUBLE, max(${e})::DOUBLE`);
      return (await rows(`SELECT count(*)::DOUBLE, ${list.join(', ')} ${from(place)}`))[0];
    },
    async last(n, names, place) {
      const list = (await columns(names, place)).map(c => c[0]).join(', ');
      const [[end]] = await rows(`SELECT count(*)::INT ${from(place)}`);
      const [s, r] = await clock(async () => (await db.runAndReadAll(`SELECT ${list} FROM read_parquet('${place}', file_row_number = true) WHERE file_row_number >= ${end - n}`)).getColumns());
      return [s, r[0].length];
    },
    async write(level, place, file) {
      if (held !== place) {
        await db.run('SET preserve_insertion_order = true');
        await db.run(`CREATE OR REPLACE TEMP TABLE held AS SELECT * ${from(place)}`);
        held = place;
      }
      const [[n]] = await rows('SELECT count(*)::DOUBLE FROM held');
      const [s] = await clock(() => db.run(`COPY held TO '${file}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL ${level})`));
      await db.run('SET preserve_insertion_order = false');
      return [s, n, fs.statSync(file).size];
    },
  };
}

async function polars() {
  process.env.POLARS_MAX_THREADS = threads; // read when the library is loaded
  const pl = load('nodejs-polars');
  const open = place => pl.scanParquet(files(place), { hivePartitioning: false, rechunk: false });
  const known = new Map(); // place -> { name: type }
  const columns = (names, place) => {
    if (!known.has(place)) known.set(place, open(place).limit(1).collectSync().schema);
    return (names === '*' ? Object.keys(known.get(place)) : names.split(',')).map(n => [n, known.get(place)[n].variant]);
  };
  const moment = t => /^(date|time)/i.test(t), text = t => /^(str|utf8)/i.test(t);
  const number = ([name, type]) => /^datetime/i.test(type) ? pl.col(name).cast(pl.Datetime('ms')).cast(pl.Int64)
    : moment(type) || /^bool/i.test(type) ? pl.col(name).cast(pl.Int64) : pl.col(name);
  const cheap = c => text(c[1]) ? pl.col(c[0]).last() : moment(c[1]) ? pl.col(c[0]).max() : number(c).sum().alias(c[0]);
  const collect = lazy => lazy.collectSync({ engine: 'streaming' }); // the fastest of its engines here
  let held, heldPlace = '';
  return {
    async scan(_, names, place) {
      const list = [pl.len().cast(pl.Float64).alias('rows'), ...columns(names, place).map(cheap)];
      const [s, r] = await clock(() => collect(open(place).select(...list)).row(0));
      return [s, r[0]];
    },
    async proof(_, names, place) {
      const out = [collect(open(place).select(pl.len().cast(pl.Float64))).row(0)[0]];
      for (const c of columns(names, place)) {
        if (text(c[1])) {
          const groups = collect(open(place).groupBy(c[0]).agg(pl.col(c[0]).count().cast(pl.Float64).alias('n'))).rows().filter(([t]) => t !== null);
          const sizes = groups.map(([t]) => Buffer.byteLength(t));
          out.push(groups.reduce((a, g) => a + g[1], 0), groups.reduce((a, g, i) => a + g[1] * sizes[i], 0), Math.min(...sizes), Math.max(...sizes));
        } else {
          const x = number(c), f = e => e.cast(pl.Float64);
          const sum = moment(c[1]) ? f(number(c)).sum() : f(x.sum());
          out.push(...collect(open(place).select(f(x.count()).alias('n'), sum.alias('s'), f(x.min()).alias('a'), f(x.max()).alias('b'))).row(0));
        }
      }
      return out;
    },
    async last(n, names, place) {
      const list = columns(names, place).map(c => pl.col(c[0]));
      const [s, r] = await clock(() => open(place).tail(+n).select(...list).collectSync());
      return [s, r.height];
    },
    async write(level, place, file) {
      if (heldPlace !== place) {
        held = open(place).collectSync();
        heldPlace = place;
      }
      const [s] = await clock(() => held.lazy().sinkParquet(file, { compression: 'zstd', compressionLevel: +level }).collectSync());
      return [s, held.height, fs.statSync(file).size];
    },
  };
}

const engines = { duckdb, polars };
if (!engines[engine]) {
  console.error('usage: peer_parquet.mjs duckdb|polars THREADS');
  process.exit(2);
}
const jobs = await engines[engine]();
for await (const line of readline.createInterface({ input: process.stdin })) {
  const [job, ...args] = line.split(' ');
  try {
    console.log((await jobs[job](...args)).join(' '));
  } catch (e) {
    console.error(`${engine}: ${line}: ${e.message}`);
    console.log('failed');
  }
}

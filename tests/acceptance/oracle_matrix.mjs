// SPDX-License-Identifier: GPL-3.0-or-later
// node oracle_matrix.mjs ORACLE DIR: every NAME.parquet in DIR is read by the four foreign readers of the Parquet oracle, and each
// must give exactly what NAME.csv says; the oracle's lint must find nothing. One process for all files. Prints what differs, then what
// was compared; exit status 1 when anything differed.
import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const [oracle, dir] = process.argv.slice(2)
const load = name => import(pathToFileURL(path.join(oracle, name)).href)
const [{ READERS }, { diff }, { lint }] = await Promise.all(['readers.mjs', 'canon.mjs', 'structure.mjs'].map(load))

// What a single reader is known not to do, by the names of columns (cN_KIND_ENCODING). `file: true`: it then refuses the whole file.
const DEVIATIONS = [
  // Encodings that the format allows for these types since 2.11 or always; AUTO never chooses them.
  { reader: 'duckdb', columns: /_(?!f32|f64)[a-z0-9]+_split$/, file: true, why: 'BYTE_STREAM_SPLIT for FLOAT and DOUBLE alone' },
  { reader: 'duckdb', columns: /_(decimal|fixed|uuid|half)_(prefix|lengths)$/, file: true, why: 'DELTA_* texts for strings and blobs alone' },
  { reader: 'polars', columns: /_(decimal|fixed|uuid|half)_(prefix|split)$/, file: true, why: 'no DELTA_BYTE_ARRAY nor BYTE_STREAM_SPLIT for FIXED' },
  // Types.
  { reader: 'duckdb', columns: /_bson_/, file: true, why: 'refuses a file with a BSON column' },
  { reader: 'duckdb', columns: /_tsnsutc_/, why: 'has no zoned timestamps finer than microseconds, and rounds towards zero' },
  { reader: 'duckdb', columns: /_(timens|timensutc|timeusutc|timemsutc|uuid)_/, why: 'a type of its own that the oracle does not unpack' },
  { reader: 'arrowrs', columns: /_half_/, why: 'the oracle does not unpack halves' },
  { reader: 'polars', columns: /_half_/, why: 'read as two bytes' },
  { reader: 'hyparquet', columns: /_half_/, why: 'the oracle shows two bytes' },
]

const bigs = /^(u?int64|timestamp|time\[|decimal)/
function value(type, text) {
  if (text === '') return null
  if (type === 'bool') return text === 'true'
  if (/^float/.test(type)) return text === 'nan' ? NaN : text.endsWith('inf') ? (text[0] === '-' ? -Infinity : Infinity) : Number(text)
  if (type === 'string') return text.slice(1, -1).replace(/\\x([0-9a-f]{2})/g, (_, h) => String.fromCharCode(parseInt(h, 16)))
  if (type === 'binary') return Uint8Array.from(Buffer.from(text.slice(2), 'hex'))
  return bigs.test(type) ? BigInt(text.replace('.', '')) : Number(text)
}
/** ENUM and JSON are text or bytes, as a reader likes. */
const asBytes = c => ({ ...c, type: 'binary', values: c.values.map(v => v === null ? null : Uint8Array.from(Buffer.from(v, 'utf8'))) })

function expected(csv) {
  const lines = fs.readFileSync(csv, 'utf8').split('\n')
  lines.pop()
  const cols = lines[0].split(',').map(h => {
    const [name, type] = h.split(':')
    return { name, type: type.replace(';', ','), values: [] }
  })
  for (const line of lines.slice(1)) {
    const cells = [], n = cols.length
    for (const f of line.matchAll(/("[^"]*"|[^,"]*)(,|$)/g)) { cells.push(f[1]); if (!f[2]) break }
    if (cells.length !== n) throw new Error(`${csv}: ${cells.length} fields for ${n} columns`)
    cols.forEach((c, k) => c.values.push(value(c.type, cells[k])))
  }
  return cols
}

let files = 0, compared = 0, excused = 0, bad = 0
const complain = text => { if (bad++ < 40) console.log(text) }
for (const name of fs.readdirSync(dir).filter(f => f.endsWith('.parquet')).sort()) {
  const file = path.join(dir, name), want = expected(file.replace(/parquet$/, 'csv'))
  files++
  for (const x of lint(file)) if (x.level === 'error') complain(`${name}: lint: ${x.text}`)
  for (const [reader, read] of Object.entries(READERS)) {
    const known = col => DEVIATIONS.find(d => d.reader === reader && d.columns.test(col.name))
    if (want.some(c => known(c)?.file)) { excused += want.length; continue }
    let got
    try { got = await read(file) } catch (e) { complain(`${name}: ${reader}: ${String(e?.message ?? e).split('\n')[0]}`); continue }
    if (got.length !== want.length) { complain(`${name}: ${reader}: ${got.length} columns of ${want.length}`); continue }
    want.forEach((c, k) => {
      if (known(c)) { excused++; return }
      compared++
      const d = diff('written', [c.type === 'string' && got[k].type === 'binary' ? asBytes(c) : c], reader, [got[k]])
      if (d) complain(`${name}: ${c.name}: ${d}`)
    })
  }
}
console.log(`${files} files, ${compared} columns compared, ${excused} excused, ${bad} differences`)
process.exit(bad || !compared ? 1 : 0)

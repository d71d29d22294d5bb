// SPDX-License-Identifier: GPL-3.0-or-later
// What other people's readers make of files, beside what tapedeck does.
//   oracle_reads.mjs make FOLDER SEED       files by other people's writers, with the CSV of their values beside each
//   oracle_reads.mjs majority TAPEDECK FILE...   one line a file: ok, or what differs from what most readers say
// TAPEDECK_ORACLE names the oracle's folder.
import fs from 'node:fs'
import path from 'node:path'
import { spawnSync } from 'node:child_process'

const oracle = name => import(path.join(process.env.TAPEDECK_ORACLE, name))
const [verb, ...args] = process.argv.slice(2)

// ---- canonical CSV back to columns ----

const plain = text => text.replace(/\\x([0-9a-f]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)))
function fields(line) {
  const out = []
  let field = '', quoted = false
  for (const c of line) {
    if (c === '"') quoted = !quoted
    if (c === ',' && !quoted) { out.push(field); field = '' } else field += c
  }
  return [...out, field]
}
function value(type, text) {
  if (text === '') return null
  if (type === 'bool') return text === 'true'
  if (/^(u?int64|timestamp|time)/.test(type)) return BigInt(text)
  if (/^float/.test(type)) return { nan: NaN, inf: Infinity, '-inf': -Infinity }[text] ?? Number(text)
  if (type === 'string') return plain(text.slice(1, -1))
  if (type === 'binary') return Uint8Array.from(Buffer.from(text.slice(2), 'hex'))
  if (/^decimal/.test(type)) return BigInt(text.replace('.', ''))
  return Number(text)
}
function columns(csv) {
  const [head, ...rows] = csv.split('\n').slice(0, -1)
  if (!head) return []
  const out = fields(head).map(h => ({ name: plain(h.replace(/:[^:]*$/, '')), type: h.replace(/.*:/, '').replace(';', ','), values: [] }))
  for (const row of rows) fields(row).forEach((f, i) => out[i].values.push(value(out[i].type, f)))
  return out
}

// ---- majority ----

// The largest groups of readers that say the same of a column: one, or several of a size. A single reader is no majority.
function majorities(opinions, same) {
  const groups = []
  for (const o of opinions) {
    const group = groups.find(g => same(g[0], o))
    if (group) group.push(o); else groups.push([o])
  }
  const most = Math.max(0, ...groups.map(g => g.length))
  return most < 2 ? [] : groups.filter(g => g.length === most)
}

async function majority([tapedeck, ...files]) {
  const { diff } = await oracle('canon.mjs'), { READERS } = await oracle('readers.mjs')
  const scratch = fs.mkdtempSync(path.join(process.env.TMPDIR ?? '/tmp', 'reads-'))
  const copy = path.join(scratch, 'file.parquet') // away from folders whose names a reader takes for columns
  for (const file of files) {
    fs.copyFileSync(file, copy)
    const run = spawnSync(tapedeck, ['parquet', 'cat', '--format', 'csv', copy], { maxBuffer: 1 << 28, timeout: 60000 })
    const why = run.status === 0 ? '' : String(run.stderr).trim().replaceAll(copy, 'the file')
    if (/nested|repeated|encrypted/.test(why)) { console.log(`ok ${file} (refused: ${why})`); continue }
    const others = [], bad = []
    for (const [name, read] of Object.entries(READERS)) {
      try { others.push({ name, columns: await read(copy) }) } catch { /* what cannot read it has no say */ }
    }
    if (why && others.length > 1) bad.push(`refused (${why}), but read by ${others.map(o => o.name)}`)
    else if (why) { console.log(`ok ${file} (refused: ${why})`); continue }
    for (const column of why ? [] : columns(String(run.stdout))) {
      const opinions = others.map(o => ({ name: o.name, column: o.columns.find(c => c.name === column.name) })).filter(o => o.column && o.column.type !== 'nested')
      const most = majorities(opinions, (a, b) => !diff(a.name, [a.column], b.name, [b.column]))
      const against = most.map(g => diff('tapedeck', [column], g.map(o => o.name).join('+'), [g[0].column]))
      if (most.length && against.every(Boolean)) bad.push(against[0])
    }
    console.log(bad.length ? `DIFFERS ${file}: ${bad.join('; ')}` : `ok ${file}`)
  }
  fs.rmSync(scratch, { recursive: true })
}

async function make([folder, seed]) {
  const { make: generate } = await oracle('make.mjs')
  console.log((await generate(folder, { seed: Number(seed), scale: [0.1, 0.5, 1.5][seed % 3], log: console.log })).length)
}

await { make, majority }[verb](args)
process.exit()

// pg-boss, in batches of 100: fetched, handled and completed together, as its documentation advises for throughput.
//
// Its `pairs` is atomic: completing 100 A and inserting 100 B share one transaction, given to pg-boss through the `db` option.
import { parseArgs } from 'node:util'
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { PgBoss } from 'pg-boss'

// Items in one call of `enqueue-batch`, and the rows of one fetch and one completion.
const BATCH = 100
const PICKUPS = 200
const QUEUE = 'first'
const SECOND = 'second'

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    measure: { type: 'string' },
    workers: { type: 'string', default: '1' },
    items: { type: 'string', default: '1000' },
    history: { type: 'string', default: '0' },
    analyzed: { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
    loose: { type: 'boolean', default: false } // `pairs` without the common transaction
  }
})
const options = { ...values, workers: Number(values.workers), items: Number(values.items), history: Number(values.history) }

const version = JSON.parse(readFileSync(new URL('./node_modules/pg-boss/package.json', import.meta.url))).version
const pool = new pg.Pool({ connectionString: options.url, max: options.workers + 4 })
const boss = new PgBoss({
  connectionString: options.url,
  max: options.workers + 4,
  useListenNotify: options.measure === 'pickup',
  supervise: false,
  schedule: false,
  registerInstance: false,
  openTelemetry: { enabled: false }
})
boss.on('error', error => { throw error })

const measures = { 'enqueue-one': enqueueOne, 'enqueue-batch': enqueueBatch, drain, pairs, pickup }
await boss.start()
await boss.createQueue(QUEUE, { notify: options.measure === 'pickup' })
await boss.createQueue(SECOND)
if (!measures[options.measure]) throw new Error(`no measure ${options.measure}`)
await measures[options.measure]()
await boss.stop({ graceful: false })
await pool.end()

async function enqueueOne () {
  await settle()
  const clock = start()
  for (let id = 0; id < options.items; id++) await boss.send(QUEUE, { id })
  report(clock, 'items/s', 'send, one producer')
}

async function enqueueBatch () {
  await settle()
  const clock = start()
  await fill()
  report(clock, 'items/s', `insert of ${BATCH}, one producer`)
}

async function drain () {
  await addHistory()
  await fill()
  await settle()
  const clock = start()
  await together(async () => {
    for (;;) {
      const jobs = await boss.fetch(QUEUE, { batchSize: BATCH })
      if (jobs.length === 0) return
      for (const job of jobs) await handle(job)
      await boss.complete(QUEUE, jobs.map(job => job.id))
    }
  })
  report(clock, 'items/s', `a loop per worker of fetch and complete, ${BATCH} at a time`)
}

async function pairs () {
  await fill()
  await settle()
  let left = options.items
  const clock = start()
  await together(async () => {
    while (left > 0) {
      const first = await boss.fetch(QUEUE, { batchSize: BATCH })
      if (first.length > 0) await (options.loose ? turn(first) : atomically(db => turn(first, { db })))
      const second = await boss.fetch(SECOND, { batchSize: BATCH })
      if (second.length > 0) await boss.complete(SECOND, second.map(job => job.id))
      left -= second.length
      if (first.length + second.length === 0) await pause(1)
    }
  })
  const how = options.loose ? 'not atomic' : 'atomic: both in one transaction by the db option'
  report(clock, 'pairs/s', `${how}; complete ${BATCH} A and insert ${BATCH} B, a loop per worker`)
}

// Completes the first of each pair and enqueues the second.
async function turn (jobs, within = {}) {
  await boss.complete(QUEUE, jobs.map(job => job.id), null, within)
  await boss.insert(SECOND, jobs.map(job => ({ data: job.data })), within)
}

async function atomically (work) {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    await work({ executeSql: (text, args) => client.query(text, args) })
    await client.query('COMMIT')
  } finally {
    client.release()
  }
}

async function pickup () {
  let began
  await boss.work(QUEUE, { batchSize: 1, localConcurrency: options.workers, pollingIntervalSeconds: 0.5 }, async () => {
    const now = performance.now()
    began(now)
  })
  const samples = []
  for (const gap of gaps(PICKUPS)) {
    await pause(gap)
    const handled = new Promise(resolve => { began = resolve })
    await boss.send(QUEUE, {})
    const enqueued = performance.now()
    samples.push(Math.max(0, await handled - enqueued))
  }
  samples.sort((a, b) => a - b)
  for (const percent of [50, 99]) {
    const value = samples[Math.ceil(samples.length * percent / 100) - 1]
    print({ measure: `pickup-p${percent}`, value, unit: 'ms' }, 'work() of one job, LISTEN/NOTIFY on')
  }
}

async function handle () {}

function together (loop) {
  return Promise.all(Array.from({ length: options.workers }, loop))
}

async function fill () {
  for (let from = 0; from < options.items; from += BATCH) {
    const size = Math.min(BATCH, options.items - from)
    await boss.insert(QUEUE, Array.from({ length: size }, (_, index) => ({ data: { id: from + index } })))
  }
}

async function addHistory () {
  await pool.query(
    `INSERT INTO pgboss.job (name, data, state, created_on, started_on, completed_on)
     SELECT $1, jsonb_build_object('id', n), 'completed', now() - interval '1 hour', now() - interval '1 hour', now() - interval '1 hour'
     FROM generate_series(1, $2::int) n`, [QUEUE, options.history])
}

// Leaves no checkpoint and no bulk load's aftermath to the timed part.
async function settle () {
  if (options.analyzed) await pool.query('ANALYZE')
  await pool.query('CHECKPOINT')
}

// Pauses of 20 to 60 ms, the same in every run.
function * gaps (count) {
  let state = 0x9E3779B9
  for (let index = 0; index < count; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    yield 20 + state / 2 ** 32 * 40
  }
}

function start () {
  return { wall: performance.now(), cpu: process.cpuUsage() }
}

function report (clock, unit, settings) {
  const seconds = (performance.now() - clock.wall) / 1000
  const { user, system } = process.cpuUsage(clock.cpu)
  const cpu = (user + system) / 1e6 * 10000 / options.items
  print({ measure: options.measure, value: options.items / seconds, unit, cpu_s_per_10k: cpu }, settings)
}

function print (result, settings) {
  console.log(JSON.stringify({
    system: 'pg-boss',
    database: 'postgresql',
    workers: options.workers,
    items: options.items,
    history: options.history,
    analyzed: options.analyzed,
    settings: `pg-boss ${version}, Node ${process.versions.node}, supervision and scheduling off; ${settings}`,
    ...result
  }))
}

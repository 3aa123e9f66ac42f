/**
 * A soak: for many lives of the built program on one volume, more is pulled than its disk budget holds, through every
 * fault that an upstream has, by clients some of which leave, with pushes beside; each life ends by SIGTERM or SIGKILL in
 * the middle of it. It is held against the volume, the upstream's own counts and the clients' at moments of quiet.
 *
 * Short by itself; `SOAK_LIVES`, `SOAK_WATCHES` (of a life) and `SOAK_PULLS` (images in a watch) make it as long as is
 * wanted.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'
import { Cargo } from './soak/cargo.ts'
import { Fleet } from './soak/fleet.ts'
import { Hold } from './soak/hold.ts'
import { Ledger } from './soak/ledger.ts'
import { LOCAL, Pushers } from './soak/pushers.ts'
import { Weather } from './soak/weather.ts'
import { draw } from './support/draw.ts'
import { type Entrepot, startEntrepot } from './support/entrepot.ts'
import { inspectBlobs } from './support/store.ts'
import { waitUntil } from './support/wait.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const LIVES = Number(process.env.SOAK_LIVES ?? 3)
const WATCHES = Number(process.env.SOAK_WATCHES ?? 2)
const PULLS = Number(process.env.SOAK_PULLS ?? 100)
/** One push for so many pulls. */
const PULLS_PER_PUSH = 10
/** Until the upstream has noticed that a server is gone. */
const GONE_MS = 10_000
/** Content for so many times the disk budget. */
const TIMES_BUDGET = 5

/** Patience is short here, so that what hangs is met often. */
const LIMITS = {
  request: '1s',
  requestcached: '500ms',
  firstbyte: '1s',
  stall: '1s',
  resume: '3s',
  lasttry: '2s',
  manifest: '5s',
}

describe('a soak', { timeout: 24 * 3_600_000 }, () => {
  let workspace: Workspace
  let hub: ScriptedUpstream
  let cargo: Cargo
  let fleet: Fleet
  let pushers: Pushers
  let weather: Weather
  let ledger: Ledger
  let hold: Hold
  let maxBytes: number

  before(async () => {
    workspace = await makeWorkspace()
    hub = await startScriptedUpstream({ redirect: {}, tokens: {} })
    workspace.defer(() => hub.close())
    cargo = new Cargo(hub)
    maxBytes = Math.floor(cargo.totalBytes / TIMES_BUDGET)
    hold = new Hold(await workspace.folder('hold'))
    fleet = new Fleet(cargo, hold)
    pushers = new Pushers(cargo)
    weather = new Weather(hub)
    ledger = new Ledger({ hub, fleet, pushers, hold, maxBytes })
  })
  after(async () => {
    await weather.calm()
    await workspace.remove()
  })

  const start = async (): Promise<Entrepot> => {
    await waitUntil('nothing left of the last life', () => hub.openSockets === 0, GONE_MS)
    hub.resetCounts()
    await ledger.begin()
    const entrepot = await startEntrepot(workspace, {
      rootDirectory: hold.root,
      http: { draintimeout: '2s' },
      sections: {
        log: { level: 'info', formatter: 'json', accesslog: { disabled: true } },
        proxy: { remoteurl: hub.url },
        cache: { maxsize: maxBytes, minfree: 0 },
        local: { push: 'anyone', repositories: ['team/**'] },
        limits: LIMITS,
      },
    })
    fleet.board(entrepot.address)
    pushers.board(entrepot.address)
    await ledger.open(entrepot)
    return entrepot
  }

  const complaints = (): string[] => [...fleet.complaints, ...pushers.complaints]

  /** Pulls and pushes in all weathers, then quiet. */
  const watch = async (entrepot: Entrepot): Promise<void> => {
    weather.blow()
    await Promise.all([
      fleet.pull(PULLS, () => cargo.moveTag()),
      pushers.push(Math.ceil(PULLS / PULLS_PER_PUSH)),
    ])
    await weather.calm()
    await ledger.takeStock(entrepot)
    fleet.noteKept()
    assert.deepEqual(complaints(), [], entrepot.output())
  }

  /** The end of a life, in the middle of pulls and pushes. */
  const end = async (entrepot: Entrepot, life: number): Promise<void> => {
    weather.blow()
    const isKilled = life % 2 === 1
    const endAfter = draw(`end ${life}`, 3, 12)
    const pushing = pushers.push(Number.POSITIVE_INFINITY)
    let pulling = Promise.resolve()
    await new Promise<void>((resolve) => {
      pulling = fleet.pull(Number.POSITIVE_INFINITY, (done) => (done === endAfter ? resolve() : undefined))
    })
    fleet.leave()
    pushers.leave()
    await (isKilled ? entrepot.kill() : entrepot.stop())
    await Promise.all([pulling, pushing])
    await weather.calm()
    if (!isKilled) assert.equal(entrepot.ending(), 0, entrepot.output())
  }

  it('leaves everything as it should be', async (t) => {
    for (let life = 0; life < LIVES; life += 1) {
      const entrepot = await start()
      for (let i = 0; i < WATCHES; i += 1) await watch(entrepot)
      await end(entrepot, life)
    }
    const entrepot = await start()
    await pushers.verify()
    await fleet.pullEverything()
    await ledger.takeStock(entrepot)
    await ledger.checkSaved(entrepot)
    await entrepot.stop()
    assert.deepEqual(complaints(), [], entrepot.output())
    const { digests, wrong } = await inspectBlobs(hold.root)
    assert.deepEqual(wrong, [])
    t.diagnostic(
      `${weather.faults} faults, ${pushers.acknowledged.size} of ${pushers.attempts} pushes to ${LOCAL}`,
    )
    t.diagnostic(`answers: ${[...fleet.seen].map(([what, times]) => `${times} ${what}`).join(', ')}`)
    t.diagnostic(`${digests.length} blobs; ${ledger.summary()}`)
  })
})

/** A client of a scripted upstream for tests, and what it is asked with. */
import assert from 'node:assert/strict'
import { silentLogger } from '../../src/observe/log.ts'
import { createMetrics, type Metrics } from '../../src/observe/metrics.ts'
import { parseReference, type Reference } from '../../src/protocol/name.ts'
import { createUpstream, type UpstreamOptions } from '../../src/upstream/create-upstream.ts'
import { type Upstream, UpstreamError, type UpstreamErrorKind } from '../../src/upstream/upstream.ts'
import {
  type ScriptedUpstream,
  type ScriptedUpstreamOptions,
  startScriptedUpstream,
} from '../support/scripted-upstream.ts'

/** An account, and two ways in which a scripted upstream can ask for it. */
export const ALICE = { username: 'alice', password: 'secret' }
/** Tokens for everybody, and one repository that only Alice sees. */
export const TOKENS = { tokens: { users: { alice: 'secret' }, private: ['team/app'] } }
/** A password for everything. */
export const BASIC = { basic: { users: { alice: 'secret' } } }

/** What a test works with. */
export interface Bench {
  readonly hub: ScriptedUpstream
  readonly upstream: Upstream
  readonly metrics: Metrics
  /** The clock of the client, milliseconds since the epoch; pauses move it on. */
  readonly clock: { nowMs: number }
  /** Pauses before further tries, in milliseconds. */
  readonly pauses: number[]
}

/** A tag or a digest, sound. */
export const ref = (text: string): Reference => parseReference(text)!

/** Runs a test with a scripted upstream and a client of it; at the end nothing may be open. */
export const withUpstream =
  (
    hubOptions: ScriptedUpstreamOptions,
    options: Partial<UpstreamOptions>,
    run: (bench: Bench) => Promise<void>,
  ) =>
  async () => {
    const hub = await startScriptedUpstream(hubOptions)
    const metrics = createMetrics()
    const clock = { nowMs: Date.UTC(2026, 0, 1) }
    const pauses: number[] = []
    const upstream = createUpstream({
      name: 'hub',
      host: 'docker.io',
      remoteurl: hub.url,
      metrics,
      log: silentLogger,
      environment: {},
      now: () => clock.nowMs,
      random: () => 1,
      sleep: async (ms, signal) => {
        signal?.throwIfAborted()
        pauses.push(ms)
        clock.nowMs += ms
      },
      ...options,
    })
    try {
      await run({ hub, upstream, metrics, clock, pauses })
    } finally {
      await upstream.close()
      await hub.close()
      assert.equal(hub.openSockets, 0)
    }
  }

/** The kinds of the requests that were seen, in order. */
export const kindsOf = ({ requests }: ScriptedUpstream): string => requests.map(({ kind }) => kind).join(' ')

/** Which `Authorization` each of the requests had that were seen, in order: its scheme, or `-`. */
export const authorizationsOf = ({ requests }: ScriptedUpstream): string =>
  requests.map(({ headers }) => headers.authorization?.split(' ')[0] ?? '-').join(' ')

/** Asserts that `work` fails with an {@link UpstreamError} of a kind, and gives it for a closer look. */
export const failsWith = async (work: Promise<unknown>, kind: UpstreamErrorKind): Promise<UpstreamError> => {
  const error = await work.then(
    () => assert.fail('it succeeded'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof UpstreamError, String(error))
  assert.equal(error.kind, kind, error.message)
  return error
}

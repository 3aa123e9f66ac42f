/**
 * An upstream out there that wants to use us: to reach what only we can reach (server-side request forgery), or to have
 * our password sent elsewhere. Its name is public; the proxy through which it is asked shows every request that leaves.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../src/observe/log.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import type { Digest } from '../../src/protocol/digest.ts'
import { createUpstream } from '../../src/upstream/create-upstream.ts'
import type { Upstream } from '../../src/upstream/upstream.ts'
import { type ScriptedUpstream, startScriptedUpstream } from '../support/scripted-upstream.ts'
import { ALICE, failsWith, ref } from './client.ts'

const REGISTRY = 'registry.example'
const DIGEST = `sha256:${'0'.repeat(64)}` as Digest

const INSIDE = [
  'http://127.0.0.1/x',
  'http://localhost:5001/metrics',
  'http://[::1]:5001/metrics',
  'http://0.0.0.0/x',
  'http://10.0.0.1/x',
  'http://192.168.0.1/x',
  'http://169.254.169.254/latest/meta-data/',
  'http://[fd00::1]/x',
  'http://[::ffff:127.0.0.1]/x',
  'http://[64:ff9b::7f00:1]/x',
  'http://2130706433/x',
  'http://0x7f.1/x',
  'http://127.1/x',
] as const

/** Runs a test with a client of `http://registry.example`, which is `hub` behind a proxy. */
const withPublicUpstream = async (
  account: Partial<typeof ALICE>,
  test: (upstream: Upstream, hub: ScriptedUpstream) => Promise<void>,
): Promise<void> => {
  const hub = await startScriptedUpstream()
  const upstream = createUpstream({
    name: 'public',
    host: REGISTRY,
    remoteurl: `http://${REGISTRY}`,
    metrics: createMetrics(),
    log: silentLogger,
    environment: { HTTP_PROXY: hub.url },
    sleep: async () => {},
    ...account,
  })
  try {
    await test(upstream, hub)
  } finally {
    await upstream.close()
    await hub.close()
  }
}

/** Hosts that were asked for through the proxy. */
const hostsOf = ({ requests }: ScriptedUpstream): string[] => [
  ...new Set(requests.map(({ url }) => new URL(url).hostname)),
]

const challengeOf = (realm: string) => ({ 'www-authenticate': `Bearer realm="${realm}",service="x"` })
const UNAUTHORIZED = '{"errors":[{"code":"UNAUTHORIZED"}]}'

describe('an upstream out there', () => {
  for (const target of INSIDE) {
    it(`does not make us ask ${target} for a token`, () =>
      withPublicUpstream({}, async (upstream, hub) => {
        hub.fault('manifest', { status: 401, headers: challengeOf(target), body: UNAUTHORIZED, times: 5 })
        await failsWith(upstream.manifest('a', ref('1')), 'forbidden')
        assert.deepEqual(hostsOf(hub), [REGISTRY])
      }))

    it(`does not make us follow a redirect to ${target}`, () =>
      withPublicUpstream({}, async (upstream, hub) => {
        for (const [kind, ask] of [
          ['manifest', () => upstream.manifest('a', ref('1'))],
          ['manifestHead', () => upstream.resolve('a', ref('1'))],
          ['blob', () => upstream.blob('a', DIGEST)],
          ['blobHead', () => upstream.stat('a', DIGEST)],
          ['tags', () => upstream.tags('a')],
        ] as const) {
          hub.fault(kind, { status: 307, headers: { location: target }, times: 5 })
          await failsWith(ask(), 'forbidden')
        }
        assert.deepEqual(hostsOf(hub), [REGISTRY])
      }))
  }

  const ELSEWHERE = [
    'http://collector.test/token',
    `http://${REGISTRY}.collector.test/token`,
    `http://${REGISTRY}@collector.test/token`,
    'http://other.test/token?next=registry.example',
  ] as const

  for (const realm of ELSEWHERE)
    it(`does not get our password sent to ${realm}`, () =>
      withPublicUpstream(ALICE, async (upstream, hub) => {
        hub.fault('manifest', { status: 401, headers: challengeOf(realm), body: UNAUTHORIZED, times: 5 })
        const error = await failsWith(upstream.manifest('a', ref('1')), 'forbidden')
        assert.doesNotMatch(error.message, new RegExp(ALICE.password))
        assert.deepEqual(hostsOf(hub), [REGISTRY])
        assert.ok(hub.requests.every(({ headers }) => headers.authorization === undefined))
      }))

  it('does not get our password sent where its token service redirects to', () =>
    withPublicUpstream(ALICE, async (upstream, hub) => {
      hub.fault('manifest', {
        status: 401,
        headers: challengeOf(`http://${REGISTRY}/token`),
        body: UNAUTHORIZED,
        times: 5,
      })
      hub.fault('token', { status: 307, headers: { location: 'http://collector.test/token' } })
      await upstream.manifest('a', ref('1')).catch(() => {})
      const sent = hub.requests.filter(({ headers }) => headers.authorization !== undefined)
      assert.ok(sent.length > 0)
      assert.ok(sent.every(({ url }) => new URL(url).hostname === REGISTRY))
    }))
})

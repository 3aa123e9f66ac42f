import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { stateOf, type UpstreamState } from '../../src/admin/upstream-state.ts'
import type { UpstreamHealth } from '../../src/upstream/upstream.ts'

const NOW_MS = 1_000_000

const WELL: UpstreamHealth = {
  isReachable: true,
  refusedCredentials: undefined,
  lastError: undefined,
  lastErrorAtMs: undefined,
  limitedUntilMs: undefined,
  rateLimit: undefined,
}

describe('the state of an upstream', () => {
  const cases: [what: string, health: Partial<UpstreamHealth>, state: UpstreamState][] = [
    ['was asked and answered', {}, 'well'],
    ['was not asked', { isReachable: undefined }, 'unknown'],
    ['does not answer', { isReachable: false, refusedCredentials: 'no' }, 'unwell'],
    ['is limited until later', { limitedUntilMs: NOW_MS + 1 }, 'limited'],
    ['was limited until now', { limitedUntilMs: NOW_MS }, 'well'],
    ['refuses our account', { refusedCredentials: 'no' }, 'refused'],
    ['is declared down', { outageUntilMs: NOW_MS + 1, isReachable: false }, 'outage'],
  ]
  for (const [what, health, state] of cases)
    it(`is ${state} where it ${what}`, () => {
      assert.equal(stateOf({ ...WELL, ...health }, NOW_MS), state)
    })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearestOf } from '../../src/config/nearest.ts'
import fc from '../support/fast-check.ts'

const KNOWN = ['addr', 'host', 'username', 'remoteurl', 'prefix']

test('the known word that was meant is found, and none where nothing is near', () => {
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['adr', 'addr'],
    ['addr', 'addr'],
    ['hosts', 'host'],
    ['remoteURL', 'remoteurl'],
    ['remote', 'remoteurl'],
    ['user', 'username'],
    ['REMOTURL', 'remoteurl'],
    ['zzz', undefined],
    ['u', undefined],
    ['', undefined],
    ['x'.repeat(1000), undefined],
  ]
  for (const [word, known] of rows) assert.equal(nearestOf(word, KNOWN), known, word)
})

test('one letter changed, left out or put in is forgiven', () => {
  const mistake = fc.record({
    word: fc.constantFrom(...KNOWN),
    at: fc.nat(9),
    letter: fc.constantFrom('', 'q', 'qx'),
    removed: fc.nat(1),
  })
  fc.assert(
    fc.property(mistake, ({ word, at, letter, removed }) => {
      const place = Math.min(at, word.length - 1)
      const wrong = word.slice(0, place) + letter.slice(0, 1) + word.slice(place + removed)
      assert.equal(nearestOf(wrong, [word, 'something else entirely']), word, wrong)
    }),
  )
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPlatform, parsePlatform } from '../../src/protocol/platform.ts'

describe('a platform as people write it', () => {
  it('has an operating system, an architecture, and perhaps a variant', () => {
    assert.deepEqual(parsePlatform('linux/amd64'), { os: 'linux', architecture: 'amd64' })
    assert.deepEqual(parsePlatform('linux/arm/v7'), { os: 'linux', architecture: 'arm', variant: 'v7' })
  })

  for (const text of ['', 'linux', 'linux/', '/amd64', 'linux/arm/v7/x', 'Linux/amd64', 'linux/amd64 '])
    it(`is not ${JSON.stringify(text)}`, () => {
      assert.equal(parsePlatform(text), undefined)
    })
})

describe('an entry of an index', () => {
  for (const [offered, wanted, isMeant] of [
    ['linux/amd64', 'linux/amd64', true],
    ['linux/amd64', 'linux/arm64', false],
    ['windows/amd64', 'linux/amd64', false],
    ['linux/arm64/v8', 'linux/arm64', true],
    ['linux/arm64', 'linux/arm64/v8', true],
    ['linux/arm/v6', 'linux/arm', true],
    ['linux/arm/v6', 'linux/arm/v7', false],
    ['linux/arm', 'linux/arm/v7', false],
    ['unknown/unknown', 'linux/amd64', false],
  ] as const)
    it(`for ${offered} is ${isMeant ? '' : 'not '}meant by ${wanted}`, () => {
      assert.equal(isPlatform(parsePlatform(offered)!, parsePlatform(wanted)!), isMeant)
    })
})

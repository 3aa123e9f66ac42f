import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  algorithmOf,
  createDigester,
  digestOf,
  encodedOf,
  finishDigest,
  isDigest,
  parseDigest,
} from '../../src/protocol/digest.ts'
import { RegistryError } from '../../src/protocol/error.ts'
import { anyText, digests } from '../support/arbitraries.ts'
import fc from '../support/fast-check.ts'
import { comesToAnEnd, HOSTILE_LENGTH, refusesAtMost } from '../support/hostile.ts'

const NOTHING = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const EMPTY_JSON = 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'
const HEX_64 = 'a'.repeat(64)
const HEX_128 = 'b'.repeat(128)

describe('a digest', () => {
  it('is an algorithm, a colon and the hash of the bytes in lower-case hex', () => {
    assert.equal(digestOf(''), NOTHING)
    assert.equal(digestOf('{}'), EMPTY_JSON)
    assert.equal(
      digestOf('', 'sha512'),
      'sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce' +
        '47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e',
    )
  })

  it('of sha256 has 64 hex digits, of sha512 it has 128', () => {
    for (const text of [`sha256:${HEX_64}`, `sha512:${HEX_128}`]) {
      assert.equal(parseDigest(text), text)
      assert.equal(isDigest(text), true)
    }
  })

  it('comes apart into its algorithm and its encoded part', () => {
    const short = parseDigest(`sha256:${HEX_64}`)
    const long = parseDigest(`sha512:${HEX_128}`)
    assert.deepEqual([algorithmOf(short), encodedOf(short)], ['sha256', HEX_64])
    assert.deepEqual([algorithmOf(long), encodedOf(long)], ['sha512', HEX_128])
  })

  const refused: [why: string, text: string][] = [
    ['empty', ''],
    ['without an algorithm', HEX_64],
    ['without a hash', 'sha256:'],
    ['not hex', 'sha256:baddigeststring'],
    ['in upper case', `sha256:${'A'.repeat(64)}`],
    ['of an algorithm in upper case', `SHA256:${HEX_64}`],
    ['one digit short', `sha256:${HEX_64.slice(1)}`],
    ['one digit long', `sha256:${HEX_64}a`],
    ['sha512 with the length of sha256', `sha512:${HEX_64}`],
    ['of an algorithm that is not registered', `sha384:${'a'.repeat(96)}`],
    ['of an algorithm that is not supported', `blake3:${HEX_64}`],
    ['of two algorithms', `sha256+b64u:${HEX_64}`],
    ['followed by a line feed', `sha256:${HEX_64}\n`],
    ['preceded by a blank', ` sha256:${HEX_64}`],
    ['percent-encoded', `sha256%3A${HEX_64}`],
    ['a path', `sha256:../../${'a'.repeat(58)}`],
  ]
  for (const [why, text] of refused)
    it(`that is ${why} is DIGEST_INVALID`, () => {
      assert.equal(isDigest(text), false)
      assert.throws(() => parseDigest(text), { code: 'DIGEST_INVALID', status: 400 })
    })

  it('hashed piece by piece is that of the whole', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), fc.constantFrom('sha256', 'sha512'), (pieces, algorithm) => {
        const hash = createDigester(algorithm)
        for (const piece of pieces) hash.update(piece)
        assert.equal(finishDigest(algorithm, hash), digestOf(Buffer.concat(pieces), algorithm))
      }),
    )
  })

  it('that was made is read again, and put together from its parts', () => {
    fc.assert(
      fc.property(digests, (digest) => {
        assert.equal(parseDigest(digest), digest)
        assert.equal(`${algorithmOf(digest)}:${encodedOf(digest)}`, digest)
      }),
    )
  })

  it('is not made of arbitrary text, which is refused and nothing worse', () => {
    fc.assert(fc.property(anyText, (text) => refusesAtMost(() => parseDigest(text))))
  })

  it('of a hostile length is refused without being repeated in the answer', () => {
    const text = `sha256:${'a'.repeat(HOSTILE_LENGTH)}`
    const refusal = comesToAnEnd(() => {
      try {
        return parseDigest(text)
      } catch (error) {
        return error
      }
    })
    assert.ok(refusal instanceof RegistryError)
    assert.ok(refusal.toBody().length < 1000)
  })
})

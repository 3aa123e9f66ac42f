import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { KeyRing } from '../../src/access/key-ring.ts'
import { openKeys, SIGN_FOR_MS } from '../../src/access/keys.ts'
import { TokenVerifier } from '../../src/access/token.ts'
import { parseTrustedKeys } from '../../src/access/trusted-keys.ts'

const START_MS = Date.UTC(2026, 0, 1)
const DAY_MS = 86_400_000

describe('the keys of the authorization service', () => {
  let base = ''
  let count = 0
  before(async () => {
    base = await mkdtemp(join(tmpdir(), 'entrepot-keys-'))
  })
  after(() => rm(base, { recursive: true }))

  const setUp = async () => {
    const folder = join(base, String(count++), 'keys')
    const clock = { nowMs: START_MS }
    const problems: string[] = []
    const open = () =>
      KeyRing.open({ folder, now: () => clock.nowMs, onProblem: (error) => problems.push(error.message) })
    const claims = () => ({
      iss: 'i',
      aud: 's',
      sub: 'alice',
      exp: Math.floor(clock.nowMs / 1000) + 300,
    })
    /** Whether a token is accepted by who trusts these keys. */
    const isGood = async (token: string, keys: Pick<KeyRing, 'current'>) => {
      const options = { issuer: 'i', service: 's', algorithms: [], keys, now: () => clock.nowMs }
      return (await new TokenVerifier(options).verify(token)).kind === 'valid'
    }
    return { folder, clock, problems, open, claims, isGood }
  }

  it('are made at the first start, readable by their owner alone, and found again at the next', async () => {
    const { folder, open, claims, isGood } = await setUp()
    const first = await open()
    const token = await first.sign(claims())
    assert.deepEqual((await readdir(folder)).sort(), [
      'refresh.key',
      'root.crt',
      'root.pem',
      `signing-${START_MS}.pem`,
    ])
    assert.equal((await stat(folder)).mode & 0o777, 0o700)
    for (const name of await readdir(folder))
      assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600, name)
    const second = await open()
    assert.ok(await isGood(token, second))
    assert.deepEqual(first.secretFor('x'), second.secretFor('x'))
    assert.notDeepEqual(first.secretFor('x'), first.secretFor('y'))
  })

  it('sign tokens that whoever trusts the root alone accepts, and whoever reads the JWK Set', async () => {
    const { folder, clock, open, claims, isGood } = await setUp()
    const ring = await open()
    const token = await ring.sign(claims())
    const bundle = await readFile(join(folder, 'root.crt'), 'utf8')
    const trusted = await parseTrustedKeys(bundle, undefined)
    assert.ok(await isGood(token, { current: async () => trusted }))
    const jwks = await ring.jwks()
    const options = { currentDate: new Date(clock.nowMs) }
    assert.equal((await jwtVerify(token, createLocalJWKSet(jwks), options)).payload.sub, 'alice')
    const text = JSON.stringify(jwks)
    assert.doesNotMatch(text, /"d":/)
    const published = await parseTrustedKeys(undefined, text)
    assert.ok(await isGood(token, { current: async () => published }))
  })

  it('change signers after a month without refusing a token, and forget the old one a day later', async () => {
    const { folder, clock, open, claims, isGood } = await setUp()
    const ring = await open()
    clock.nowMs += SIGN_FOR_MS - 1
    const old = await ring.sign(claims())
    clock.nowMs += 1
    const fresh = await ring.sign(claims())
    assert.notEqual(decodeProtectedHeader(old).kid, decodeProtectedHeader(fresh).kid)
    assert.ok((await isGood(old, ring)) && (await isGood(fresh, ring)))
    assert.equal((await ring.jwks()).keys.length, 2)
    clock.nowMs += DAY_MS
    assert.equal((await (await open()).jwks()).keys.length, 1)
    assert.equal((await readdir(folder)).filter((name) => name.startsWith('signing-')).length, 1)
  })

  it('make no certificate of a signer that outlives its use', async () => {
    const { folder } = await setUp()
    const { signer } = await openKeys(folder, START_MS)
    const { validTo } = new X509Certificate(signer.certificate)
    assert.equal(Date.parse(validTo), START_MS + SIGN_FOR_MS + DAY_MS)
  })

  it('go on signing while a new signer cannot be written, and say so', async () => {
    const { folder, clock, open, claims, isGood, problems } = await setUp()
    const ring = await open()
    await rm(folder, { recursive: true })
    await writeFile(folder, 'in the way')
    clock.nowMs += SIGN_FOR_MS
    for (let i = 0; i < 5; i++) assert.ok(await isGood(await ring.sign(claims()), ring))
    assert.equal(problems.length, 1)
    await rm(folder)
    clock.nowMs += 60_000
    await ring.sign(claims())
    assert.equal((await readdir(folder)).length, 4)
  })

  it('are one root and one secret for two processes that start at once', async () => {
    const { folder, open, claims, isGood } = await setUp()
    const rings = await Promise.all([open(), open(), open()])
    for (const ring of rings)
      for (const other of rings) assert.ok(await isGood(await ring.sign(claims()), other))
    assert.deepEqual(rings[0]?.secretFor('x'), rings[1]?.secretFor('x'))
    assert.deepEqual(
      (await readdir(folder)).filter(
        (name) => !/^(root\.(pem|crt)|refresh\.key|signing-\d+\.pem)$/.test(name),
      ),
      [],
    )
  })

  it('take no signer from the future, which a wrong clock made', async () => {
    const { folder } = await setUp()
    const future = await openKeys(folder, START_MS + 365 * DAY_MS)
    const made = await openKeys(folder, START_MS)
    assert.notEqual(made.signer.certificate, future.signer.certificate)
    const again = await openKeys(folder, START_MS + 1)
    assert.equal(again.signer.certificate, made.signer.certificate)
  })

  it('say which file is damaged', async () => {
    for (const [name, pattern] of [
      ['root.pem', /root\.pem does not hold/],
      ['refresh.key', /refresh\.key is damaged/],
      [`signing-${START_MS}.pem`, /signing-\d+\.pem does not hold/],
    ] as const) {
      const { folder, open } = await setUp()
      await open()
      await chmod(join(folder, name), 0o600)
      await writeFile(join(folder, name), 'nonsense')
      await assert.rejects(open(), pattern)
    }
  })
})

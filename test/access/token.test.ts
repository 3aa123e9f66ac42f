import assert from 'node:assert/strict'
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  X509Certificate,
} from 'node:crypto'
import { before, describe, it } from 'node:test'
import { type JWTHeaderParameters, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { TokenVerifier } from '../../src/access/token.ts'
import { libtrustId, parseTrustedKeys, type TrustedKeys, thumbprint } from '../../src/access/trusted-keys.ts'
import { createAuthority, issueCertificate, type KeyedCertificate } from '../../src/certs/authority.ts'
import { signAs } from './support/certificates.ts'

const NOW_MS = Math.floor(Date.now() / 1000) * 1000
const NOW_S = NOW_MS / 1000
const VALIDITY = { days: 30, nowMs: NOW_MS }
const SUBJECT = { commonName: 'token signer', names: [] }
const ACCESS = [{ type: 'repository', name: 'team/app', actions: ['pull', 'push'] }]

const CLAIMS: JWTPayload = {
  iss: 'issuer.example',
  aud: 'registry.example',
  sub: 'alice',
  iat: NOW_S,
  nbf: NOW_S,
  exp: NOW_S + 300,
  access: ACCESS,
}

const derOf = (pem: string) => new X509Certificate(pem).raw.toString('base64')

describe('TokenVerifier', () => {
  let root: KeyedCertificate
  let signer: KeyedCertificate
  let key: KeyObject
  let keys: TrustedKeys
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const ed = generateKeyPairSync('ed25519')
  const secret = { kty: 'oct', kid: 'shared', k: Buffer.alloc(32, 7).toString('base64url') }

  before(async () => {
    root = await createAuthority('token root', 'ec', VALIDITY)
    signer = await issueCertificate(root, SUBJECT, 'ec', VALIDITY)
    key = createPrivateKey(signer.key)
    const jwks = {
      keys: [
        { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'rsa' },
        { ...ed.publicKey.export({ format: 'jwk' }), kid: 'ed' },
        secret,
      ],
    }
    keys = await parseTrustedKeys(root.certificate + signer.certificate, JSON.stringify(jwks))
  })

  const verifier = (given: Partial<{ keys: TrustedKeys; algorithms: string[]; nowMs: number }> = {}) =>
    new TokenVerifier({
      issuer: 'issuer.example',
      service: 'registry.example',
      algorithms: given.algorithms ?? [],
      keys: { current: async () => given.keys ?? keys },
      now: () => given.nowMs ?? NOW_MS,
    })

  const sign = (
    claims: JWTPayload = CLAIMS,
    header: Partial<JWTHeaderParameters> = {},
    by: KeyObject | Uint8Array = key,
  ) => {
    const x5c =
      header.kid === undefined && header.jwk === undefined ? { x5c: [derOf(signer.certificate)] } : {}
    return new SignJWT(claims).setProtectedHeader({ typ: 'JWT', alg: 'ES256', ...x5c, ...header }).sign(by)
  }

  const reasonOf = async (token: string, by = verifier()): Promise<string> => {
    const verdict = await by.verify(token)
    return verdict.kind === 'valid' ? assert.fail('it was accepted') : verdict.reason
  }

  const accepts = async (token: string, by = verifier()) => {
    const verdict = await by.verify(token)
    assert.equal(verdict.kind, 'valid', verdict.kind === 'invalid' ? verdict.reason : '')
    return verdict.kind === 'valid' ? verdict.identity : assert.fail()
  }

  describe('accepts', () => {
    it('a token whose x5c leads to the bundle, with its account and accesses', async () => {
      assert.deepEqual(await accepts(await sign()), { account: 'alice', granted: ACCESS })
    })

    it('a chain that ends at the root alone', async () => {
      const rootOnly = await parseTrustedKeys(root.certificate, undefined)
      await accepts(await sign(), verifier({ keys: rootOnly }))
      const whole = [derOf(signer.certificate), derOf(root.certificate)]
      await accepts(await sign(CLAIMS, { x5c: whole }), verifier({ keys: rootOnly }))
    })

    it('a key by RFC 7638 thumbprint, by libtrust id, and by a jwk that names one of them', async () => {
      const publicKey = createPublicKey(key)
      for (const kid of [await thumbprint(publicKey), libtrustId(publicKey)]) {
        await accepts(await sign(CLAIMS, { kid }))
        const jwk = { ...publicKey.export({ format: 'jwk' }), kid } as JWTHeaderParameters['jwk'] & object
        await accepts(await sign(CLAIMS, { jwk }))
      }
    })

    it('a jwk with a chain of its own', async () => {
      await accepts(await sign(CLAIMS, { jwk: { kty: 'EC', x5c: [derOf(signer.certificate)] } }))
    })

    for (const [alg, kid] of [
      ['RS256', 'rsa'],
      ['RS512', 'rsa'],
      ['PS256', 'rsa'],
      ['EdDSA', 'ed'],
    ] as const)
      it(`${alg} by a key of a JWK Set`, async () => {
        const by = kid === 'rsa' ? rsa.privateKey : ed.privateKey
        await accepts(await sign(CLAIMS, { kid, alg }, by))
      })

    it('HS256 by a key that is a shared secret', async () => {
      await accepts(await sign(CLAIMS, { kid: 'shared', alg: 'HS256' }, Buffer.alloc(32, 7)))
    })

    it('an audience among several, a minute of difference between clocks, no nbf, no subject, no access', async () => {
      await accepts(await sign({ ...CLAIMS, aud: ['other', 'registry.example'] }))
      await accepts(await sign({ ...CLAIMS, exp: NOW_S - 59 }))
      await accepts(await sign({ ...CLAIMS, nbf: NOW_S + 59 }))
      const { nbf, sub, access, ...bare } = CLAIMS
      assert.deepEqual(await accepts(await sign(bare)), { account: '', granted: [] })
    })

    it('accesses with a class, and leaves out what makes no sense', async () => {
      const access = [
        { type: 'repository(plugin)', name: 'a', actions: ['pull', 7] },
        null,
        'text',
        { type: 'repository', name: 'b' },
      ]
      const { granted } = await accepts(await sign({ ...CLAIMS, access }))
      assert.deepEqual(granted, [{ type: 'repository', name: 'a', actions: ['pull'] }])
    })
  })

  describe('refuses', () => {
    it('alg none', async () => {
      const unsigned = new UnsecuredJWT(CLAIMS).encode()
      assert.match(await reasonOf(unsigned), /names no key/)
      const [, payload] = unsigned.split('.')
      for (const alg of ['none', 'None', 'NONE']) {
        const header = Buffer.from(JSON.stringify({ alg, kid: 'rsa' })).toString('base64url')
        assert.match(await reasonOf(`${header}.${payload}.`), /algorithm/)
      }
    })

    it('HS256 with the public key for a secret, in each of its forms', async () => {
      for (const bytes of [
        rsa.publicKey.export({ type: 'spki', format: 'pem' }),
        rsa.publicKey.export({ type: 'spki', format: 'der' }),
        rsa.publicKey.export({ type: 'pkcs1', format: 'pem' }),
      ]) {
        const token = await sign(CLAIMS, { kid: 'rsa', alg: 'HS256' }, Buffer.from(bytes))
        assert.match(await reasonOf(token), /HS256 is not accepted for this key/)
      }
      const certificate = Buffer.from(signer.certificate)
      const token = await sign(CLAIMS, { alg: 'HS256', x5c: [derOf(signer.certificate)] }, certificate)
      assert.match(await reasonOf(token), /HS256 is not accepted/)
    })

    it('a signature by another key', async () => {
      const other = createPrivateKey((await issueCertificate(root, SUBJECT, 'ec', VALIDITY)).key)
      assert.match(await reasonOf(await sign(CLAIMS, {}, other)), /signature/)
    })

    it('a changed payload', async () => {
      const [header, , signature] = (await sign()).split('.')
      const payload = Buffer.from(JSON.stringify({ ...CLAIMS, sub: 'root' })).toString('base64url')
      assert.match(await reasonOf(`${header}.${payload}.${signature}`), /signature/)
    })

    it('a key that the token brings itself', async () => {
      const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const jwk = own.publicKey.export({ format: 'jwk' }) as { kty: string }
      assert.match(await reasonOf(await sign(CLAIMS, { jwk }, own.privateKey)), /names no key/)
      const kid = await thumbprint(createPublicKey(key))
      const claimed = { ...jwk, kid }
      assert.match(await reasonOf(await sign(CLAIMS, { jwk: claimed }, own.privateKey)), /signature/)
    })

    it('a certificate of another authority, though of the same name', async () => {
      const otherRoot = await createAuthority('token root', 'ec', VALIDITY)
      const other = await issueCertificate(otherRoot, SUBJECT, 'ec', VALIDITY)
      for (const x5c of [
        [derOf(other.certificate)],
        [derOf(other.certificate), derOf(otherRoot.certificate)],
        [derOf(other.certificate), derOf(root.certificate)],
      ])
        assert.match(
          await reasonOf(await sign(CLAIMS, { x5c }, createPrivateKey(other.key))),
          /does not end at a certificate that is trusted/,
        )
    })

    it('a certificate that a signer, who is no authority, has signed', async () => {
      const forged = await signAs(signer, VALIDITY)
      const x5c = [derOf(forged.certificate), derOf(signer.certificate)]
      assert.match(
        await reasonOf(await sign(CLAIMS, { x5c }, createPrivateKey(forged.key))),
        /does not end at/,
      )
    })

    it('a chain through an authority that may not have one below it', async () => {
      const between = await signAs(root, VALIDITY, { isAuthority: true })
      const leaf = await signAs(between, VALIDITY)
      const x5c = [derOf(leaf.certificate), derOf(between.certificate)]
      const token = await sign(CLAIMS, { x5c }, createPrivateKey(leaf.key))
      const rootOnly = await parseTrustedKeys(root.certificate, undefined)
      assert.match(await reasonOf(token, verifier({ keys: rootOnly })), /does not end at/)

      const wideRoot = await signAs(root, VALIDITY, { isAuthority: true, pathLength: 1 })
      const allowed = await signAs(wideRoot, VALIDITY, { isAuthority: true })
      const below = await signAs(allowed, VALIDITY)
      const good = [derOf(below.certificate), derOf(allowed.certificate)]
      const trusted = await parseTrustedKeys(wideRoot.certificate, undefined)
      await accepts(
        await sign(CLAIMS, { x5c: good }, createPrivateKey(below.key)),
        verifier({ keys: trusted }),
      )
    })

    it('a certificate that has expired, and one that is no certificate', async () => {
      const later = verifier({ nowMs: NOW_MS + 31 * 86_400_000 })
      const claims = { ...CLAIMS, exp: NOW_S + 32 * 86_400, nbf: NOW_S }
      assert.match(await reasonOf(await sign(claims), later), /not valid now/)
      for (const x5c of [[], ['AAAA'], Array(9).fill(derOf(signer.certificate)), [7], 'x'])
        await reasonOf(await sign(CLAIMS, { x5c: x5c as string[] }))
    })

    for (const [what, claims, reason] of [
      ['the audience of another registry', { aud: 'other.example' }, /aud/],
      ['no audience', { aud: undefined }, /aud/],
      ['another issuer', { iss: 'issuer.example.' }, /iss/],
      ['no issuer', { iss: undefined }, /iss/],
      ['an expiry in the past', { exp: NOW_S - 61 }, /exp/],
      ['no expiry', { exp: undefined }, /exp/],
      ['an expiry that is no number', { exp: '2999' }, /exp/],
      ['a beginning in the future', { nbf: NOW_S + 61 }, /nbf/],
      ['accesses that are no list', { access: { repository: '*' } }, /access/],
      ['accesses without end', { access: Array(1001).fill({}) }, /access/],
    ] as const)
      it(what, async () => {
        const given = { ...CLAIMS, ...claims } as JWTPayload
        assert.match(await reasonOf(await sign(JSON.parse(JSON.stringify(given)))), reason)
      })

    it('a token that is too long, before anything of it is looked at', async () => {
      assert.match(await reasonOf('x'.repeat(48 * 1024 + 1)), /too long/)
    })

    it('what is no token', async () => {
      for (const text of ['', '.', '..', 'a.b.c', 'e30.e30.', `${await sign()}.x`, (await sign()).slice(1)])
        await reasonOf(text)
    })

    it('an algorithm that is not on the list of those accepted', async () => {
      assert.match(await reasonOf(await sign(), verifier({ algorithms: ['RS256'] })), /ES256 is not accepted/)
      await accepts(await sign(), verifier({ algorithms: ['RS256', 'ES256'] }))
    })

    it('a header with a critical extension that nobody knows', async () => {
      const [, payload, signature] = (await sign()).split('.')
      const header = { alg: 'ES256', x5c: [derOf(signer.certificate)], crit: ['x'], x: 1 }
      const encoded = Buffer.from(JSON.stringify(header)).toString('base64url')
      await reasonOf(`${encoded}.${payload}.${signature}`)
    })
  })

  it('remembers a verified token no longer than it is valid', async () => {
    let nowMs = NOW_MS
    const remembering = new TokenVerifier({
      issuer: 'issuer.example',
      service: 'registry.example',
      algorithms: [],
      keys: { current: async () => keys },
      now: () => nowMs,
    })
    const token = await sign()
    await accepts(token, remembering)
    nowMs += 299_000
    await accepts(token, remembering)
    nowMs += 62_000
    assert.match(await reasonOf(token, remembering), /exp/)
    const late = await sign({ ...CLAIMS, exp: nowMs / 1000 - 30 })
    await accepts(late, remembering)
    nowMs += 3_600_000
    assert.match(await reasonOf(late, remembering), /exp/)
  })

  it('forgets verified tokens when the trusted keys change', async () => {
    let current = keys
    const reloading = new TokenVerifier({
      issuer: 'issuer.example',
      service: 'registry.example',
      algorithms: [],
      keys: { current: async () => current },
      now: () => NOW_MS,
    })
    const token = await sign()
    await accepts(token, reloading)
    current = await parseTrustedKeys(undefined, '{"keys":[]}')
    assert.match(await reasonOf(token, reloading), /names no key/)
  })
})

describe('parseTrustedKeys', () => {
  it('says what is wrong with a bundle or a set', async () => {
    await assert.rejects(parseTrustedKeys('nothing', undefined), /no certificate/)
    await assert.rejects(parseTrustedKeys(undefined, '{}'), /no JWK Set/)
    await assert.rejects(parseTrustedKeys(undefined, '{"keys":[{"kty":"oct","k":"AA"}]}'), /kid/)
    await assert.rejects(parseTrustedKeys(undefined, 'x'))
  })
})

describe('libtrustId', () => {
  it('is twelve groups of four letters of the hash of the public key', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const id = libtrustId(publicKey)
    assert.match(id, /^([A-Z2-7]{4}:){11}[A-Z2-7]{4}$/)
    const bits = [...id.replaceAll(':', '')]
      .map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
      .join('')
    const hash = createHash('sha256')
      .update(publicKey.export({ type: 'spki', format: 'der' }))
      .digest()
    const expected = [...hash.subarray(0, 30)].map((byte) => byte.toString(2).padStart(8, '0')).join('')
    assert.equal(bits, expected)
  })
})

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { decodeJwt, SignJWT } from 'jose'
import type { PasswordAnswer } from '../../src/access/accounts.ts'
import type { RefusedLogin } from '../../src/access/authenticate.ts'
import { TokenIssuer } from '../../src/access/issuer.ts'
import { KeyRing } from '../../src/access/key-ring.ts'
import { RefreshTokens } from '../../src/access/refresh-tokens.ts'
import { Rules } from '../../src/access/rules.ts'
import { TokenVerifier } from '../../src/access/token.ts'
import { formatIssuedToken, parseTokenForm, parseTokenQuery } from '../../src/access/token-request.ts'
import { RegistryError } from '../../src/protocol/error.ts'

const ADDRESS = '192.0.2.1'
const basic = (account: string, password: string) =>
  `Basic ${Buffer.from(`${account}:${password}`).toString('base64')}`

const RULES = [
  { who: ['anyone'], may: ['pull' as const], repositories: ['**'], content: ['mirrored' as const] },
  {
    who: ['alice'],
    may: ['pull' as const, 'push' as const, 'delete' as const],
    repositories: ['team/**'],
    content: ['local' as const],
  },
]

describe('TokenIssuer', () => {
  let folder = ''
  let keys: KeyRing
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'entrepot-issuer-'))
    keys = await KeyRing.open({ folder, onProblem: (error) => assert.fail(error) })
  })
  after(() => rm(folder, { recursive: true }))

  const setUp = () => {
    const clock = { nowMs: Date.now() }
    const now = () => clock.nowMs
    const passwords = new Map([['alice', 'secret']])
    const accounts = {
      error: undefined as RegistryError | undefined,
      async check(account: string, password: string): Promise<PasswordAnswer> {
        if (accounts.error !== undefined) return { kind: 'later', error: accounts.error }
        return { kind: passwords.get(account) === password ? 'right' : 'wrong' }
      },
      async stamp(account: string) {
        return passwords.get(account)
      },
    }
    const refused: RefusedLogin[] = []
    const secret = randomBytes(32)
    const refreshTokens = new RefreshTokens({ accounts, secret, service: 'registry', now })
    const issuer = new TokenIssuer({
      issuer: 'entrepot',
      service: 'registry',
      realm: 'tokens',
      accounts,
      refreshTokens,
      keys,
      now,
      policy: {
        rules: new Rules({ rules: RULES, groups: {}, hasAuth: true }),
        hasAuth: true,
        localPush: 'accounts',
      },
      onRefused: (login) => void refused.push(login),
      resolve: async (name, action) => {
        if (name === 'Bad') return undefined
        const isLocal = name.startsWith('team/') && (name !== 'team/new' || action === 'push')
        return { repository: name, content: isLocal ? 'local' : 'mirrored' }
      },
    })
    const verifier = new TokenVerifier({ issuer: 'entrepot', service: 'registry', algorithms: [], keys, now })
    const get = async (query: string, authorization?: string) =>
      issuer.issue(parseTokenQuery(new URLSearchParams(query), authorization), ADDRESS)
    const post = async (form: Record<string, string>) =>
      issuer.issue(parseTokenForm(new URLSearchParams({ service: 'registry', ...form })), ADDRESS)
    const identify = async (token: string) => {
      const verdict = await verifier.verify(token)
      return verdict.kind === 'valid' ? verdict.identity : assert.fail(verdict.reason)
    }
    return { clock, passwords, accounts, secret, refused, get, post, identify }
  }

  const refusalOf = async (promise: Promise<unknown>): Promise<RegistryError> => {
    const error = await promise.then(
      () => assert.fail('a token was made'),
      (thrown: unknown) => thrown,
    )
    assert.ok(error instanceof RegistryError, String(error))
    return error
  }

  const grant = (name: string, ...actions: string[]) => ({ type: 'repository', name, actions })

  describe('by GET', () => {
    it('makes a token with the account and what it may of what is asked', async () => {
      const { get, identify } = setUp()
      const issued = await get(
        'service=registry&scope=repository:team/app:pull,push&scope=repository:library/alpine:pull,push',
        basic('alice', 'secret'),
      )
      assert.deepEqual(await identify(issued.token), {
        account: 'alice',
        granted: [grant('team/app', 'pull', 'push'), grant('library/alpine', 'pull')],
      })
      assert.equal(issued.refreshToken, undefined)
    })

    it('gives anonymous what anonymous may, which may be nothing', async () => {
      const { get, identify } = setUp()
      const one = await get('service=registry&scope=repository:library/alpine:pull')
      assert.deepEqual(await identify(one.token), {
        account: '',
        granted: [grant('library/alpine', 'pull')],
      })
      const none = await get('service=registry&scope=repository:team/app:pull,push')
      assert.deepEqual((await identify(none.token)).granted, [])
    })

    for (const [what, scope, expected] of [
      [
        '* as every action that is allowed',
        'repository:team/app:*',
        [grant('team/app', 'pull', 'push', 'delete')],
      ],
      ['a deprecated class', 'repository(plugin):team/app:pull', [grant('team/app', 'pull')]],
      ['the catalog', 'registry:catalog:*', [{ type: 'registry', name: 'catalog', actions: ['*'] }]],
      [
        'several in one parameter, merged',
        'repository:team/a:pull repository:team/a:push',
        [grant('team/a', 'pull', 'push')],
      ],
      [
        'nothing of an unknown type, action or name',
        'volume:x:pull repository:team/a:admin repository:Bad:pull',
        [],
      ],
      ['nothing of the catalog by another action', 'registry:catalog:pull', []],
    ] as const)
      it(`grants ${what}`, async () => {
        const { get } = setUp()
        const { granted } = await get(`scope=${encodeURIComponent(scope)}`, basic('alice', 'secret'))
        assert.deepEqual(granted, expected)
      })

    it('grants with the first push to a name what that push will have made of it', async () => {
      const { post } = setUp()
      const password = { grant_type: 'password', username: 'alice', password: 'secret' }
      const { granted } = await post({ ...password, scope: 'repository:team/new:pull,push' })
      assert.deepEqual(granted, [grant('team/new', 'pull', 'push')])
    })

    it('tells of credentials that were of no use, except where anonymous suffices', async () => {
      const { get, post, accounts, refused } = setUp()
      await get('scope=repository:library/alpine:pull', basic('alice', 'wrong'))
      await refusalOf(get('', basic('alice', 'wrong')))
      await refusalOf(post({ grant_type: 'refresh_token', refresh_token: 'x' }))
      accounts.error = new RegistryError('TOOMANYREQUESTS')
      await refusalOf(get('', basic('alice', 'secret')))
      assert.deepEqual(refused, ['password', 'token', 'unchecked'])
    })

    it('refuses wrong credentials where nothing is asked, as `docker login` does', async () => {
      const { get } = setUp()
      for (const authorization of [basic('alice', 'wrong'), basic('nobody', 'x'), 'Nonsense', 'Bearer x']) {
        const error = await refusalOf(get('service=registry&offline_token=true', authorization))
        assert.equal(error.status, 401)
        assert.match(error.headers['WWW-Authenticate'] ?? '', /^Basic realm="/)
      }
    })

    it('takes wrong credentials for anonymous where only pulls that anonymous may do are asked', async () => {
      const { get, identify } = setUp()
      const hub = basic('someone', 'hub password')
      const issued = await get('service=registry&scope=repository:library/alpine:pull&account=someone', hub)
      assert.deepEqual(await identify(issued.token), {
        account: '',
        granted: [grant('library/alpine', 'pull')],
      })
      for (const scope of [
        'repository:library/alpine:pull,push',
        'repository:team/app:pull',
        'repository:library/alpine:pull repository:team/app:pull',
        'repository:library/alpine:',
        'registry:catalog:*',
      ])
        assert.equal((await refusalOf(get(`scope=${encodeURIComponent(scope)}`, hub))).status, 401, scope)
    })

    it('answers that a password could not be checked, unless anonymous suffices', async () => {
      const { get, accounts } = setUp()
      accounts.error = new RegistryError('TOOMANYREQUESTS')
      assert.equal((await refusalOf(get('', basic('alice', 'secret')))).status, 429)
      assert.ok(await get('scope=repository:library/alpine:pull', basic('alice', 'secret')))
    })

    it('makes no token for another registry', async () => {
      const { get } = setUp()
      const error = await refusalOf(get('service=other', basic('alice', 'secret')))
      assert.equal(error.status, 400)
      assert.match(error.message, /knows registry/)
    })

    it('refuses a request for more resources than any client asks', async () => {
      const { get } = setUp()
      const scopes = Array.from({ length: 101 }, (_, i) => `scope=repository:team/a${i}:pull`)
      assert.equal((await refusalOf(get(scopes.join('&')))).status, 400)
    })

    it('makes a token that is valid for five minutes from now, with an id of its own', async () => {
      const { get, clock } = setUp()
      const one = await get('', basic('alice', 'secret'))
      const two = await get('', basic('alice', 'secret'))
      const claims = decodeJwt(one.token)
      const nowS = Math.floor(clock.nowMs / 1000)
      assert.deepEqual(
        [claims.iss, claims.aud, claims.sub, claims.iat, claims.nbf, claims.exp],
        ['entrepot', 'registry', 'alice', nowS, nowS, nowS + 300],
      )
      assert.notEqual(claims.jti, decodeJwt(two.token).jti)
    })
  })

  describe('by POST', () => {
    it('takes a password, and gives a refresh token where it is asked for', async () => {
      const { post, identify } = setUp()
      const password = { grant_type: 'password', username: 'alice', password: 'secret' }
      const online = await post({ ...password, scope: 'repository:team/app:pull' })
      assert.equal(online.refreshToken, undefined)
      const offline = await post({ ...password, access_type: 'offline' })
      assert.equal((await identify(offline.token)).account, 'alice')
      assert.ok(offline.refreshToken)
      const error = await refusalOf(post({ ...password, password: 'wrong' }))
      assert.equal(error.status, 401)
    })

    it('refuses other grants with 400, on which containerd goes on by GET', async () => {
      const { post } = setUp()
      for (const grant_type of ['', 'authorization_code', 'client_credentials'])
        assert.equal((await refusalOf(post({ grant_type }))).status, 400)
    })
  })

  describe('a refresh token', () => {
    const refresh = (token: string, scope?: string) => ({
      grant_type: 'refresh_token',
      refresh_token: token,
      ...(scope && { scope }),
    })

    const logIn = async (given: ReturnType<typeof setUp>) =>
      (await given.get('offline_token=true', basic('alice', 'secret'))).refreshToken ?? assert.fail()

    it('gives tokens of its account without the password', async () => {
      const given = setUp()
      const token = await logIn(given)
      const issued = await given.post(refresh(token, 'repository:team/app:push'))
      assert.deepEqual(await given.identify(issued.token), {
        account: 'alice',
        granted: [grant('team/app', 'push')],
      })
    })

    it('is not made for anonymous', async () => {
      assert.equal((await setUp().get('offline_token=true')).refreshToken, undefined)
    })

    it('ends with the password, with the account, and after three months', async () => {
      for (const end of [
        ({ passwords }: ReturnType<typeof setUp>) => void passwords.set('alice', 'changed'),
        ({ passwords }: ReturnType<typeof setUp>) => void passwords.delete('alice'),
        ({ clock }: ReturnType<typeof setUp>) => {
          clock.nowMs += 90 * 86_400_000 + 1000
        },
      ]) {
        const given = setUp()
        const token = await logIn(given)
        end(given)
        assert.equal((await refusalOf(given.post(refresh(token)))).status, 401)
      }
    })

    it('is worth nothing at the registry itself', async () => {
      const given = setUp()
      const token = await logIn(given)
      await assert.rejects(given.identify(token))
    })

    it('that another made counts as anonymous for a pull that anonymous may do, and is 401 elsewhere', async () => {
      const given = setUp()
      const access = (await given.get('', basic('alice', 'secret'))).token
      const forged = await new SignJWT({ sub: 'alice', aud: 'registry', stamp: 'x' })
        .setProtectedHeader({ alg: 'HS256', typ: 'entrepot-refresh+jwt' })
        .setExpirationTime('1h')
        .sign(given.secret)
      for (const token of ['', 'x', 'x'.repeat(10_000), access, forged]) {
        const issued = await given.post(refresh(token, 'repository:library/alpine:pull'))
        assert.equal((await given.identify(issued.token)).account, '')
        assert.equal((await refusalOf(given.post(refresh(token)))).status, 401)
        assert.equal(
          (await refusalOf(given.post(refresh(token, 'repository:library/alpine:pull,push')))).status,
          401,
        )
      }
    })

    it('of another registry with the same accounts is none of ours', async () => {
      const given = setUp()
      const options = { accounts: given.accounts, secret: given.secret, now: () => given.clock.nowMs }
      const other = new RefreshTokens({ ...options, service: 'other' })
      const token = (await other.issue('alice')) ?? assert.fail()
      assert.equal((await refusalOf(given.post(refresh(token)))).status, 401)
    })
  })
})

describe('formatIssuedToken', () => {
  it('says the token under both names, a life of 60 seconds or more, and what was granted', () => {
    const body = JSON.parse(
      formatIssuedToken({
        account: 'alice',
        token: 't',
        expiresInS: 300,
        issuedAtMs: Date.UTC(2026, 0, 1),
        granted: [
          { type: 'repository', name: 'a/b', actions: ['pull', 'push'] },
          { type: 'registry', name: 'catalog', actions: ['*'] },
        ],
        refreshToken: 'r',
      }),
    )
    assert.deepEqual(body, {
      token: 't',
      access_token: 't',
      expires_in: 300,
      issued_at: '2026-01-01T00:00:00.000Z',
      scope: 'repository:a/b:pull,push registry:catalog:*',
      refresh_token: 'r',
    })
  })
})

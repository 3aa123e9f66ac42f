import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Authenticator, Identification } from '../../src/access/authenticate.ts'
import { Authorizer, actionsOf, type RequestedRepository } from '../../src/access/authorize.ts'
import { type Rule, Rules } from '../../src/access/rules.ts'
import { formatChallenge, formatScope, type Scope } from '../../src/protocol/challenge.ts'
import { RegistryError } from '../../src/protocol/error.ts'

const REQUEST = { origin: 'https://registry.example', address: '192.0.2.1' }

/** Knows `alice` by that word, and answers with a Bearer challenge. */
const authenticator = (granted?: Scope[]): Authenticator => ({
  identify: async (authorization): Promise<Identification> =>
    authorization === undefined
      ? { kind: 'anonymous' }
      : { kind: 'identified', identity: { account: authorization, granted } },
  challenge: (wanted, { origin }, error) =>
    formatChallenge('Bearer', {
      realm: `${origin}/token`,
      ...(wanted.length > 0 && { scope: wanted.map(formatScope).join(' ') }),
      ...(error && { error }),
    }),
})

const MIRROR: readonly Rule[] = [
  { who: ['anyone'], may: ['pull'], repositories: ['**'], content: ['mirrored'] },
  { who: ['alice'], may: ['pull', 'push'], repositories: ['team/**'], content: ['local'] },
]

const authorizer = (granted?: Scope[]) =>
  new Authorizer({
    authenticator: authenticator(granted),
    policy: {
      rules: new Rules({ rules: MIRROR, groups: {}, hasAuth: true }),
      hasAuth: true,
      localPush: 'accounts',
    },
  })

const repository = (
  name: string,
  content: 'mirrored' | 'local',
  isPublic: () => Promise<boolean> = async () => assert.fail('nothing hangs on it'),
): RequestedRepository => ({ scopeName: name, repository: name, content, isPublic })

const refusalOf = async (promise: Promise<unknown>): Promise<RegistryError> => {
  const error = await promise.then(
    () => assert.fail('it was let in'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof RegistryError, String(error))
  return error
}

describe('Authorizer', () => {
  it('answers 401 with the scopes of the request in one challenge and in the detail', async () => {
    const access = {
      kind: 'repository' as const,
      repository: repository('team/app', 'local'),
      actions: actionsOf('push'),
    }
    const error = await refusalOf(authorizer().authorize(access, undefined, REQUEST))
    assert.equal(error.status, 401)
    assert.equal(
      error.headers['WWW-Authenticate'],
      'Bearer realm="https://registry.example/token",scope="repository:team/app:pull,push"',
    )
    assert.deepEqual(error.detail, [
      { Type: 'repository', Class: '', Name: 'team/app', Action: 'pull' },
      { Type: 'repository', Class: '', Name: 'team/app', Action: 'push' },
    ])
  })

  it('challenges without a scope on /v2/, and with that of the catalog', async () => {
    const ping = await refusalOf(authorizer().authorize({ kind: 'ping' }, undefined, REQUEST))
    assert.equal(ping.headers['WWW-Authenticate'], 'Bearer realm="https://registry.example/token"')
    const catalog = await refusalOf(authorizer().authorize({ kind: 'catalog' }, undefined, REQUEST))
    assert.match(catalog.headers['WWW-Authenticate'] ?? '', /scope="registry:catalog:\*"/)
  })

  it('says insufficient_scope of a token that lacks the access', async () => {
    const access = {
      kind: 'repository' as const,
      repository: repository('team/app', 'local'),
      actions: actionsOf('pull'),
    }
    const error = await refusalOf(authorizer([]).authorize(access, 'alice', REQUEST))
    assert.match(error.headers['WWW-Authenticate'] ?? '', /error="insufficient_scope"$/)
  })

  it('answers 403 where no credentials of the account would help', async () => {
    const access = {
      kind: 'repository' as const,
      repository: repository('team/app', 'local'),
      actions: actionsOf('delete'),
    }
    const error = await refusalOf(authorizer().authorize(access, 'alice', REQUEST))
    assert.equal(error.code, 'DENIED')
    assert.equal(error.status, 403)
    assert.equal(error.headers['WWW-Authenticate'], undefined)
  })

  it('asks whether a repository is public only where the answer hangs on it', async () => {
    let probes = 0
    const answer = (isPublic: boolean) => async () => {
      probes++
      return isPublic
    }
    const pull = (isPublic: boolean) => ({
      kind: 'repository' as const,
      repository: repository('acme/x', 'mirrored', answer(isPublic)),
      actions: actionsOf('pull'),
    })
    assert.equal((await authorizer().authorize(pull(true), undefined, REQUEST)).identity.account, '')
    assert.equal(probes, 1)
    assert.equal((await refusalOf(authorizer().authorize(pull(false), undefined, REQUEST))).status, 401)
    assert.equal(probes, 2)
    const push = { ...pull(true), actions: actionsOf('push') }
    assert.equal((await refusalOf(authorizer().authorize(push, undefined, REQUEST))).status, 401)
    assert.equal(probes, 2)
  })

  describe('a mount', () => {
    const mount = (from: RequestedRepository) => ({
      kind: 'repository' as const,
      repository: repository('team/app', 'local'),
      actions: actionsOf('push'),
      mountFrom: from,
    })
    const grant = (name: string, ...actions: string[]) => ({ type: 'repository', name, actions })

    it('needs both accesses, and its challenge names both', async () => {
      const error = await refusalOf(
        authorizer().authorize(mount(repository('other/x', 'local')), undefined, REQUEST),
      )
      assert.match(
        error.headers['WWW-Authenticate'] ?? '',
        /scope="repository:team\/app:pull,push repository:other\/x:pull"/,
      )
    })

    it('is allowed from where the caller may pull, and begins a plain upload otherwise', async () => {
      const mayPull = async (from: RequestedRepository) =>
        (await authorizer().authorize(mount(from), 'alice', REQUEST)).mayPull(from)
      assert.equal(await mayPull(repository('team/base', 'local')), true)
      assert.equal(await mayPull(repository('library/alpine', 'mirrored', async () => true)), true)
      assert.equal(await mayPull(repository('acme/secret', 'mirrored', async () => false)), true)
      assert.equal(await mayPull(repository('other/x', 'local')), false)
    })

    it('asks for another token where that would help, and only there', async () => {
      const push = grant('team/app', 'pull', 'push')
      const authorize = (from: string, ...granted: Scope[]) =>
        authorizer(granted).authorize(mount(repository(from, 'local')), 'alice', REQUEST)
      const error = await refusalOf(authorize('team/base', push))
      assert.match(
        error.headers['WWW-Authenticate'] ?? '',
        /scope="repository:team\/app:pull,push repository:team\/base:pull",error="insufficient_scope"$/,
      )
      const both = await authorize('team/base', push, grant('team/base', 'pull'))
      assert.equal(await both.mayPull(repository('team/base', 'local')), true)
      assert.equal(await both.mayPull(repository('team/other', 'local')), false)
      const never = await authorize('other/x', push)
      assert.equal(await never.mayPull(repository('other/x', 'local')), false)
    })
  })

  it('shows in the catalog what the account may pull, whatever its token names', async () => {
    const catalog = { type: 'registry', name: 'catalog', actions: ['*'] }
    const { maySee } = await authorizer([catalog]).authorize({ kind: 'catalog' }, 'alice', REQUEST)
    assert.equal(await maySee(repository('team/app', 'local')), true)
    assert.equal(await maySee(repository('other/x', 'local')), false)
    assert.equal(await maySee(repository('acme/x', 'mirrored', async () => true)), true)
  })

  it('takes a failed probe for what it is: a failure of the request', async () => {
    const failing = repository('acme/x', 'mirrored', async () => {
      throw new Error('the disk is gone')
    })
    const access = { kind: 'repository' as const, repository: failing, actions: actionsOf('pull') }
    await assert.rejects(authorizer().authorize(access, undefined, REQUEST), /the disk is gone/)
  })
})

describe('actionsOf', () => {
  it('asks for the right to pull with that to push, as every client does', () => {
    assert.deepEqual(actionsOf('pull'), ['pull'])
    assert.deepEqual(actionsOf('push'), ['pull', 'push'])
    assert.deepEqual(actionsOf('delete'), ['delete'])
  })
})

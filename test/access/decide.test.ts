import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Identification } from '../../src/access/authenticate.ts'
import { covers, decide, type Policy, scopeOf, type Wanted } from '../../src/access/decide.ts'
import { type Action, type Rule, Rules } from '../../src/access/rules.ts'
import type { Scope } from '../../src/protocol/challenge.ts'
import { RegistryError } from '../../src/protocol/error.ts'

const ALL: readonly Action[] = ['pull', 'push', 'delete']

const MIRROR: readonly Rule[] = [
  { who: ['anyone'], may: ['pull'], repositories: ['**'], content: ['mirrored'] },
  { who: ['group:team'], may: ALL, repositories: ['team/**'], content: ['local'] },
  { who: ['accounts'], may: ['pull'], repositories: ['**'], content: ['mirrored', 'local', 'private'] },
]

const policy = (given: Partial<Policy> & { rules?: Rules } = {}): Policy => ({
  rules: new Rules({ rules: MIRROR, groups: { team: ['alice'] }, hasAuth: true }),
  hasAuth: true,
  localPush: 'accounts',
  ...given,
})

const RULES = policy()
const AUTH_ONLY = policy({ rules: new Rules({ rules: undefined, groups: {}, hasAuth: true }) })
const OPEN = policy({
  rules: new Rules({ rules: undefined, groups: {}, hasAuth: false }),
  hasAuth: false,
  localPush: 'off',
})

const wants = (
  repository: string,
  content: 'mirrored' | 'local',
  actions: readonly Action[],
  isPublic?: boolean,
): Wanted => ({
  scopeName: repository,
  repository,
  content,
  actions,
  isPublic: content === 'local' ? undefined : isPublic,
})

/** Every kind of thing that a route asks for. */
const ROUTES = {
  ping: 'ping',
  catalog: 'catalog',
  'pull of public': wants('library/alpine', 'mirrored', ['pull'], true),
  'pull of private': wants('acme/secret', 'mirrored', ['pull'], false),
  'pull of unprobed': wants('library/alpine', 'mirrored', ['pull']),
  'pull of local': wants('team/app', 'local', ['pull']),
  'push of local': wants('team/app', 'local', ['pull', 'push']),
  'delete of local': wants('team/app', 'local', ['delete']),
  'push of mirrored': wants('library/alpine', 'mirrored', ['pull', 'push'], true),
  'delete of mirrored': wants('library/alpine', 'mirrored', ['delete'], true),
} as const satisfies Record<string, Wanted>

type Route = keyof typeof ROUTES

const token = (account: string, ...granted: Scope[]): Identification => ({
  kind: 'identified',
  identity: { account, granted },
})
const grant = (name: string, ...actions: string[]): Scope => ({ type: 'repository', name, actions })
const CATALOG: Scope = { type: 'registry', name: 'catalog', actions: ['*'] }
const TOO_MANY = new RegistryError('TOOMANYREQUESTS')

/** Every kind of caller. */
const CALLERS = {
  nobody: { kind: 'anonymous' },
  'wrong password': { kind: 'refused', error: undefined, reason: 'wrong password' },
  'bad token': { kind: 'refused', error: 'invalid_token', reason: 'expired' },
  unchecked: { kind: 'unchecked', error: TOO_MANY },
  'alice (team)': { kind: 'identified', identity: { account: 'alice', granted: undefined } },
  'bob (account)': { kind: 'identified', identity: { account: 'bob', granted: undefined } },
  'empty token': token('alice'),
  'anonymous token': token('', grant('library/alpine', 'pull')),
  'alice, full token': token(
    'alice',
    grant('team/app', 'pull', 'push', 'delete'),
    grant('library/alpine', '*'),
    grant('acme/secret', 'pull'),
    CATALOG,
  ),
  'bob, full token': token(
    'bob',
    grant('team/app', '*'),
    grant('library/alpine', '*'),
    grant('acme/secret', '*'),
    CATALOG,
  ),
  'alice, other repository': token('alice', grant('team/app2', '*'), grant('team', '*')),
} as const satisfies Record<string, Identification>

type Caller = keyof typeof CALLERS

/** A decision in one word: an allowed caller by his account, `-` for anonymous. */
const word = (policy: Policy, caller: Caller, route: Route): string => {
  const decision = decide(policy, CALLERS[caller], ROUTES[route])
  switch (decision.kind) {
    case 'allow':
      return decision.identity.account || '-'
    case 'challenge':
      return decision.error === undefined ? '401' : decision.error
    case 'deny':
      return '403'
    case 'later':
      return String(decision.error.status)
    case 'probe':
      return 'probe'
  }
}

const table = (policy: Policy, rows: Record<Caller, Record<Route, string>>): void => {
  for (const [caller, row] of Object.entries(rows) as [Caller, Record<Route, string>][])
    for (const [route, expected] of Object.entries(row) as [Route, string][])
      it(`${caller}, ${route}: ${expected}`, () => {
        assert.equal(word(policy, caller, route), expected)
      })
}

const row = (...words: string[]): Record<Route, string> =>
  Object.fromEntries(Object.keys(ROUTES).map((route, i) => [route, words[i] ?? 'missing'])) as Record<
    Route,
    string
  >

const INV = 'invalid_token'
const INS = 'insufficient_scope'

describe('with rules that let anybody pull what is mirrored', () => {
  // in order: ping, catalog, pull of public, private, unprobed, local, push of local, delete of local, push and delete of mirrored
  table(RULES, {
    nobody: row('401', '401', '-', '401', 'probe', '401', '401', '401', '401', '401'),
    'wrong password': row('401', '401', '-', '401', 'probe', '401', '401', '401', '401', '401'),
    'bad token': row(INV, INV, '-', INV, 'probe', INV, INV, INV, INV, INV),
    unchecked: row('429', '429', '-', '429', 'probe', '429', '429', '429', '429', '429'),
    'alice (team)': row('alice', 'alice', 'alice', 'alice', 'alice', 'alice', 'alice', 'alice', '403', '403'),
    'bob (account)': row('bob', 'bob', 'bob', 'bob', 'bob', 'bob', '403', '403', '403', '403'),
    'empty token': row('alice', INS, 'alice', INS, 'probe', INS, INS, INS, '403', '403'),
    'anonymous token': row('-', INS, '-', INS, 'probe', INS, INS, INS, INS, INS),
    'alice, full token': row(
      'alice',
      'alice',
      'alice',
      'alice',
      'alice',
      'alice',
      'alice',
      'alice',
      '403',
      '403',
    ),
    'bob, full token': row('bob', 'bob', 'bob', 'bob', 'bob', 'bob', '403', '403', '403', '403'),
    'alice, other repository': row('alice', INS, 'alice', INS, 'probe', INS, INS, INS, '403', '403'),
  })
})

describe('with auth and no rules', () => {
  const everything = (who: string) => row(...Object.keys(ROUTES).map(() => who))
  table(AUTH_ONLY, {
    nobody: everything('401'),
    'wrong password': everything('401'),
    'bad token': everything(INV),
    unchecked: everything('429'),
    'alice (team)': everything('alice'),
    'bob (account)': everything('bob'),
    'empty token': row('alice', INS, INS, INS, INS, INS, INS, INS, INS, INS),
    'anonymous token': row('-', INS, '-', INS, '-', INS, INS, INS, INS, INS),
    'alice, full token': everything('alice'),
    'bob, full token': everything('bob'),
    'alice, other repository': row('alice', INS, INS, INS, INS, INS, INS, INS, INS, INS),
  })
})

describe('without auth', () => {
  for (const route of Object.keys(ROUTES) as Route[])
    it(`lets anybody: ${route}`, () => {
      assert.equal(word(OPEN, 'nobody', route), '-')
    })

  it('answers what the rules refuse with 403, since nobody can log in', () => {
    const rules = [
      {
        who: ['anyone'],
        may: ['pull' as const],
        repositories: ['library/*'],
        content: ['mirrored' as const],
      },
    ]
    const closed = { ...OPEN, rules: new Rules({ rules, groups: {}, hasAuth: false }) }
    assert.equal(word(closed, 'nobody', 'pull of private'), '403')
    assert.equal(word(closed, 'nobody', 'pull of unprobed'), '-', 'nothing is probed without auth')
    assert.equal(word(closed, 'nobody', 'push of local'), '403')
    assert.equal(word(closed, 'nobody', 'ping'), '-')
  })
})

describe('decide', () => {
  it('keeps anonymous from pushing where `local.push` is accounts, whatever the rules say', () => {
    const rules = new Rules({
      rules: [{ who: ['anyone'], may: ALL, repositories: ['**'], content: ['local'] }],
      groups: {},
      hasAuth: true,
    })
    for (const [localPush, expected] of [
      ['accounts', '401'],
      ['anyone', '-'],
    ] as const)
      assert.equal(word(policy({ rules, localPush }), 'nobody', 'push of local'), expected)
    assert.equal(word(policy({ rules, localPush: 'anyone' }), 'wrong password', 'push of local'), '401')
    assert.equal(word(policy({ rules, localPush: 'anyone' }), 'wrong password', 'pull of local'), '-')
  })

  it('never needs a probe for content that was pushed here', () => {
    for (const caller of Object.keys(CALLERS) as Caller[])
      assert.notEqual(word(RULES, caller, 'pull of local'), 'probe', caller)
  })

  it('names who may not what in a refusal', () => {
    const decision = decide(RULES, CALLERS['bob (account)'], ROUTES['push of local'])
    assert.deepEqual(decision, {
      kind: 'deny',
      reason: 'the access rules do not let bob pull and push team/app',
    })
  })
})

describe('covers', () => {
  it('adds up entries for one resource, and takes * for every action', () => {
    const scope = grant('a/b', 'pull', 'push')
    assert.equal(covers([grant('a/b', 'pull'), grant('a/b', 'push')], scope), true)
    assert.equal(covers([grant('a/b', '*')], scope), true)
    assert.equal(covers([grant('a/b', 'pull')], scope), false)
    assert.equal(covers([], undefined), true)
  })

  it('is exact in name and type', () => {
    const scope = grant('a/b', 'pull')
    for (const name of ['a', 'a/*', '*', 'a/b/c', 'A/b', ''])
      assert.equal(covers([grant(name, '*')], scope), false, name)
    assert.equal(covers([{ ...grant('a/b', '*'), type: 'registry' }], scope), false)
  })

  it('is asked with the scope of the route', () => {
    assert.equal(scopeOf('ping'), undefined)
    assert.deepEqual(scopeOf('catalog'), CATALOG)
    assert.deepEqual(scopeOf(ROUTES['push of local']), grant('team/app', 'pull', 'push'))
  })
})

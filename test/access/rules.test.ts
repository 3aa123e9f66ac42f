import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { describeRule, explain } from '../../src/access/explain.ts'
import { type Action, type Content, type Rule, Rules } from '../../src/access/rules.ts'
import fc from '../support/fast-check.ts'

/** A rule with the configuration's defaults. */
const rule = (given: Partial<Rule> & Pick<Rule, 'who'>): Rule => ({
  repositories: ['**'],
  content: ['mirrored', 'local'],
  ...given,
})

/** What `access: mirror` stands for. */
const MIRROR = [
  rule({ who: ['anyone'], may: ['pull'], content: ['mirrored'] }),
  rule({ who: ['accounts'], may: ['pull', 'push', 'delete'], content: ['mirrored', 'local', 'private'] }),
]

const ask = (
  rules: Rules,
  account: string,
  action: Action,
  repository: string,
  content: Content = 'local',
): boolean => rules.ask({ account, action, repository, content }).isAllowed

describe('Rules', () => {
  it('let everybody do everything without auth and without rules, and with auth every account', () => {
    const open = new Rules({ rules: undefined, groups: {}, hasAuth: false })
    const closed = new Rules({ rules: undefined, groups: {}, hasAuth: true })
    for (const action of ['pull', 'push', 'delete'] as const) {
      assert.equal(ask(open, '', action, 'a'), true)
      assert.equal(ask(closed, '', action, 'a'), false)
      assert.equal(ask(closed, 'alice', action, 'a'), true)
    }
  })

  it('mean by `mirror`: anyone pulls what is mirrored, accounts see and push what is local', () => {
    const rules = new Rules({ rules: MIRROR, groups: {}, hasAuth: true })
    for (const [account, action, content, isAllowed] of [
      ['', 'pull', 'mirrored', true],
      ['', 'pull', 'private', false],
      ['', 'pull', 'local', false],
      ['', 'push', 'mirrored', false],
      ['', 'push', 'local', false],
      ['', 'delete', 'mirrored', false],
      ['alice', 'pull', 'mirrored', true],
      ['alice', 'pull', 'private', true],
      ['alice', 'pull', 'local', true],
      ['alice', 'push', 'local', true],
      ['alice', 'delete', 'local', true],
      ['alice', 'delete', 'mirrored', true],
    ] as const)
      assert.equal(ask(rules, account, action, 'x', content), isAllowed, `${account} ${action} ${content}`)
  })

  it('are decided by the first that fits who, what and where; none fits: refused', () => {
    const rules = new Rules({
      rules: [
        rule({ who: ['bob'], maynot: ['push'], repositories: ['team/secret'] }),
        rule({ who: ['group:ops', 'ci'], may: ['pull', 'push'], repositories: ['team/**'] }),
        rule({ who: ['accounts'], may: ['pull'], repositories: ['team/*', 'lib'] }),
      ],
      groups: { ops: ['bob', 'carol'] },
      hasAuth: true,
    })
    for (const [account, action, repository, isAllowed] of [
      ['bob', 'push', 'team/secret', false],
      ['bob', 'pull', 'team/secret', true],
      ['bob', 'push', 'team/app', true],
      ['carol', 'push', 'team/secret', true],
      ['ci', 'push', 'team/a/b', true],
      ['dave', 'push', 'team/app', false],
      ['dave', 'pull', 'team/app', true],
      ['dave', 'pull', 'team/a/b', false],
      ['dave', 'pull', 'lib', true],
      ['dave', 'pull', 'library', false],
      ['bob', 'delete', 'team/app', false],
      ['', 'pull', 'lib', false],
    ] as const)
      assert.equal(ask(rules, account, action, repository), isAllowed, `${account} ${action} ${repository}`)
  })

  it('tell `anyone` from `anonymous`, but let every account do what anonymous may', () => {
    const rules = new Rules({
      rules: [
        rule({ who: ['bob'], maynot: ['pull'] }),
        rule({ who: ['anonymous'], may: ['pull'], repositories: ['a'] }),
        rule({ who: ['anyone'], may: ['pull'], repositories: ['b'] }),
      ],
      groups: {},
      hasAuth: true,
    })
    assert.equal(ask(rules, 'alice', 'pull', 'a'), true)
    assert.equal(ask(rules, 'bob', 'pull', 'a'), true, 'he could ask without his name')
    assert.equal(ask(rules, 'alice', 'pull', 'b'), true)
    assert.equal(ask(rules, '', 'pull', 'c'), false)
  })

  it('open private content to anonymous only by that word, and to accounts like mirrored content', () => {
    const open = rule({ who: ['anyone'], may: ['pull'] })
    const without = new Rules({ rules: [open], groups: {}, hasAuth: true })
    assert.equal(ask(without, '', 'pull', 'a', 'private'), false)
    assert.equal(ask(without, 'alice', 'pull', 'a', 'private'), true)
    const withWord = new Rules({ rules: [{ ...open, content: ['private'] }], groups: {}, hasAuth: true })
    assert.equal(ask(withWord, '', 'pull', 'a', 'private'), true)
    assert.equal(ask(withWord, '', 'pull', 'a', 'mirrored'), false)
  })

  it('close private content by a rule that closes mirrored content', () => {
    const rules = new Rules({
      rules: [
        rule({ who: ['anyone'], maynot: ['pull'], repositories: ['a'], content: ['mirrored'] }),
        rule({ who: ['anyone'], may: ['pull'], content: ['mirrored', 'private'] }),
      ],
      groups: {},
      hasAuth: true,
    })
    assert.equal(ask(rules, '', 'pull', 'a', 'private'), false)
    assert.equal(ask(rules, '', 'pull', 'b', 'private'), true)
  })

  it('never take a name for a group, a role or a property of an object', () => {
    const rules = new Rules({
      rules: [rule({ who: ['group:constructor', 'alice'], may: ['pull'] })],
      groups: {},
      hasAuth: true,
    })
    for (const account of ['constructor', 'anyone', 'accounts', 'group:constructor'])
      assert.equal(ask(rules, account, 'pull', 'a'), false, account)
    assert.equal(ask(rules, 'alice', 'pull', 'a'), true)
  })

  it('give an account at least what anonymous has, whatever the rules are', () => {
    const action = fc.constantFrom<Action>('pull', 'push', 'delete')
    const content = fc.constantFrom<Content>('mirrored', 'private', 'local')
    const who = fc.constantFrom('anyone', 'anonymous', 'accounts', 'alice', 'bob', 'group:g')
    const some = <T>(of: fc.Arbitrary<T>) => fc.uniqueArray(of, { minLength: 1, maxLength: 3 })
    const anyRule = fc
      .record({
        who: some(who),
        actions: some(action),
        opens: fc.boolean(),
        repositories: some(fc.constantFrom('a', '**', 'a/*', 'b')),
        content: some(content),
      })
      .map(({ actions, opens, ...rest }): Rule => ({ ...rest, [opens ? 'may' : 'maynot']: actions }))
    fc.assert(
      fc.property(
        fc.array(anyRule),
        action,
        content,
        fc.constantFrom('a', 'a/b', 'b', 'c'),
        (list, asked, kind, name) => {
          const rules = new Rules({ rules: list, groups: { g: ['bob'] }, hasAuth: true })
          const anonymous = ask(rules, '', asked, name, kind)
          for (const account of ['alice', 'bob'])
            assert.ok(!anonymous || ask(rules, account, asked, name, kind))
        },
      ),
    )
  })
})

describe('explain', () => {
  const sentence = (
    rules: Rule[] | undefined,
    hasAuth: boolean,
    account: string,
    action: Action,
    content: Content,
  ) => {
    const question = { account, action, repository: 'team/app', content }
    const answer = new Rules({ rules, groups: {}, hasAuth }).ask(question)
    return explain({ question, answer, rules, hasAuth })
  }

  it('says who may what, by which rule', () => {
    assert.equal(
      sentence(MIRROR, true, 'alice', 'push', 'local'),
      'alice may push team/app (local): rule 2 of access, {who: accounts, may: [pull, push, delete], repositories: **, content: [mirrored, local, private]}.',
    )
    assert.equal(
      sentence(MIRROR, true, 'alice', 'pull', 'mirrored'),
      'alice may pull team/app (mirrored): rule 1 of access, {who: anyone, may: pull, repositories: **, content: mirrored}, since what anonymous may do everybody may.',
    )
    assert.equal(
      sentence(MIRROR, true, '', 'pull', 'local'),
      'anonymous may not pull team/app (local): no rule of access fits, and what no rule allows is refused.',
    )
    assert.match(
      sentence([rule({ who: ['bob'], maynot: ['push'] })], true, 'bob', 'push', 'local'),
      /^bob may not push .*rule 1 of access, \{who: bob, maynot: push/,
    )
  })

  it('says what holds where there are no rules', () => {
    assert.match(sentence(undefined, true, '', 'pull', 'local'), /may not pull .*every account/)
    assert.match(sentence(undefined, false, '', 'push', 'local'), /may push .*neither access rules nor auth/)
  })

  it('writes a rule as the file has it', () => {
    assert.equal(
      describeRule(rule({ who: ['a', 'b'], maynot: ['delete'], repositories: ['x/*', 'y'] })),
      '{who: [a, b], maynot: delete, repositories: [x/*, y], content: [mirrored, local]}',
    )
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  accountNameProblem,
  bcryptCost,
  parseHtpasswd,
  removeAccount,
  setAccount,
} from '../../src/access/htpasswd-file.ts'
import fc from '../support/fast-check.ts'

const hashOf = (prefix: string) => `${prefix}${'abcdefghij'.repeat(5)}klm`
const HASH = hashOf('$2y$05$')
const OTHER = hashOf('$2b$10$')

describe('parseHtpasswd', () => {
  it('reads accounts with bcrypt hashes, and passes over comments, blank lines and spaces', () => {
    const text = `# people\n\nalice:${HASH}\r\n  bob:${OTHER}  \n   # the end\n`
    const { hashByAccount, unusable } = parseHtpasswd(text)
    assert.deepEqual(
      [...hashByAccount],
      [
        ['alice', HASH],
        ['bob', OTHER],
      ],
    )
    assert.deepEqual(unusable, [])
  })

  it('takes the last of two lines of one account', () => {
    assert.equal(parseHtpasswd(`a:${HASH}\na:${OTHER}\n`).hashByAccount.get('a'), OTHER)
    assert.equal(parseHtpasswd(`a:${HASH}\na:{SHA}x\n`).hashByAccount.get('a'), undefined)
  })

  for (const [hash, kind] of [
    ['$apr1$abc$def', /apr1/],
    ['{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=', /SHA-1/],
    ['$5$salt$x', /SHA-256/],
    ['$6$salt$x', /SHA-512/],
    ['rl.3StKT.4T8M', /crypt or plain text/],
    ['', /crypt or plain text/],
    [hashOf('$2x$10$'), /bcrypt/],
    [hashOf('$2y$31$'), /cost/],
    [`${HASH}x`, /damaged/],
  ] as const)
    it(`loads a line with "${hash.slice(0, 8)}" and names why nobody can log in with it`, () => {
      const { hashByAccount, unusable } = parseHtpasswd(`alice:${hash}\nbob:${HASH}\n`)
      assert.deepEqual([...hashByAccount.keys()], ['bob'])
      assert.equal(unusable[0]?.account, 'alice')
      assert.match(unusable[0]?.kind ?? '', kind)
    })

  it('names the line that is no account:hash', () => {
    assert.throws(() => parseHtpasswd(`# x\na:${HASH}\nno colon\n`), /line 3/)
    assert.throws(() => parseHtpasswd(`:${HASH}\n`), /line 1/)
  })

  it('says what a hash costs', () => {
    assert.equal(bcryptCost(HASH), 5)
    assert.equal(bcryptCost(hashOf('$2a$16$')), 16)
    assert.equal(bcryptCost(hashOf('$2a$17$')), undefined)
    assert.equal(bcryptCost('{SHA}x'), undefined)
  })
})

describe('editing an htpasswd file', () => {
  const text = `# people\nalice:${HASH}\r\n\nwhat is this\nbob:{SHA}x\nalice:${OTHER}`

  it('replaces an account in place, once, and keeps every other line', () => {
    assert.equal(setAccount(text, 'alice', OTHER), `# people\nalice:${OTHER}\r\n\nwhat is this\nbob:{SHA}x`)
  })

  it('adds an account on a line of its own, whether or not the last line is ended', () => {
    assert.equal(setAccount('', 'a', HASH), `a:${HASH}\n`)
    assert.equal(setAccount('b:x', 'a', HASH), `b:x\na:${HASH}\n`)
    assert.equal(setAccount('b:x\n', 'a', HASH), `b:x\na:${HASH}\n`)
  })

  it('removes every line of an account, and says where there is none', () => {
    assert.equal(removeAccount(text, 'alice'), '# people\n\nwhat is this\nbob:{SHA}x')
    assert.equal(removeAccount(text, 'ali'), undefined)
    assert.equal(removeAccount(text, '# people'), undefined)
  })

  it('changes what is read for that account and for no other', () => {
    const account = fc.constantFrom('a', 'b', 'cc', 'd.e@f')
    const line = fc.oneof(
      fc.constantFrom('', '# a:b', '  ', `a:${OTHER}`, ` b:${OTHER} `, 'cc:{SHA}x'),
      account.map((name) => `${name}:${OTHER}`),
    )
    fc.assert(
      fc.property(fc.array(line), account, (lines, name) => {
        const before = new Map(parseHtpasswd(lines.join('\n')).hashByAccount)
        const set = parseHtpasswd(setAccount(lines.join('\n'), name, HASH)).hashByAccount
        const removed = parseHtpasswd(removeAccount(lines.join('\n'), name) ?? lines.join('\n')).hashByAccount
        before.delete(name)
        assert.deepEqual(new Set(removed), new Set(before))
        assert.deepEqual(new Set(set), new Set(before.set(name, HASH)))
      }),
    )
  })

  it('refuses names that the file cannot hold', () => {
    for (const name of ['', 'a:b', '#a', ' a', 'a ', 'a\nb', 'a\u0000'])
      assert.notEqual(accountNameProblem(name), undefined, JSON.stringify(name))
    for (const name of ['a', 'alice@example.com', 'Jörg', 'ci bot'])
      assert.equal(accountNameProblem(name), undefined, name)
  })
})

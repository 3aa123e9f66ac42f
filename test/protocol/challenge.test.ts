import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type Challenge,
  formatChallenge,
  formatScope,
  parseChallenges,
  parseScopes,
  type Scope,
} from '../../src/protocol/challenge.ts'
import { anyText, httpTokens } from '../support/arbitraries.ts'
import fc from '../support/fast-check.ts'
import { comesToAnEnd, HOSTILE_LENGTH } from '../support/hostile.ts'

const bearer = (parameters: Record<string, string>): Challenge => ({ scheme: 'bearer', parameters })
const basic = (parameters: Record<string, string>): Challenge => ({ scheme: 'basic', parameters })

describe('WWW-Authenticate', () => {
  const table: [what: string, header: string | string[] | undefined, challenges: Challenge[]][] = [
    [
      'the challenge of a registry',
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/alpine:pull"',
      [
        bearer({
          realm: 'https://auth.docker.io/token',
          service: 'registry.docker.io',
          scope: 'repository:library/alpine:pull',
        }),
      ],
    ],
    [
      'several scopes, and an error',
      'Bearer realm="https://a/t",scope="repository:a/b:pull,push repository:c:pull",error="insufficient_scope"',
      [
        bearer({
          realm: 'https://a/t',
          scope: 'repository:a/b:pull,push repository:c:pull',
          error: 'insufficient_scope',
        }),
      ],
    ],
    ['Basic', 'Basic realm="Registry Realm"', [basic({ realm: 'Registry Realm' })]],
    ['no header', undefined, []],
    ['an empty header', '', []],
    ['a scheme alone', 'Negotiate', [{ scheme: 'negotiate', parameters: {} }]],
    ['names in any case', 'BEARER Realm="x",SERVICE="y"', [bearer({ realm: 'x', service: 'y' })]],
    [
      'values without quotes',
      'Bearer realm=https://a/t,service=b',
      [bearer({ realm: 'https://a/t', service: 'b' })],
    ],
    [
      'blanks after commas',
      'Bearer realm="x", service="y" ,  scope="z"',
      [bearer({ realm: 'x', service: 'y', scope: 'z' })],
    ],
    ['blanks around the equals sign', 'Bearer realm = "x"', [bearer({ realm: 'x' })]],
    ['an empty value', 'Bearer realm="x",service=""', [bearer({ realm: 'x', service: '' })]],
    ['escapes in quotes', String.raw`Basic realm="a \"b\" \\c"`, [basic({ realm: 'a "b" \\c' })]],
    ['commas and equals signs in quotes', 'Basic realm="a, b=c"', [basic({ realm: 'a, b=c' })]],
    [
      'two challenges in a line',
      'Bearer realm="x",service="y", Basic realm="z"',
      [bearer({ realm: 'x', service: 'y' }), basic({ realm: 'z' })],
    ],
    [
      'two challenges in two lines',
      ['Basic realm="z"', 'Bearer realm="x"'],
      [basic({ realm: 'z' }), bearer({ realm: 'x' })],
    ],
    ['empty elements of a list', ',,Bearer realm="x",,service="y",', [bearer({ realm: 'x', service: 'y' })]],
    [
      'a token68 before another challenge',
      'Negotiate YII/a+b==, Basic realm="z"',
      [{ scheme: 'negotiate', parameters: {} }, basic({ realm: 'z' })],
    ],
    ['a parameter given twice: the first counts', 'Bearer realm="x",realm="evil"', [bearer({ realm: 'x' })]],
    ['a parameter without a scheme: left out', 'realm="x"', []],
    [
      'a quote that is not closed: the rest is left out',
      'Bearer service="y",realm="x',
      [bearer({ service: 'y' })],
    ],
    ['what is no challenge: left out', 'Bearer realm="x",@@@,service="y"', [bearer({ realm: 'x' })]],
    ['a header that is too long: left out', `Basic realm="${'x'.repeat(9000)}"`, []],
  ]
  for (const [what, header, challenges] of table)
    it(`may hold ${what}`, () => {
      assert.deepEqual(parseChallenges(header), challenges)
    })

  it('is read by names that JavaScript has another meaning for, too', () => {
    const [challenge] = parseChallenges('Bearer constructor="a",__proto__="b",toString="c"')
    assert.deepEqual(Object.entries(challenge!.parameters), [
      ['constructor', 'a'],
      ['__proto__', 'b'],
      ['tostring', 'c'],
    ])
  })

  it('is written with quotes around every value and no blank after commas, as old clients need', () => {
    assert.equal(
      formatChallenge('Bearer', { realm: 'https://auth.example/token', service: 'a "b" \\c' }),
      String.raw`Bearer realm="https://auth.example/token",service="a \"b\" \\c"`,
    )
    assert.equal(formatChallenge('Negotiate', {}), 'Negotiate')
  })

  const challenges = fc.record(
    {
      scheme: httpTokens.map((token) => token.toLowerCase()),
      parameters: fc
        .uniqueArray(
          fc.tuple(
            httpTokens.map((token) => token.toLowerCase()),
            fc.string(),
          ),
          { selector: ([name]) => name, maxLength: 5 },
        )
        .map((entries): Record<string, string> => Object.fromEntries(entries)),
    },
    { noNullPrototype: true },
  )

  it('is read as it was written, several challenges in one line as well as in several', () => {
    fc.assert(
      fc.property(fc.array(challenges, { maxLength: 3 }), (written) => {
        const lines = written.map(({ scheme, parameters }) => formatChallenge(scheme, parameters))
        assert.deepEqual(parseChallenges(lines), written)
        assert.deepEqual(parseChallenges(lines.join(', ')), written)
      }),
    )
  })

  it('of arbitrary text never throws', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        for (const { parameters } of parseChallenges([text, `Bearer ${text}`, `Bearer a="${text}`]))
          for (const value of Object.values(parameters)) assert.equal(typeof value, 'string')
      }),
    )
  })

  it('of hostile lines is read at once', () => {
    const units = [
      ' ',
      ',',
      ' ,',
      'a',
      'a ',
      'a=',
      'a =',
      'a="',
      '"',
      '\\',
      '\\"',
      '=',
      'a=b ',
      'a b=c,',
      '/',
      'a/',
      '\t=',
    ]
    for (const unit of units)
      for (const start of ['', 'Bearer a="']) {
        const line = start + unit.repeat(8000 / unit.length)
        const lines = Array<string>(HOSTILE_LENGTH / 8000).fill(line)
        comesToAnEnd(() => parseChallenges([...lines, ...lines.map((each) => `${each}@`)]))
      }
  })
})

describe('a scope', () => {
  const table: [what: string, text: string, scopes: Scope[]][] = [
    [
      'one access',
      'repository:library/alpine:pull',
      [{ type: 'repository', name: 'library/alpine', actions: ['pull'] }],
    ],
    [
      'several actions',
      'repository:a:pull,push',
      [{ type: 'repository', name: 'a', actions: ['pull', 'push'] }],
    ],
    [
      'several accesses',
      'repository:a:pull  repository:b:push ',
      [
        { type: 'repository', name: 'a', actions: ['pull'] },
        { type: 'repository', name: 'b', actions: ['push'] },
      ],
    ],
    ['the catalog', 'registry:catalog:*', [{ type: 'registry', name: 'catalog', actions: ['*'] }]],
    [
      'a name with a port',
      'repository:localhost:5000/app:pull',
      [{ type: 'repository', name: 'localhost:5000/app', actions: ['pull'] }],
    ],
    [
      'a class, which means nothing any more',
      'repository(plugin):a:pull',
      [{ type: 'repository', name: 'a', actions: ['pull'] }],
    ],
    ['no action', 'repository:a:', [{ type: 'repository', name: 'a', actions: [] }]],
    ['nothing', '', []],
    ['no colon: left out', 'openid', []],
    ['one colon: left out', 'repository:a', []],
    ['no type: left out', ':a:pull', []],
    ['no type but a class: left out', '(plugin):a:pull', []],
    ['no name: left out', 'repository::pull', []],
  ]
  for (const [what, text, scopes] of table)
    it(`may hold ${what}`, () => {
      assert.deepEqual(parseScopes(text), scopes)
    })

  it('is read as it was written', () => {
    const scopes = fc.record(
      {
        type: fc.stringMatching(/^[a-z]{1,10}$/),
        name: fc.stringMatching(/^[a-z0-9/:.-]{1,20}$/),
        actions: fc.array(fc.constantFrom('pull', 'push', 'delete', '*')),
      },
      { noNullPrototype: true },
    )
    fc.assert(
      fc.property(fc.array(scopes), (written) => {
        assert.deepEqual(parseScopes(written.map(formatScope).join(' ')), written)
      }),
    )
  })

  it('of arbitrary text never throws', () => {
    fc.assert(fc.property(anyText, (text) => void parseScopes(text)))
  })

  it('of hostile length is read at once', () => {
    for (const unit of [' ', ':', '(', ')', '()', 'a', ',', 'a:b:c ', '(:'])
      for (const end of ['', ':b:c', '):b:c', '):b'])
        comesToAnEnd(() => parseScopes(unit.repeat(HOSTILE_LENGTH / unit.length) + end))
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DOCKERD } from '../../../src/commands/doctor/dockerd.ts'
import type { Mirror } from '../../../src/commands/doctor/mirror.ts'
import { filesOf, inShort, PEM, PLAIN, SECURE } from './files.ts'

const FILE = '/etc/docker/daemon.json'

const check = (mirror: Mirror, daemon: unknown, others: Record<string, string> = {}): string[] => {
  const text = typeof daemon === 'string' ? daemon : JSON.stringify(daemon)
  return inShort(DOCKERD.check(mirror, filesOf({ [FILE]: text, ...others }), FILE))
}

describe('the set-up of dockerd', () => {
  const fine = `ok: ${FILE} names http://mirror.example:5000 as the mirror of Docker Hub`

  it('is well as the doctor itself prints it', () => {
    for (const mirror of [PLAIN, SECURE]) {
      const text = /^\{.*\}$/m.exec(DOCKERD.steps(mirror))?.[0] ?? ''
      const [first] = check(mirror, text)
      assert.equal(first, `ok: ${FILE} names ${mirror.url} as the mirror of Docker Hub`)
    }
  })

  it('prints the authority only where there is one, and what plain HTTP needs', () => {
    assert.match(
      DOCKERD.steps(SECURE),
      /sudo cp \/certs\/ca\.crt \/etc\/docker\/certs\.d\/docker\.io\/ca\.crt/,
    )
    assert.doesNotMatch(DOCKERD.steps(PLAIN), /certs\.d/)
    assert.match(DOCKERD.steps(PLAIN), /docker pull mirror\.example:5000\/ghcr\.io\//)
    assert.match(DOCKERD.steps(PLAIN), /"insecure-registries": \["mirror\.example:5000"\]/)
    assert.doesNotMatch(DOCKERD.steps({ ...PLAIN, url: 'http://127.0.0.1:5000' }), /insecure-registries/)
  })

  const cases: [what: string, mirror: Mirror, daemon: unknown, findings: string[]][] = [
    [
      'the address',
      PLAIN,
      { 'registry-mirrors': ['http://mirror.example:5000/'] },
      [fine.replace('5000 ', '5000/ ')],
    ],
    [
      'another of its addresses',
      PLAIN,
      { 'registry-mirrors': ['http://LOCALHOST:5000'] },
      [fine.replace('mirror.example', 'LOCALHOST')],
    ],
    ['no mirror', PLAIN, {}, [`problem: ${FILE} has no registry-mirrors`]],
    [
      'no list',
      PLAIN,
      { 'registry-mirrors': 'http://x' },
      [`problem: registry-mirrors in ${FILE} is no list of texts`],
    ],
    ['no JSON', PLAIN, '{"registry-mirrors": [}', [`problem: ${FILE} is not JSON`]],
    [
      'other mirrors',
      PLAIN,
      { 'registry-mirrors': ['https://other.example'] },
      [`problem: none of the mirrors in ${FILE} is known to be this server: https://other.example`],
    ],
    [
      'another port',
      PLAIN,
      { 'registry-mirrors': ['http://mirror.example'] },
      [`problem: none of the mirrors in ${FILE} is known to be this server: http://mirror.example`],
    ],
    [
      'another before it',
      PLAIN,
      { 'registry-mirrors': ['https://other.example', 'http://mirror.example:5000'] },
      [`warning: http://mirror.example:5000 is mirror 2 in ${FILE}`],
    ],
    [
      'TLS where there is none',
      PLAIN,
      { 'registry-mirrors': ['https://mirror.example:5000'] },
      [`problem: ${FILE} says https://mirror.example:5000, but this server speaks plain HTTP`],
    ],
    [
      'no scheme',
      PLAIN,
      { 'registry-mirrors': ['mirror.example:5000'] },
      [
        'problem: the mirror mirror.example:5000 begins with neither http:// nor https://',
        fine.replace('http://', ''),
      ],
    ],
    [
      'a path',
      PLAIN,
      { 'registry-mirrors': ['http://mirror.example:5000/docker.io'] },
      [
        'problem: the mirror http://mirror.example:5000/docker.io has more than a host and a port',
        fine.replace('5000 ', '5000/docker.io '),
      ],
    ],
    [
      'a mirror of something else than Docker Hub',
      { ...PLAIN, registries: [{ name: 'ghcr.io', hosts: ['ghcr.io'], isDefault: true }] },
      { 'registry-mirrors': ['http://mirror.example:5000'] },
      [fine, 'warning: the default upstream of this server is not Docker Hub, but dockerd takes it for that'],
    ],
  ]
  for (const [what, mirror, daemon, findings] of cases)
    it(`with ${what}`, () => assert.deepEqual(check(mirror, daemon), findings))

  it('without a file', () => {
    const [finding] = DOCKERD.check(PLAIN, filesOf({}), FILE)
    assert.equal(finding?.level, 'problem')
    assert.match(
      finding?.remedy ?? '',
      /^write \{ "registry-mirrors": \["http:\/\/mirror\.example:5000"\] \}/,
    )
  })

  it('trusts the authority from its own folders, the system’s store, or not at all', () => {
    const daemon = { 'registry-mirrors': [SECURE.url] }
    const trust = (others: Record<string, string>, more = {}) =>
      check(SECURE, { ...daemon, ...more }, others)[1]
    const distrust = 'problem: nothing on this host trusts the authority of the mirror (/certs/ca.crt)'
    assert.equal(trust({}), distrust)
    const own = '/etc/docker/certs.d/mirror.example:5000/ca.crt'
    assert.equal(trust({ [own]: PEM.replaceAll('\n', '\r\n') }), `ok: ${own} has the authority of the mirror`)
    assert.equal(trust({ [own]: PEM.replace('QXV0', 'xxxx') }), distrust)
    const bundle = '/etc/ssl/certs/ca-certificates.crt'
    assert.equal(trust({ [bundle]: `# all\n${PEM}` }), `ok: ${bundle} has the authority of the mirror`)
    assert.equal(trust({}, { 'insecure-registries': ['mirror.example:5000'] }), undefined)
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Mirror } from '../../../src/commands/doctor/mirror.ts'
import { PODMAN } from '../../../src/commands/doctor/podman.ts'
import { filesOf, inShort, PEM, PLAIN, SECURE } from './files.ts'

const FILE = '/etc/containers/registries.conf'
const OWN = '/etc/containers/registries.conf.d/mirror.conf'

const ONE: Mirror = { ...PLAIN, registries: PLAIN.registries.slice(0, 1) }

const check = (mirror: Mirror, files: Record<string, string>): string[] =>
  inShort(PODMAN.check(mirror, filesOf(files), FILE))

const mirrorOf = (registry: string, location: string, more = 'insecure = true'): string =>
  `[[registry]]\nlocation = "${registry}"\n[[registry.mirror]]\nlocation = "${location}"\n${more}\n`

describe('the set-up of podman', () => {
  it('is well as the doctor itself prints it, for every upstream', () => {
    const printed = (mirror: Mirror) => PODMAN.steps(mirror).replace(/^sudo.*$/gm, '')
    assert.deepEqual(check(PLAIN, { [OWN]: printed(PLAIN) }), [
      `ok: ${OWN} names mirror.example:5000/docker.io as the mirror of docker.io`,
      `ok: ${OWN} names mirror.example:5000/ghcr.io as the mirror of ghcr.io`,
    ])
    const certificate = '/etc/containers/certs.d/mirror.example:5000/ca.crt'
    assert.match(PODMAN.steps(SECURE), new RegExp(`sudo cp /certs/ca.crt ${certificate}`))
    const secure = { [OWN]: printed(SECURE) }
    assert.match(check(SECURE, secure)[2] ?? '', /^problem: nothing on this host trusts/)
    assert.match(check(SECURE, { ...secure, [certificate]: PEM })[2] ?? '', /^ok: .* has the authority/)
  })

  const here = 'mirror.example:5000/docker.io'
  const cases: [what: string, toml: string, finding: string][] = [
    [
      'a bare address, which is the default upstream',
      mirrorOf('docker.io', 'localhost:5000'),
      `ok: ${OWN} names localhost:5000 as the mirror of docker.io`,
    ],
    [
      'plain HTTP that is not allowed',
      mirrorOf('docker.io', here, ''),
      `problem: ${here} in ${OWN} lacks insecure = true, and this server speaks plain HTTP`,
    ],
    [
      'another mirror',
      mirrorOf('docker.io', 'other.example'),
      `problem: no mirror of docker.io in ${OWN} is known to be this server: other.example`,
    ],
    [
      'an upstream that is none',
      mirrorOf('docker.io', 'mirror.example:5000/hub'),
      `problem: mirror.example:5000/hub in ${OWN} is none of the upstreams of this server`,
    ],
    [
      'digests only',
      mirrorOf('docker.io', here, 'insecure = true\npull-from-mirror = "digest-only"'),
      `warning: ${here} in ${OWN} is asked for digests only`,
    ],
    [
      'another before it',
      mirrorOf('docker.io', 'other.example').concat(
        `[[registry.mirror]]\nlocation = "${here}"\ninsecure = true`,
      ),
      `warning: ${here} is mirror 2 in ${OWN}`,
    ],
    [
      'the registry left out',
      mirrorOf('quay.io', here),
      'problem: registries.conf says nothing of docker.io, so podman pulls from there itself',
    ],
    [
      'the old form',
      '[registries.search]\nregistries = ["docker.io"]',
      `problem: ${OWN} is of the old form ([registries.…]), which knows no mirrors`,
    ],
    ['no TOML', '[[registry]', `problem: ${OWN} is not TOML`],
  ]
  for (const [what, toml, finding] of cases)
    it(`with ${what}`, () => assert.equal(check(ONE, { [OWN]: toml })[0], finding))

  it('goes by the file that is read last', () => {
    const files = { [FILE]: mirrorOf('docker.io', 'other.example'), [OWN]: mirrorOf('docker.io', here) }
    assert.deepEqual(check(ONE, files), [`ok: ${OWN} names ${here} as the mirror of docker.io`])
  })

  it('finds that a bare address cannot stand for another upstream', () => {
    const two = mirrorOf('docker.io', here) + mirrorOf('ghcr.io', 'mirror.example:5000')
    assert.equal(
      check(PLAIN, { [OWN]: two })[1],
      `problem: mirror.example:5000 in ${OWN} stands for the default upstream, not for ghcr.io`,
    )
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CONTAINERD } from '../../../src/commands/doctor/containerd.ts'
import type { Mirror } from '../../../src/commands/doctor/mirror.ts'
import { filesOf, inShort, PEM, PLAIN, SECURE } from './files.ts'

const FOLDER = '/etc/containerd/certs.d'
const HUB = `${FOLDER}/docker.io/hosts.toml`
const MAIN = '/etc/containerd/config.toml'

const ONE: Mirror = { ...PLAIN, registries: PLAIN.registries.slice(0, 1) }
const HOST = '[host."http://mirror.example:5000"]'

const check = (mirror: Mirror, files: Record<string, string>): string[] =>
  inShort(CONTAINERD.check(mirror, filesOf(files), FOLDER))

describe('the set-up of containerd', () => {
  it('is well as the doctor itself prints it, for every upstream', () => {
    for (const mirror of [PLAIN, SECURE]) {
      const parts = CONTAINERD.steps(mirror)
        .split(/^# (\S+hosts\.toml).*\n/m)
        .slice(1)
      const files = { [parts[0] ?? '']: parts[1] ?? '', [parts[2] ?? '']: parts[3] ?? '' }
      assert.deepEqual(check(mirror, files), [
        `ok: ${HUB} names ${mirror.url}`,
        `ok: ${FOLDER}/ghcr.io/hosts.toml names ${mirror.url}`,
      ])
    }
  })

  const cases: [what: string, toml: string, findings: string[]][] = [
    ['no capabilities, which means all', HOST, [`ok: ${HUB} names http://mirror.example:5000`]],
    [
      'a mirror that may not resolve',
      `${HOST}\ncapabilities = ["pull"]`,
      [`problem: http://mirror.example:5000 in ${HUB} may not resolve`],
    ],
    [
      'the wrong scheme',
      '[host."https://mirror.example:5000"]\nskip_verify = true',
      [`problem: ${HUB} says https://mirror.example:5000, but this server speaks plain HTTP`],
    ],
    [
      'other hosts only',
      '[host."https://other.example"]',
      [`problem: no host in ${HUB} is known to be this server: https://other.example`],
    ],
    [
      'another host before it',
      `[host."https://other.example"]\n${HOST}`,
      [`warning: http://mirror.example:5000 is host 2 in ${HUB}`],
    ],
    [
      'override_path',
      `${HOST}\noverride_path = true`,
      [
        `ok: ${HUB} names http://mirror.example:5000`,
        `problem: http://mirror.example:5000 in ${HUB} has override_path`,
      ],
    ],
    ['no TOML', '[host', [`problem: ${HUB} is not TOML`]],
  ]
  for (const [what, toml, findings] of cases)
    it(`with ${what}`, () => assert.deepEqual(check(ONE, { [HUB]: toml }), findings))

  it('without a file goes to the registry itself, unless there is one for all', () => {
    assert.deepEqual(check(ONE, {}), [
      `problem: there is no ${HUB}, so containerd pulls from docker.io itself`,
    ])
    const all = `${FOLDER}/_default/hosts.toml`
    assert.deepEqual(check(ONE, { [all]: HOST }), [`ok: ${all} names http://mirror.example:5000`])
  })

  it('by TLS needs the authority to be named, or trusted by the system', () => {
    const toml = '[host."https://mirror.example:5000"]'
    const mirror = { ...SECURE, registries: ONE.registries }
    const level = (files: Record<string, string>) =>
      CONTAINERD.check(mirror, filesOf(files), FOLDER).map((each) => each.level)
    assert.deepEqual(level({ [HUB]: toml }), ['ok', 'problem'])
    assert.deepEqual(level({ [HUB]: toml, [`${FOLDER}/docker.io/ca.crt`]: PEM }), ['ok', 'problem'])
    assert.deepEqual(level({ [HUB]: `${toml}\nca = "/x"` }), ['ok'])
    assert.deepEqual(level({ [HUB]: toml, '/etc/ssl/certs/ca-certificates.crt': PEM }), ['ok', 'ok'])
  })

  const mains: [what: string, toml: string, finding: string][] = [
    [
      'looks into the folder',
      `[plugins."io.containerd.cri.v1.images".registry]\nconfig_path = "/x:${FOLDER}"`,
      `ok: ${MAIN} looks into ${FOLDER}`,
    ],
    ['looks nowhere', 'version = 2', `warning: ${MAIN} has no config_path`],
    [
      'looks elsewhere',
      '[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/x"',
      `warning: ${MAIN} looks into /x, not into ${FOLDER}`,
    ],
    [
      'has mirrors of the old kind',
      '[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]\nendpoint = ["http://x"]',
      `problem: ${MAIN} has registry.mirrors, beside which config_path counts for nothing`,
    ],
    ['is no TOML', 'x', `problem: ${MAIN} is not TOML`],
  ]
  for (const [what, toml, finding] of mains)
    it(`with a containerd that ${what}`, () =>
      assert.equal(check(ONE, { [MAIN]: toml, [HUB]: HOST })[0], finding))
})

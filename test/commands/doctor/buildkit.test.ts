import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BUILDKIT } from '../../../src/commands/doctor/buildkit.ts'
import type { Mirror } from '../../../src/commands/doctor/mirror.ts'
import { filesOf, inShort, PLAIN, SECURE } from './files.ts'

const FILE = '/etc/buildkit/buildkitd.toml'

const check = (mirror: Mirror, text?: string): string[] =>
  inShort(BUILDKIT.check(mirror, filesOf(text === undefined ? {} : { [FILE]: text }), FILE))

describe('the set-up of BuildKit', () => {
  it('is well as the doctor itself prints it', () => {
    for (const mirror of [PLAIN, SECURE])
      assert.deepEqual(check(mirror, BUILDKIT.steps(mirror).replace(/^sudo.*$/m, '')), [
        `ok: ${FILE} names mirror.example:5000 as a mirror of docker.io`,
        `ok: ${FILE} names mirror.example:5000 as a mirror of ghcr.io`,
      ])
  })

  const named = '[registry."docker.io"]\nmirrors = ["mirror.example:5000"]\n'
  const cases: [what: string, mirror: Mirror, text: string | undefined, finding: string][] = [
    ['no file', PLAIN, undefined, `problem: there is no ${FILE}`],
    ['no TOML', PLAIN, '[', `problem: ${FILE} is not TOML`],
    ['no mirror', PLAIN, '', `problem: ${FILE} does not name this server as a mirror of docker.io`],
    [
      'no word of plain HTTP',
      PLAIN,
      named,
      `problem: ${FILE} does not say that mirror.example:5000 speaks plain HTTP`,
    ],
    ['no authority', SECURE, named, `problem: ${FILE} names no ca for mirror.example:5000`],
  ]
  for (const [what, mirror, text, finding] of cases)
    it(`with ${what}`, () => assert.equal(check(mirror, text)[0], finding))
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseToml } from '../../../src/commands/doctor/toml.ts'
import fc from '../../support/fast-check.ts'

const read = (text: string): unknown => JSON.parse(JSON.stringify(parseToml(text)))

describe('TOML', () => {
  const documents: [what: string, text: string, value: unknown][] = [
    ['nothing', '\n# only a comment', {}],
    [
      "containerd's hosts",
      'server = "https://registry-1.docker.io" # itself\n\n[host."http://127.0.0.1:5000"]\n  capabilities = ["pull", "resolve"]\n  skip_verify = true\n',
      {
        server: 'https://registry-1.docker.io',
        host: { 'http://127.0.0.1:5000': { capabilities: ['pull', 'resolve'], skip_verify: true } },
      },
    ],
    [
      "podman's registries",
      '[[registry]]\nprefix = "docker.io"\n[[registry.mirror]]\nlocation = "a"\n[[registry.mirror]]\nlocation = \'b\'\r\n[[registry]]\nprefix="x"',
      {
        registry: [{ prefix: 'docker.io', mirror: [{ location: 'a' }, { location: 'b' }] }, { prefix: 'x' }],
      },
    ],
    [
      "containerd's plugins",
      'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/etc"\n[plugins]\na.b = 1.5',
      {
        version: 2,
        plugins: { 'io.containerd.grpc.v1.cri': { registry: { config_path: '/etc' } }, a: { b: 1.5 } },
      },
    ],
    [
      'lists over several lines, with a comma at the end',
      'a = [\n  "x", # one\n  ["y"],\n]\nb = { c = 1, d.e = [] }',
      { a: ['x', ['y']], b: { c: 1, d: { e: [] } } },
    ],
    [
      'escapes and long strings',
      'a = "q\\"\\u00e9\\n"\nb = \'\\n\'\nc = """\nx\n  \\\n  y"""',
      { a: 'q"é\n', b: '\\n', c: 'x\n  y' },
    ],
    [
      'a key that objects have by themselves',
      '[constructor]\n__proto__ = "x"',
      JSON.parse('{"constructor":{"__proto__":"x"}}'),
    ],
  ]
  for (const [what, text, value] of documents) it(`reads ${what}`, () => assert.deepEqual(read(text), value))

  const mistakes: [text: string, message: RegExp][] = [
    ['a = 1\nb', /^line 2: /],
    ['a = "x', /^line 1: /],
    ['a = ', /^line 1: /],
    ['[a\n', /^line [12]: /],
    ['a = 1 b = 2', /^line 1: /],
    ['a = 1\na = 2', /^line 2: /],
    ['a = "x"\n[a.b]', /^line 2: /],
    [`a = ${'['.repeat(100)}`, /^line 1: /],
  ]
  for (const [text, message] of mistakes)
    it(`says where ${JSON.stringify(text.slice(0, 20))} is wrong`, () =>
      assert.throws(() => parseToml(text), { message }))

  it('reads any string back as JSON writes it, and fails on anything else in no other way than by a line', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (key, value) => {
        const quote = (text: string) => JSON.stringify(text).replaceAll('\u007f', '\\u007f')
        assert.equal(parseToml(`${quote(key)} = ${quote(value)}`)[key], value)
      }),
    )
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'[]{}=",.\'#\n\\ ab') }), (text) => {
        try {
          parseToml(text)
        } catch (error) {
          assert.match((error as Error).message, /^line \d+: /)
        }
      }),
    )
  })
})

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { formatApacheTime } from '../../src/http/access-log.ts'
import { moduleFile, NODE_OPTIONS } from '../support/project.ts'

const MODULE = pathToFileURL(moduleFile('http/access-log')).href

/** Runs `code` in a process of its own, since the log writes to stdout. @returns what it wrote */
const outputOf = (code: string): string => {
  const script = `import { createAccessLog } from '${MODULE}'; const log = createAccessLog(() => 0); ${code}; log.close()`
  const { stdout, stderr } = spawnSync(process.execPath, [
    ...NODE_OPTIONS,
    '--input-type=module',
    '-e',
    script,
  ])
  assert.equal(stderr.toString(), '')
  return stdout.toString()
}

const contextOf = (url: string, agent: string): string =>
  JSON.stringify({
    method: 'GET',
    req: { url, httpVersion: '1.1', headers: { 'user-agent': agent } },
    res: { statusCode: 200 },
  })

describe('the access log', () => {
  it('tells the time as Apache does', () => {
    assert.equal(formatApacheTime(Date.UTC(2000, 9, 10, 13, 55, 36)), '10/Oct/2000:13:55:36 +0000')
  })

  it('writes one line a request in the combined format, what is left at the close included', () => {
    assert.equal(
      outputOf(`log.write(${contextOf('/v2/', 'docker/28')}, '192.0.2.1', 'alice', 2)`),
      '192.0.2.1 - alice [01/Jan/1970:00:00:00 +0000] "GET /v2/ HTTP/1.1" 200 2 "" "docker/28"\n',
    )
  })

  it('lets nothing of a client end a field or a line', () => {
    const lines = outputOf(`log.write(${contextOf('/"x', 'a"b\\c\n')}, '::1', '', 0)`).split('\n')
    assert.deepEqual(lines, [
      '::1 - - [01/Jan/1970:00:00:00 +0000] "GET /\\x22x HTTP/1.1" 200 0 "" "a\\x22b\\x5cc\\x0a"',
      '',
    ])
  })
})

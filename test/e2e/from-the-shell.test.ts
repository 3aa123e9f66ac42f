/** The commands of the README's section about the shell, run as they are written there. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { makeImage } from '../support/images.ts'
import { type Mirror, startMirror } from './support/mirror.ts'
import { readBlocks } from './support/readme.ts'
import { makeShell, type Shell } from './support/shell.ts'
import { skipWithout } from './support/tools.ts'
import { makeWorkspace, type Workspace } from './support/workspace.ts'

const skip = skipWithout('docker', 'docker-registry', 'openssl')

describe('from the shell', { skip, timeout: 120_000 }, () => {
  let workspace: Workspace
  let mirror: Mirror
  let shell: Shell

  before(async () => {
    workspace = await makeWorkspace()
    mirror = await startMirror(workspace)
    await mirror.hub.push('library/alpine', makeImage({ seed: 'shell' }), '3')
    shell = await makeShell(workspace)
  })
  after(() => workspace.remove())

  it('an operator warms, lists, explains, pins, purges, scrubs and collects', async () => {
    const [commands = ''] = await readBlocks('From the shell')
    const config = join(workspace.path, 'entrepot/config.yml')
    const said = await shell.run(`export REGISTRY_CONFIGURATION_PATH=${config}\n${commands}`)
    const wanted = [
      /^entrepot \S+, up for /,
      /\nwarm done: .*\n/,
      /\nlibrary\/alpine +mirrored +.*\n/,
      /\n3 +sha256:\w{12} .*\n/,
      /\nalpine:3: ask\n/,
      /\nlibrary\/alpine:3 {2}is still sha256:\w{64}\n/,
      /\nnothing matches: nothing to purge\n/,
      /\n1 tag, 1 manifest and 3 blobs of 1 repository: .* freed\n/,
      /\nscrub done: /,
      /\n\d+ blobs, \d+ bytes freed; /,
      /\n\w+ +gc +done .*\n\w+ +scrub +done .*\n\w+ +warm +done /,
    ]
    for (const each of wanted) assert.match(said, each)
  })
})

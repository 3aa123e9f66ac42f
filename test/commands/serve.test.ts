import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { MAIN, NODE_OPTIONS } from '../support/project.ts'

const folder = mkdtempSync(join(tmpdir(), 'entrepot-serve-'))
const children: ChildProcess[] = []
after(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})

interface Server {
  readonly process: ChildProcess
  readonly address: string
  readonly debugAddress: string
  /** Exit code and signal. */
  readonly ended: Promise<unknown[]>
}

/** Runs `entrepot serve` with sections of a configuration, until it says where it listens. */
const start = async (sections: string): Promise<Server> => {
  const file = join(folder, 'config.yml')
  writeFileSync(
    file,
    `version: 0.1
log: {formatter: json, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: ${join(folder, 'store')}}}
${sections}`,
  )
  const child = spawn(process.execPath, [...NODE_OPTIONS, MAIN, 'serve', file], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  children.push(child)
  const ended = once(child, 'exit')
  assert.ok(child.stderr !== null)
  for await (const line of createInterface(child.stderr)) {
    const [, address, debugAddress] = /listening on (\S+), metrics and health on ([^\s"]+)/.exec(line) ?? []
    if (address !== undefined && debugAddress !== undefined) {
      child.stderr.resume()
      return { process: child, address, debugAddress, ended }
    }
  }
  throw new Error(`it did not start: ${String(await ended)}`)
}

const LISTENERS = 'addr: "127.0.0.1:0", debug: {addr: "127.0.0.1:0"}'

test('the server answers until SIGTERM, and then ends with 0', async () => {
  const server = await start(`http: {${LISTENERS}}`)
  const response = await fetch(`http://${server.address}/v2/`)
  assert.equal(response.status, 200)
  await response.arrayBuffer()
  server.process.kill('SIGTERM')
  assert.deepEqual(await server.ended, [0, null])
})

test('health succeeds in silence while the server is alive', async () => {
  const server = await start(`http: {${LISTENERS}}`)
  const env = { PATH: process.env.PATH, REGISTRY_HTTP_DEBUG_ADDR: server.debugAddress }
  const args = [...NODE_OPTIONS, MAIN, 'health', join(folder, 'config.yml')]
  assert.deepEqual(await promisify(execFile)(process.execPath, args, { env }), { stdout: '', stderr: '' })
  server.process.kill('SIGINT')
  assert.deepEqual(await server.ended, [0, null])
})

test('a second signal ends the server at once, though a transfer is under way', async () => {
  const upstream = createServer()
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  const { port } = upstream.address() as AddressInfo
  const server = await start(
    `http: {${LISTENERS}, draintimeout: 10m}\nproxy: {remoteurl: "http://127.0.0.1:${port}"}`,
  )
  const client = get(`http://${server.address}/v2/a/b/manifests/latest`)
  client.on('error', () => {})
  // the upstream never answers, so the client's request stays under way
  await once(upstream, 'request')
  server.process.kill('SIGTERM')
  server.process.kill('SIGINT')
  assert.deepEqual(await server.ended, [1, null])
  client.destroy()
  upstream.closeAllConnections()
  upstream.close()
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_LIMITS } from '../../src/upstream/limits.ts'
import { Transport, type TransportOptions } from '../../src/upstream/transport.ts'
import { startScriptedUpstream } from '../support/scripted-upstream.ts'
import { failsWith } from './client.ts'

/** A transport whose names resolve as the table says; addresses of documentation are public and never answer. */
const openTransport = (names: Readonly<Record<string, string>>, options: Partial<TransportOptions> = {}) => {
  const asked: string[] = []
  const transport = new Transport({
    remote: new URL('https://registry.example'),
    trustedHosts: [],
    limits: DEFAULT_LIMITS,
    environment: {},
    meter: () => {},
    lookup: (hostname, _options, callback) => {
      asked.push(hostname)
      callback(null, [{ address: names[hostname] ?? '127.0.0.1', family: 4 }])
    },
    ...options,
  })
  const send = (url: string) =>
    transport.send({ method: 'GET', url: new URL(url), what: 'x', headers: {}, headMs: 1000, stallMs: 1000 })
  return { transport, send, asked }
}

const inside = ['10.0.0.1', '192.168.1.1', '169.254.169.254', '127.0.0.1', '0.0.0.0'] as const

for (const address of inside)
  test(`a public upstream may not lead to ${address}, by address or by a name of it`, async () => {
    const { transport, send } = openTransport({ 'cdn.example': address })
    for (const url of [`http://${address}/x`, 'http://cdn.example/x']) {
      const error = await failsWith(send(url), 'forbidden')
      assert.match(error.message, /private address.*`redirects` can allow it/)
    }
    await transport.close()
  })

test('a public upstream may not lead to an IPv6 address inside', async () => {
  const { transport, send } = openTransport({})
  for (const url of ['http://[::1]/', 'http://[fd00::1]/', 'http://[::ffff:10.0.0.1]/'])
    await failsWith(send(url), 'forbidden')
  await transport.close()
})

const allowed = [
  ['by host', ['cdn.example']],
  ['by host and port', ['cdn.example:1']],
  ['by address', ['127.0.0.1']],
  ['by network', ['127.0.0.0/8']],
  ['altogether', ['any']],
] as const

for (const [title, trustedHosts] of allowed)
  test(`a private address that is allowed ${title} is connected to`, async () => {
    const { transport, send } = openTransport({ 'cdn.example': '127.0.0.1' }, { trustedHosts })
    await failsWith(send('http://cdn.example:1/'), 'unreachable')
    await transport.close()
  })

test('an upstream in a private network may lead to its like, not to this machine', async () => {
  const { transport, send } = openTransport({}, { remote: new URL('http://10.0.0.1') })
  await failsWith(send('http://127.0.0.1:1/'), 'forbidden')
  await failsWith(send('http://169.254.169.254/'), 'forbidden')
  await transport.close()
})

test('where an upstream stands is learnt from its own connections alone', async () => {
  const hub = await startScriptedUpstream()
  const { port } = new URL(hub.url)
  const options = { remote: new URL('http://registry.example:1'), trustedHosts: ['cdn.example'] }
  const { transport, send } = openTransport({}, options)
  ;(await send(`http://cdn.example:${port}/`)).body.destroy()
  await failsWith(send(`http://127.0.0.1:${port}/`), 'forbidden')
  ;(await send(`http://registry.example:${port}/`)).body.destroy()
  ;(await send(`http://127.0.0.1:${port}/`)).body.destroy()
  await transport.close()
  await hub.close()
})

test('an upstream on this machine may lead anywhere', async () => {
  const { transport, send } = openTransport({}, { remote: new URL('http://127.0.0.1:5000') })
  await failsWith(send('http://127.0.0.1:1/'), 'unreachable')
  await transport.close()
})

test('through a proxy the spelling of the host is judged, and names are left to the proxy', async () => {
  const environment = { HTTP_PROXY: 'http://127.0.0.1:1', HTTPS_PROXY: 'http://127.0.0.1:1' }
  const { transport, send, asked } = openTransport({}, { environment })
  await failsWith(send('http://10.0.0.1/'), 'forbidden')
  await failsWith(send('http://cdn.example/'), 'unreachable')
  await failsWith(send('https://registry.example/'), 'unreachable')
  assert.deepEqual(asked, [])
  await transport.close()
})

test('a host without an address is unreachable', async () => {
  const { transport, send } = openTransport(
    {},
    {
      lookup: (hostname, _options, callback) =>
        callback(Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: 'ENOTFOUND' }), []),
    },
  )
  const error = await failsWith(send('https://registry.example/'), 'unreachable')
  assert.equal(error.message, 'x: registry.example could not be reached: there is no such host (ENOTFOUND)')
  await transport.close()
})

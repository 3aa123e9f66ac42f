/**
 * Opens connections to upstreams, realms and CDNs: a deadline for each address and one for all, and a look at the
 * address that is really connected to, so that a name cannot lead further inside a network than it may
 * (design, Upstream manners).
 */
import dns from 'node:dns'
import net from 'node:net'
import tls from 'node:tls'
import { LRUCache } from 'lru-cache'
import type { buildConnector } from 'undici'
import { Intake } from '../received.ts'
import { literalAddressOf } from './address.ts'

/** Resolves a host name, as `dns.lookup` does with `all`. */
export type Lookup = (
  hostname: string,
  options: { all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: dns.LookupAddress[]) => void,
) => void

/** How to connect. */
export interface ConnectorOptions {
  readonly connectAddressMs: number
  readonly connectMs: number
  /** PEM of the authorities that are trusted; default: those of Node. */
  readonly ca?: readonly string[] | undefined
  /** Whether an address may be connected to. Default: any. */
  readonly isAllowed?: (address: string) => boolean
  /** Told the host and the address of every connection made. */
  readonly onConnect?: (hostname: string, address: string) => void
  readonly lookup?: Lookup
}

/** All addresses of a host are ones that it may not lead to. */
export class ForbiddenAddressError extends Error {
  override readonly name = 'ForbiddenAddressError'

  constructor(hostname: string) {
    super(`${hostname} has a private address`)
  }
}

/** No connection within its deadline. */
export class ConnectTimeoutError extends Error {
  override readonly name = 'ConnectTimeoutError'
}

const MAX_SESSIONS = 100

/** Bytes of a socket that wait for its reader: with less room than one read brings, reading would stop after each. */
const READ_AHEAD_BYTES = 256 * 1024

/** What an attempt after Node's own is given in addition, so that Node's deadline for an address comes first. */
const ATTEMPT_GRACE_MS = 250

/** Leaves only allowed addresses of what `lookup` finds. */
const guardLookup =
  (lookup: Lookup, isAllowed: (address: string) => boolean): net.LookupFunction =>
  (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, [])
      const allowed = found.filter(({ address }) => isAllowed(address))
      if (allowed.length === 0) return callback(new ForbiddenAddressError(hostname), [])
      callback(null, allowed)
    })
  }

/** Ends `socket` unless it is connected in time: each address for itself, and all together. */
const limitConnecting = (socket: net.Socket, { connectAddressMs, connectMs }: ConnectorOptions) => {
  const giveUp = (ms: number) =>
    socket.destroy(new ConnectTimeoutError(`no connection within ${ms / 1000} s`))
  const all = setTimeout(giveUp, connectMs, connectMs)
  let one: NodeJS.Timeout | undefined
  socket.on('connectionAttempt', () => {
    clearTimeout(one)
    one = setTimeout(giveUp, connectAddressMs + ATTEMPT_GRACE_MS, connectAddressMs)
  })
  socket.once('connect', () => clearTimeout(one))
  return () => {
    clearTimeout(all)
    clearTimeout(one)
  }
}

/** Has a socket receive into slabs: what it is given to read are views of them. */
const receiveIntoSlabs = (open: (onread: net.OnReadOpts) => net.Socket): net.Socket => {
  const intake = new Intake()
  const socket = open({
    buffer: () => intake.room(),
    callback: (bytes) => socket.push(intake.take(bytes)),
  })
  return socket
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 }

/** Makes the function by which a pool of undici opens its connections. */
export const createConnector = (options: ConnectorOptions): buildConnector.connector => {
  const { isAllowed = () => true, lookup = dns.lookup as Lookup, onConnect } = options
  const sessions = new LRUCache<string, Buffer>({ max: MAX_SESSIONS })
  const common = {
    lookup: guardLookup(lookup, isAllowed),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: options.connectAddressMs,
    noDelay: true,
    keepAlive: true,
    highWaterMark: READ_AHEAD_BYTES,
  }

  const open = (
    { hostname, protocol, port, servername }: buildConnector.Options,
    onread: net.OnReadOpts,
  ): net.Socket => {
    const target = { ...common, onread, host: hostname, port: Number(port) || DEFAULT_PORTS[protocol] || 80 }
    if (protocol !== 'https:') return net.connect(target)
    const name = servername || (literalAddressOf(hostname) === undefined ? hostname : '')
    const session = sessions.get(`${name}|${target.port}`)
    const trust = options.ca === undefined ? {} : { ca: [...options.ca] }
    return tls
      .connect({
        ...target,
        ...trust,
        servername: name,
        ALPNProtocols: ['http/1.1'],
        ...(session && { session }),
      })
      .on('session', (fresh) => sessions.set(`${name}|${target.port}`, fresh))
  }

  return (target, callback) => {
    const literal = literalAddressOf(target.hostname)
    if (literal !== undefined && !isAllowed(literal))
      return void queueMicrotask(() => callback(new ForbiddenAddressError(target.hostname), null))
    const socket = receiveIntoSlabs((onread) => open(target, onread))
    const stopClock = limitConnecting(socket, options)
    let isSettled = false
    const settle = (error: Error | undefined) => {
      if (isSettled) return
      isSettled = true
      stopClock()
      if (error !== undefined) return callback(error, null)
      if (socket.remoteAddress !== undefined) onConnect?.(target.hostname, socket.remoteAddress)
      callback(null, socket)
    }
    socket.once(target.protocol === 'https:' ? 'secureConnect' : 'connect', () => settle(undefined))
    socket.once('error', settle)
    socket.once('close', () => settle(new Error('connection closed')))
  }
}

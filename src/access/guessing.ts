/**
 * Slows down who guesses passwords: after a few wrong ones each further guess at an account from an address has to
 * wait longer, and so have many guesses at many accounts from one address. Counted by address, so that nobody can
 * lock an account's owner out from elsewhere. Bounded memory; forgotten after a quarter of an hour of quiet.
 */
import ipaddr from 'ipaddr.js'
import { Memory } from '../memory.ts'

/** Wrong passwords for one account from one address before it is slowed: a person mistypes. */
const FREE_PER_ACCOUNT = 5

/** Wrong passwords from one address, whatever the account: a proxy or a build farm may stand behind it. */
const FREE_PER_ADDRESS = 50

/** First pause, in milliseconds; it doubles with each further guess. */
const FIRST_PAUSE_MS = 1000

/** Longest pause, in milliseconds. */
const MAX_PAUSE_MS = 5 * 60_000

/** Quiet time after which guesses are forgotten, in milliseconds; longer than the longest pause. */
const FORGET_AFTER_MS = 15 * 60_000

/** Most counts that are kept, per kind; the longest unused goes first. */
const MAX_COUNTS = 10_000

/** Leading bits of an IPv6 address that count as one address: what a customer gets. */
const IPV6_PREFIX_BITS = 64

interface Count {
  readonly guesses: number
  /** No further guess before this, in milliseconds of the limiter's clock. */
  readonly pausedUntilMs: number
}

/** Counts wrong passwords. */
export class GuessLimiter {
  readonly #now: () => number
  readonly #byAccount: Memory<string, Count>
  readonly #byAddress: Memory<string, Count>

  /** @param now milliseconds; a test passes its own clock */
  constructor(now: () => number = () => performance.now()) {
    const options = { ttl: FORGET_AFTER_MS, ttlResolution: 0, perf: { now } }
    this.#now = now
    this.#byAccount = new Memory(MAX_COUNTS, options)
    this.#byAddress = new Memory(MAX_COUNTS, options)
  }

  /**
   * Counts a guess before it is checked, so that many at once are counted as well.
   * @returns 0 where it may be checked, else the milliseconds to wait; such a guess is not counted
   */
  begin(account: string, address: string): number {
    const byAccount = accountKey(account, address)
    const byAddress = addressKey(address)
    const waitMs = Math.max(this.#wait(this.#byAccount, byAccount), this.#wait(this.#byAddress, byAddress))
    if (waitMs > 0) return waitMs
    this.#count(this.#byAccount, byAccount, FREE_PER_ACCOUNT, 1)
    this.#count(this.#byAddress, byAddress, FREE_PER_ADDRESS, 1)
    return 0
  }

  /** The password was right: the account starts afresh from here, and the address loses what was counted for it. */
  succeed(account: string, address: string): void {
    this.#byAccount.delete(accountKey(account, address))
    this.#count(this.#byAddress, addressKey(address), FREE_PER_ADDRESS, -1)
  }

  /** The password was not checked after all: what {@link begin} counted is taken back. */
  cancel(account: string, address: string): void {
    this.#count(this.#byAccount, accountKey(account, address), FREE_PER_ACCOUNT, -1)
    this.#count(this.#byAddress, addressKey(address), FREE_PER_ADDRESS, -1)
  }

  #wait(counts: Memory<string, Count>, key: string): number {
    return Math.max(0, (counts.get(key)?.pausedUntilMs ?? 0) - this.#now())
  }

  #count(counts: Memory<string, Count>, key: string, free: number, by: 1 | -1): void {
    const guesses = (counts.get(key)?.guesses ?? 0) + by
    const beyond = guesses - free
    const pauseMs = beyond < 0 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** beyond, MAX_PAUSE_MS)
    if (guesses <= 0) counts.delete(key)
    else counts.set(key, { guesses, pausedUntilMs: pauseMs === 0 ? 0 : this.#now() + pauseMs })
  }
}

const accountKey = (account: string, address: string): string => `${addressKey(address)} ${account}`

/** One key for an IPv4 address however it is written, and one for all of a customer's IPv6 addresses. */
const addressKey = (address: string): string => {
  if (!ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  if (parsed.kind() === 'ipv4') return parsed.toString()
  return parsed
    .toByteArray()
    .slice(0, IPV6_PREFIX_BITS / 8)
    .join('.')
}

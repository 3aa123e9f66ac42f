/** What goes wrong at the upstream of the soak: faults of every kind, one after the other, for as long as it blows. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault, RequestKind } from '../../support/scripted/faults.ts'
import type { ScriptedUpstream } from '../../support/scripted-upstream.ts'
import { draw } from '../support/draw.ts'

const EVERY_MS = 40
/** What hangs goes on after this, where entrepot has not given up before. */
const HANG_MS = 3_000
const SLOW_BYTES_PER_SECOND = 1_500_000
const MAX_OFFSET_BYTES = 1_500_000

const OCI_429 = '{"errors":[{"code":"TOOMANYREQUESTS","message":"you have reached your pull rate limit"}]}'
const limited = (body: string): Fault => ({ status: 429, headers: { 'retry-after': '1' }, body })

const SHORT: readonly RequestKind[] = ['manifest', 'manifestHead', 'blobHead', 'token']
const BODIES: readonly RequestKind[] = ['blob', 'cdn']
const ALL: readonly RequestKind[] = [...SHORT, ...BODIES]

/** Each fault, and whom it may meet. */
const FAULTS: readonly (readonly [kinds: readonly RequestKind[], fault: (offset: number) => Fault])[] = [
  [ALL, () => ({ refuse: true, times: 2 })],
  [ALL, () => ({ hang: true })],
  [ALL, () => ({ status: 500 })],
  [ALL, () => ({ status: 502, body: '<html>bad gateway</html>', times: 4 })],
  [ALL, () => ({ status: 503, headers: { 'retry-after': '1' }, times: 3 })],
  [['cdn'], () => ({ status: 403 })],
  [['cdn'], (dropAt) => ({ dropAt, times: 2 })],
  [['cdn'], (hangAt) => ({ hangAt })],
  [['cdn'], (corruptAt) => ({ corruptAt })],
  [['manifest'], () => ({ corruptAt: 10 })],
  [['cdn'], () => ({ growBy: 1000 })],
  [['cdn'], () => ({ growBy: -1000 })],
  [['cdn'], () => ({ ignoreRange: true })],
  [['cdn'], () => ({ shiftRangeBy: -100 })],
  [BODIES, () => ({ omit: ['content-length', 'etag'] })],
  [['manifestHead'], () => ({ omit: ['docker-content-digest'] })],
  [['cdn'], () => ({ bytesPerSecond: SLOW_BYTES_PER_SECOND })],
]

/** Limits last for a while and hold back much else: one in so many. */
const LIMITED_IN = 100
const LIMITS: readonly Fault[] = [limited(OCI_429), limited(OCI_429), limited('Too Many Requests')]

/** Makes trouble. */
export class Weather {
  readonly #hub: ScriptedUpstream
  #drawn = 0
  #calm: AbortController | undefined
  #blowing: Promise<void> = Promise.resolve()

  constructor(hub: ScriptedUpstream) {
    this.#hub = hub
  }

  /** How many faults there were so far. */
  get faults(): number {
    return this.#drawn
  }

  /** Begins. */
  blow(): void {
    const calm = new AbortController()
    this.#calm = calm
    this.#blowing = this.#blow(calm.signal)
  }

  /** Ends; no fault is left. */
  async calm(): Promise<void> {
    this.#calm?.abort()
    await this.#blowing
    this.#hub.clearFaults()
  }

  async #blow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#trouble()
      await sleep(EVERY_MS, undefined, { signal }).catch(() => {})
    }
  }

  #trouble(): void {
    const seed = `fault ${this.#drawn}`
    this.#drawn += 1
    const [kinds, make] =
      draw(`${seed} limited`, 0, LIMITED_IN) === 0
        ? ([ALL, () => LIMITS[this.#drawn % LIMITS.length]!] as const)
        : FAULTS[draw(seed, 0, FAULTS.length)]!
    const kind = kinds[draw(`${seed} kind`, 0, kinds.length)]!
    const fault = this.#hub.fault(kind, make(draw(`${seed} offset`, 1, MAX_OFFSET_BYTES)))
    const timer = setTimeout(() => fault.release(), HANG_MS)
    timer.unref()
    if (draw(`${seed} signature`, 0, 50) === 0) this.#hub.expireSignatures()
    if (draw(`${seed} token`, 0, 50) === 0) this.#hub.expireTokens()
  }
}

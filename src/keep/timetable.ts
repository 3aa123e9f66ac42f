/**
 * When something is due that is done every so often, or at times of day. It is looked at again and again rather than waited
 * for, so that a clock that jumps, a machine that slept and a change to summer time are no cases of their own: what was
 * missed, however often, is due once; what lies in an hour that there is not is due when that hour would have ended.
 */

/** Milliseconds between two runs, or times of day, `HH:MM`, in local time. */
export type Schedule = number | readonly string[]

/** What a timetable goes by. */
export interface TimetableOptions {
  readonly schedule: Schedule
  /** Longest time by which each run is late, in milliseconds: not all servers of the world ask at once. */
  readonly spreadMs: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Between 0 and 1. */
  readonly random: () => number
}

/** The given local time on the day of `atMs`, or so many days after it. */
const timeOfDay = (time: string, atMs: number, days: number): number => {
  const [hours, minutes] = time.split(':').map(Number)
  const date = new Date(atMs)
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days, hours, minutes).getTime()
}

/** When the first of the times of day after `atMs` is, in milliseconds since the epoch. */
export const nextTimeOfDay = (times: readonly string[], atMs: number): number =>
  // Not tomorrow's alone: on the day that the clock goes back a time may have passed twice.
  Math.min(
    ...times.flatMap((time) =>
      [0, 1, 2].map((days) => timeOfDay(time, atMs, days)).filter((each) => each > atMs),
    ),
  )

/** Tells when something is due. */
export class Timetable {
  readonly #options: TimetableOptions
  #dueAtMs: number
  #lookedAtMs: number

  /** What is done every so often is first due soon after the start. */
  constructor(options: TimetableOptions) {
    this.#options = options
    const { schedule, now } = options
    this.#lookedAtMs = now()
    const firstMs = typeof schedule === 'number' ? now() : nextTimeOfDay(schedule, now())
    this.#dueAtMs = firstMs + this.#spread()
  }

  /** Whether it is due now; it is then not due again before its next time. */
  takeDue(): boolean {
    const nowMs = this.#options.now()
    // A clock that was put back would let it wait for as long.
    if (nowMs < this.#lookedAtMs) this.#dueAtMs = this.#after(nowMs)
    this.#lookedAtMs = nowMs
    if (nowMs < this.#dueAtMs) return false
    this.#dueAtMs = this.#after(nowMs)
    return true
  }

  /** Lets it be due again after so many milliseconds at the latest. */
  hasten(ms: number): void {
    this.#dueAtMs = Math.min(this.#dueAtMs, this.#options.now() + ms)
  }

  #after(atMs: number): number {
    const { schedule } = this.#options
    return (typeof schedule === 'number' ? atMs + schedule : nextTimeOfDay(schedule, atMs)) + this.#spread()
  }

  #spread(): number {
    const { schedule, spreadMs, random } = this.#options
    return random() * Math.min(spreadMs, typeof schedule === 'number' ? schedule : spreadMs)
  }
}

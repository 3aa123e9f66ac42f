/** `warm` of the configuration → what is fetched ahead, on order and by itself. */
import type { Jobs } from '../admin/jobs.ts'
import { Warm } from '../admin/warm.ts'
import { WarmList } from '../admin/warm-list.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../fetch/source.ts'
import { Routine } from '../keep/routine.ts'
import { Timetable } from '../keep/timetable.ts'
import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { parsePlatform } from '../protocol/platform.ts'
import type { WarmUp } from '../pull/warm-up.ts'
import type { Repositories } from '../repository.ts'

/** How often it is looked whether the list is due, in milliseconds. */
const LOOK_EVERY_MS = 30_000
/** Longest time by which it is late, in milliseconds. */
const SPREAD_MS = 10 * 60_000

/** What warm-ups are done with. */
export interface WarmTools {
  readonly jobs: Jobs
  readonly warmUp: WarmUp
  readonly repositories: Repositories
  readonly metrics: Metrics
  readonly log: Logger
  readonly clock: Clock
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Builds what fetches ahead. */
export const createWarm = ({ warm: { references, platforms, schedule } }: Config, tools: WarmTools) => {
  const { clock, log, now } = tools
  const warm = new Warm({ ...tools, platforms: platforms.flatMap((text) => parsePlatform(text) ?? []) })
  const timetable = new Timetable({ schedule, spreadMs: SPREAD_MS, now, random: clock.random })
  const list = new WarmList({ references, timetable, warm })
  const routine = new Routine({
    name: 'warm list',
    firstMs: LOOK_EVERY_MS,
    everyMs: LOOK_EVERY_MS,
    run: () => list.tick(),
    log,
  })
  return {
    warm,
    /** Begins to go by the list. */
    start(): void {
      if (references.length > 0) routine.start()
    },
    /** Ends that, and every job. */
    async close(): Promise<void> {
      await Promise.all([routine.stop(), tools.jobs.close()])
    },
  }
}

/** `entrepot status`: how the running server is. Needs no token. */
import type { RateLimit, StatusAnswer } from './admin-answers.ts'
import { withClient } from './admin-client.ts'
import { type AdminOptions, withServer } from './admin-server.ts'
import type { AddCommand } from './command.ts'
import { print, printJson } from './print.ts'
import { formatTable } from './table.ts'
import { formatBytes, formatCount, formatShare, formatSpan } from './units.ts'

/** Adds `status`. */
export const addStatus: AddCommand = (program) => {
  withServer(program.command('status'))
    .description('say how the running server is: cache, traffic, upstreams')
    .action(async (options: AdminOptions) => {
      const status = await withClient(options, (client) => client.get<StatusAnswer>('/status'))
      if (options.json) printJson(status)
      else print(showStatus(status, Date.now()))
    })
}

/** The status for people. */
export const showStatus = (status: StatusAnswer, nowMs: number): string => {
  const { version, startedAt, traffic, fetches, upstreams } = status
  const lines = [
    `entrepot ${version}, up for ${formatSpan(nowMs - Date.parse(startedAt))}`,
    ...describeCache(status),
    `reads     ${formatCount(traffic.hits, 'hit')}, ${traffic.misses} ${traffic.misses === 1 ? 'miss' : 'misses'}${describeRatio(traffic)}`,
    `bytes     ${formatBytes(traffic.toClientsBytes)} to clients, ${formatBytes(traffic.fromUpstreamBytes)} from upstreams, ${formatBytes(traffic.savedBytes)} saved`,
    `fetches   ${fetches.active} under way`,
  ]
  return `${lines.join('\n')}\n${upstreams.length === 0 ? '' : `\n${showUpstreams(upstreams)}`}`
}

const describeCache = ({ cache }: StatusAnswer): string[] => {
  const { sizeBytes, limitBytes, freeBytes, totalBytes, minFreeBytes, evictedBytes } = cache
  const size = sizeBytes === undefined ? 'not counted yet' : formatBytes(sizeBytes)
  const share = sizeBytes === undefined || !limitBytes ? '' : ` (${formatShare(sizeBytes / limitBytes)})`
  const budget = limitBytes === undefined ? '' : ` of ${formatBytes(limitBytes)}${share}`
  return [
    `cache     ${size}${budget}${evictedBytes === undefined ? '' : `, ${formatBytes(evictedBytes)} evicted so far`}`,
    ...(freeBytes === undefined || totalBytes === undefined
      ? []
      : [
          `disk      ${formatBytes(freeBytes)} free of ${formatBytes(totalBytes)}${minFreeBytes ? `, ${formatBytes(minFreeBytes)} are kept free` : ''}`,
        ]),
  ]
}

const describeRatio = ({ hitRatio, hitRatioBytes }: StatusAnswer['traffic']): string =>
  hitRatio === undefined || hitRatioBytes === undefined
    ? ''
    : `: ${formatShare(hitRatio)} of requests, ${formatShare(hitRatioBytes)} of bytes`

const showUpstreams = (upstreams: StatusAnswer['upstreams']): string =>
  formatTable(
    [{ heading: 'UPSTREAM' }, { heading: 'HOST' }, { heading: 'STATE' }, { heading: 'RATE LIMIT' }],
    upstreams.map(({ name, host, state, rateLimit }) => [name, host, state, formatRateLimit(rateLimit)]),
  )

/** `87 of 100 left in 6 h`; `unknown` where the upstream has told none. */
export const formatRateLimit = (rateLimit: RateLimit | undefined): string => {
  if (rateLimit === undefined) return 'unknown'
  const { limit, remaining, windowS } = rateLimit
  return `${remaining} of ${limit} left${windowS === undefined ? '' : ` in ${formatSpan(windowS * 1000)}`}`
}

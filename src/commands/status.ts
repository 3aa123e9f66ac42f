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
  const { version, startedAt, cache, traffic, fetches, upstreams } = status
  const budget =
    cache.limitBytes === undefined
      ? 'no budget'
      : `of ${formatBytes(cache.limitBytes)} (${formatShare(cache.sizeBytes / Math.max(1, cache.limitBytes))})`
  const lines = [
    `entrepot ${version}, up for ${formatSpan(nowMs - Date.parse(startedAt))}`,
    `cache     ${formatBytes(cache.sizeBytes)} ${budget}, ${formatBytes(cache.evictedBytes)} evicted so far`,
    `disk      ${formatBytes(cache.freeBytes)} free of ${formatBytes(cache.totalBytes)}, ${formatBytes(cache.minFreeBytes)} are kept free`,
    `reads     ${formatCount(traffic.hits, 'hit')}, ${traffic.misses} ${traffic.misses === 1 ? 'miss' : 'misses'}: ${formatShare(traffic.hitRatio)} of requests, ${formatShare(traffic.hitRatioBytes)} of bytes`,
    `bytes     ${formatBytes(traffic.toClientsBytes)} to clients, ${formatBytes(traffic.fromUpstreamBytes)} from upstreams, ${formatBytes(traffic.savedBytes)} saved`,
    `fetches   ${fetches.active} under way`,
  ]
  return `${lines.join('\n')}\n${upstreams.length === 0 ? '' : `\n${showUpstreams(upstreams)}`}`
}

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

/** The server, as it tells of itself on its debug listener: upstreams, accounts, rate limits, disk. Pure. */
import type { StatusAnswer, UpstreamsAnswer } from '../admin-answers.ts'
import { formatRateLimit } from '../status.ts'
import { formatAgo, formatBytes } from '../units.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

/** Share of a rate limit below which its end is near. */
const LOW_SHARE = 0.1
/** Share of the disk below which there is little left. */
const LOW_DISK_SHARE = 0.05

type Upstream = UpstreamsAnswer['upstreams'][number]

/** What is wrong with the disk and the budget, as far as it is known. */
export const checkDisk = ({ cache }: Pick<StatusAnswer, 'cache'>): Finding => {
  const { sizeBytes = 0, limitBytes, freeBytes, totalBytes, minFreeBytes = 0 } = cache
  const size = `the cache has ${formatBytes(sizeBytes)}${limitBytes === undefined ? '' : ` of ${formatBytes(limitBytes)}`}`
  if (freeBytes === undefined || totalBytes === undefined) return ok(size)
  const free = `${formatBytes(freeBytes)} of ${formatBytes(totalBytes)} are free`
  if (freeBytes < minFreeBytes)
    return problem(
      `${free}, less than the ${formatBytes(minFreeBytes)} of cache.minfree`,
      'what has not been pulled for longest goes; if something else fills the disk, make room',
    )
  const roomBytes = sizeBytes + freeBytes - minFreeBytes
  if (limitBytes !== undefined && limitBytes > roomBytes)
    return warning(
      `the budget of ${formatBytes(limitBytes)} does not fit on the disk, where there is room for ${formatBytes(roomBytes)}`,
      'lower cache.maxsize, or give it a larger disk',
    )
  if (limitBytes === undefined && freeBytes < totalBytes * LOW_DISK_SHARE)
    return warning(`${free}, and there is no budget`, 'set cache.maxsize')
  return ok(`${size}; ${free}`)
}

/** How each upstream is, and how the server is with it. */
export const checkUpstreams = ({ upstreams }: UpstreamsAnswer, nowMs: number): readonly Finding[] =>
  upstreams.length === 0
    ? [warning('this server mirrors nothing', 'set proxy.remoteurl: https://registry-1.docker.io')]
    : upstreams.flatMap((each) => [checkState(each, nowMs), ...checkRateLimit(each)])

const checkState = (upstream: Upstream, nowMs: number): Finding => {
  const { name, state, hasCredentials, refusedCredentials, lastError, limitedUntil, outageUntil } = upstream
  const why = lastError === undefined ? '' : ` (${lastError})`
  if (refusedCredentials !== undefined || state === 'refused')
    return problem(
      `${name} refuses the account of this server${refusedCredentials === undefined ? why : ` (${refusedCredentials})`}`,
      'correct its username and password',
    )
  switch (state) {
    case 'well':
      return ok(
        `${name} answers${hasCredentials ? ' and accepts the account' : ', asked without an account'}`,
      )
    case 'limited':
      return warning(
        `${name} grants no requests for now${limitedUntil === undefined ? '' : `, again ${formatAgo(limitedUntil, nowMs)}`}`,
        hasCredentials
          ? 'cached content is served meanwhile'
          : 'an account has a higher limit: set proxy.username and proxy.password',
      )
    case 'outage':
      return warning(
        `${name} is treated as unreachable by an outage drill${outageUntil === undefined ? '' : `, which ends ${formatAgo(outageUntil, nowMs)}`}`,
        'end the drill if you are through with it',
      )
    case 'unknown':
      return warning(`${name} has not been asked yet`, 'pull something, and look again')
    default:
      return problem(
        `${name} cannot be reached${why}`,
        `see that ${upstream.remoteurl} answers from this machine (DNS, firewall, HTTPS_PROXY)`,
      )
  }
}

const checkRateLimit = ({ name, rateLimit, hasCredentials }: Upstream): Finding[] => {
  if (rateLimit === undefined) return []
  const { limit, remaining } = rateLimit
  if (remaining > limit * LOW_SHARE) return [ok(`${name}: ${formatRateLimit(rateLimit)}`)]
  return [
    warning(
      `${name}: ${formatRateLimit(rateLimit)}`,
      hasCredentials ? 'cached content is served on; new content waits' : 'an account has a higher limit',
    ),
  ]
}

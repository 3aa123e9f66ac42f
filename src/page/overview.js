/** The figures that are for everybody: how much it saves, what is left of rate limits and of the disk, and what goes through now. */
import { find, h, patch, svg } from './dom.js'
import { formatAmount, formatBytes, formatCount, formatDuration, formatRatio } from './format.js'
import { bar, bytes, time } from './parts.js'

/** @typedef {import('./wire.d.ts').Status} Status */

/** Parts of a limit below and above which it is told in colour. */
const LOW = 0.15
const HIGH = 0.92

/**
 * @param {string} title
 * @param {import('./dom.js').Child} figure
 * @param {...import('./dom.js').Child} more
 */
const tile = (title, figure, ...more) =>
  h(
    'div',
    { class: 'tile', 'data-key': title },
    h('h3', {}, title),
    h('p', { class: 'big' }, figure),
    ...more,
  )

/** @param {...import('./dom.js').Child} children */
const note = (...children) => h('p', { class: 'note' }, ...children)

/** @param {Status['traffic']} traffic */
const hitTile = ({ hits, misses, hitRatio }) =>
  tile(
    'Hit ratio',
    formatRatio(hitRatio),
    bar('Hit ratio', hitRatio ?? 0, 1),
    note(`${formatAmount(hits, 'hit')}, ${formatAmount(misses, 'miss', 'misses')} since the start`),
  )

/** @param {Status['traffic']} traffic */
const savedTile = ({ savedBytes, hitRatioBytes, toClientsBytes, fromUpstreamBytes }) =>
  tile(
    'Saved',
    bytes(savedBytes),
    bar('Bytes saved since the start', hitRatioBytes ?? 0, 1),
    note('that no upstream had to send'),
    note(
      `${formatRatio(hitRatioBytes)} of bytes since the start: `,
      bytes(toClientsBytes),
      ' to clients, ',
      bytes(fromUpstreamBytes),
      ' fetched',
    ),
  )

/** The limit of which least is left. @param {Status['upstreams']} upstreams */
const tightest = (upstreams) => {
  const limited = upstreams.flatMap(({ name, rateLimit }) =>
    rateLimit === undefined ? [] : [{ name, ...rateLimit }],
  )
  return limited.sort((a, b) => a.remaining / a.limit - b.remaining / b.limit)[0]
}

/** @param {Status['upstreams']} upstreams */
const limitTile = (upstreams) => {
  const limit = tightest(upstreams)
  if (limit === undefined) return tile('Rate limit left', '–', note('no upstream has told of one'))
  const window = limit.windowS === undefined ? '' : ` in ${formatDuration(limit.windowS * 1000)}`
  return tile(
    'Rate limit left',
    formatCount(limit.remaining),
    bar(
      'Rate limit left',
      limit.remaining,
      limit.limit,
      limit.remaining < limit.limit * LOW ? 'warn' : undefined,
    ),
    note(`of ${formatAmount(limit.limit, 'pull')}${window}, at ${limit.name}`),
  )
}

/** How full the budget is, or without one the disk. @param {Status['cache']} cache */
const diskBar = ({ sizeBytes, limitBytes, freeBytes, totalBytes }) => {
  if (limitBytes !== undefined && sizeBytes !== undefined)
    // Full is how it is meant to be: what is used least makes room.
    return bar('Disk budget used', sizeBytes, limitBytes)
  if (freeBytes === undefined || totalBytes === undefined) return undefined
  const used = totalBytes - freeBytes
  return bar('Disk used', used, totalBytes, used > totalBytes * HIGH ? 'warn' : undefined)
}

/** @param {Status['cache']} cache */
const diskTile = (cache) => {
  const { sizeBytes, limitBytes, freeBytes, totalBytes, minFreeBytes = 0, evictedBytes = 0 } = cache
  return tile(
    'Disk',
    sizeBytes === undefined ? '–' : bytes(sizeBytes),
    diskBar(cache),
    limitBytes === undefined
      ? note('mirrored, with no budget set')
      : note('mirrored, of a budget of ', bytes(limitBytes)),
    freeBytes !== undefined && note(bytes(freeBytes), ' of ', bytes(totalBytes), ' free on disk'),
    minFreeBytes > 0 && note('keeps ', bytes(minFreeBytes), ' free'),
    evictedBytes > 0 && note(bytes(evictedBytes), ' evicted so far'),
  )
}

/** @param {Status} status */
export const showOverview = ({ version, startedAt, cache, traffic, upstreams }) => {
  patch(find('version', HTMLElement), [
    h('span', {}, /^\d/.test(version) ? `v${version}` : version),
    h('span', { class: 'wide' }, ' · started ', time(startedAt)),
  ])
  patch(find('tiles', HTMLElement), [
    hitTile(traffic),
    savedTile(traffic),
    limitTile(upstreams),
    diskTile(cache),
  ])
}

const WIDTH = 600
const HEIGHT = 80
/** The scale does not follow what is next to nothing, in bytes per second. */
const MIN_SCALE = 10_000

/** @param {readonly number[]} values @param {number} scale @param {number} room for how many */
const toPoints = (values, scale, room) => {
  const step = WIDTH / Math.max(room - 1, 1)
  const left = WIDTH - (values.length - 1) * step
  return values.map(
    (value, i) =>
      `${(left + i * step).toFixed(1)},${(HEIGHT - (value / scale) * (HEIGHT - 4) - 1).toFixed(1)}`,
  )
}

/** Samples that there is room for at first, in the drawing. */
const MIN_ROOM = 30

/** @param {readonly import('./rates.js').Rates[]} rates */
export const showTraffic = (rates) => {
  const room = Math.max(MIN_ROOM, rates.length)
  const scale = Math.max(
    MIN_SCALE,
    ...rates.flatMap(({ toClients, fromUpstream }) => [toClients, fromUpstream]),
  )
  const clients = toPoints(
    rates.map(({ toClients }) => toClients),
    scale,
    room,
  )
  const upstream = toPoints(
    rates.map(({ fromUpstream }) => fromUpstream),
    scale,
    room,
  )
  const first = clients[0]?.split(',')[0] ?? WIDTH
  const now = rates.at(-1) ?? { toClients: 0, fromUpstream: 0 }
  const figures = {
    clients: `${formatBytes(now.toClients)}/s`,
    upstream: `${formatBytes(now.fromUpstream)}/s`,
  }
  patch(find('traffic', HTMLElement), [
    h(
      'p',
      { class: 'legend' },
      h('span', { class: 'key clients' }, 'to clients ', h('b', {}, figures.clients)),
      h('span', { class: 'key upstream' }, 'from upstreams ', h('b', {}, figures.upstream)),
    ),
    svg(
      'svg',
      {
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
        preserveAspectRatio: 'none',
        role: 'img',
        'aria-label': `Traffic of the last minutes: now ${figures.clients} to clients, ${figures.upstream} from upstreams`,
      },
      svg('polygon', {
        class: 'area',
        points: [`${first},${HEIGHT}`, ...clients, `${WIDTH},${HEIGHT}`].join(' '),
      }),
      svg('polyline', { class: 'line clients', points: clients.join(' ') }),
      svg('polyline', { class: 'line upstream', points: upstream.join(' ') }),
    ),
  ])
}

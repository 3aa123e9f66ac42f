/** What is being fetched from upstreams at this moment. */
import { find, h, patch } from './dom.js'
import { formatAmount, formatBytes, formatRatio } from './format.js'
import { bar, digest, nothing, time } from './parts.js'

/** @typedef {import('./wire.d.ts').Fetch} Fetch */

/** Most that are shown one by one. */
const MAX_SHOWN = 12

/** @param {Fetch} fetch */
const progressOf = ({ writtenBytes, sizeBytes }) =>
  sizeBytes === undefined
    ? `${formatBytes(writtenBytes)} so far`
    : `${formatBytes(writtenBytes)} of ${formatBytes(sizeBytes)} · ${formatRatio(writtenBytes / Math.max(sizeBytes, 1))}`

/** @param {Fetch} fetch */
const row = (fetch) => {
  const { repository, upstream, writtenBytes, sizeBytes, readers, startedAt, resumes } = fetch
  return h(
    'li',
    { 'data-key': `${repository}@${fetch.digest}` },
    h('p', { class: 'name' }, h('b', {}, repository), ' ', digest(fetch.digest)),
    bar(`Fetch of ${repository}`, writtenBytes, sizeBytes),
    h(
      'p',
      { class: 'note' },
      `${progressOf(fetch)} · from ${upstream} · ${formatAmount(readers, 'client')}`,
      resumes > 0 && ` · resumed ${formatAmount(resumes, 'time')}`,
      ' · ',
      time(startedAt),
    ),
  )
}

/** @param {readonly Fetch[]} fetches */
export const showFetches = (fetches) => {
  const shown = fetches.slice(0, MAX_SHOWN)
  const more = fetches.length - shown.length
  patch(find('fetches', HTMLElement), [
    shown.length > 0 ? h('ul', { class: 'rows' }, ...shown.map(row)) : nothing('Nothing is being fetched.'),
    ...(more > 0 ? [h('p', { class: 'note' }, `and ${formatAmount(more, 'other')}`)] : []),
  ])
}

/** For those who may not know what is fetched. @param {number} active */
export const countFetches = (active) =>
  patch(find('fetches', HTMLElement), [
    nothing(
      active === 0 ? 'Nothing is being fetched.' : `${formatAmount(active, 'fetch', 'fetches')} under way.`,
    ),
  ])

/** What one repository has: its tags with what can be done to each, and its manifests without a tag. */
import { h } from './dom.js'
import { formatAmount, formatCount } from './format.js'
import { button, bytes, cell, digest, nothing, pill, time } from './parts.js'

/** @typedef {import('./wire.d.ts').Contents} Contents */
/** @typedef {import('./wire.d.ts').Tag} Tag */
/** @typedef {import('./wire.d.ts').Manifest} Manifest */

/** Most platforms of an index that are named. */
const MAX_PLATFORMS = 3
/** Most manifests that are shown. */
const MAX_ROWS = 200

/** @param {readonly string[]} [platforms] */
const platformList = (platforms = []) =>
  h(
    'span',
    { title: platforms.join(', ') },
    platforms.slice(0, MAX_PLATFORMS).join(', ') || '–',
    platforms.length > MAX_PLATFORMS && ` +${platforms.length - MAX_PLATFORMS}`,
  )

/** @param {Tag} tag */
const freshness = ({ askedAt, isFresh }) => [
  time(askedAt, '–'),
  isFresh !== undefined && ' ',
  isFresh === true && pill('fresh', 'good'),
  isFresh === false && h('span', { class: 'quiet' }, 'asks again'),
]

/** @param {string} repository @param {string} reference @param {boolean} isPinned */
const pinButton = (repository, reference, isPinned) =>
  button(
    isPinned ? 'Pinned' : 'Pin',
    'pin',
    { repository, reference },
    {
      'aria-pressed': isPinned ? 'true' : 'false',
      'aria-label': `Pin ${repository} ${reference}`,
      title: isPinned
        ? 'Kept whatever the budget says: press to let it go again'
        : 'Keep it whatever the budget says',
    },
  )

/** @param {Contents} contents */
const isLocal = ({ kind }) => kind === 'local'

/** @param {Contents} contents @param {Tag} tag */
const tagActions = (contents, { tag, isPinned }) => {
  const { name } = contents
  const data = { repository: name, tag }
  return h(
    'div',
    { class: 'actions' },
    pinButton(name, tag, isPinned),
    !isLocal(contents) &&
      button('Refresh', 'refresh', data, {
        title: 'Ask the upstream now',
        'aria-label': `Refresh ${name}:${tag}`,
      }),
    !isLocal(contents) &&
      button('Warm', 'warm', data, { title: 'Fetch all of it ahead', 'aria-label': `Warm ${name}:${tag}` }),
    !isLocal(contents) &&
      button('Purge…', 'purge', data, { class: 'danger', 'aria-label': `Purge ${name}:${tag}` }),
  )
}

/** @param {Contents} contents @param {Tag} tag */
const tagRow = (contents, tag) =>
  h(
    'tr',
    { role: 'row', 'data-key': tag.tag },
    h('th', { role: 'rowheader', scope: 'row', class: 'name' }, tag.tag),
    cell('Digest', 'text', digest(tag.digest)),
    cell('Platforms', tag.platforms?.length ? 'text' : 'text empty', platformList(tag.platforms)),
    cell('Size', 'number', bytes(tag.sizeBytes)),
    cell('Frees', 'number', bytes(tag.ownBytes)),
    cell('Asked', 'text', ...freshness(tag)),
    cell('Used', 'text', time(tag.usedAt)),
    cell('Pulls', 'number', formatCount(tag.pulls)),
    cell('', 'do', tagActions(contents, tag)),
  )

/** @param {Contents} contents @param {Manifest} manifest */
const manifestRow = (contents, manifest) =>
  h(
    'tr',
    { role: 'row', 'data-key': manifest.digest },
    h('th', { role: 'rowheader', scope: 'row', class: 'name' }, digest(manifest.digest)),
    cell(
      'Type',
      'text',
      h('span', { title: manifest.mediaType }, manifest.mediaType.replace(/^application\/vnd\./, '')),
    ),
    cell('Size', 'number', bytes(manifest.sizeBytes)),
    cell('Frees', 'number', bytes(manifest.ownBytes)),
    cell('Used', 'text', time(manifest.usedAt)),
    cell(
      '',
      'do',
      h(
        'div',
        { class: 'actions' },
        pinButton(contents.name, manifest.digest, manifest.isPinned),
        !isLocal(contents) &&
          button(
            'Purge…',
            'purge',
            { repository: contents.name, digest: manifest.digest },
            {
              class: 'danger',
              'aria-label': `Purge ${manifest.digest}`,
            },
          ),
      ),
    ),
  )

/** @typedef {readonly [label: string, kind?: string, title?: string]} Column */

/** @type {readonly Column[]} */
const TAG_COLUMNS = [
  ['Tag'],
  ['Digest'],
  ['Platforms'],
  ['Size', 'number'],
  ['Frees', 'number', 'What a purge of it alone would free'],
  ['Asked', '', 'When its upstream was last asked'],
  ['Used'],
  ['Pulls', 'number'],
  ['Actions', 'do'],
]

/** @type {readonly Column[]} */
const MANIFEST_COLUMNS = [
  ['Manifest'],
  ['Type'],
  ['Size', 'number'],
  ['Frees', 'number'],
  ['Used'],
  ['Actions', 'do'],
]

/** @param {string} caption @param {readonly Column[]} columns @param {readonly Node[]} rows */
const table = (caption, columns, rows) =>
  h(
    'table',
    { role: 'table' },
    h('caption', { class: 'unseen' }, caption),
    h(
      'thead',
      { role: 'rowgroup' },
      h(
        'tr',
        { role: 'row' },
        ...columns.map(([label, kind, title]) =>
          h('th', { role: 'columnheader', scope: 'col', class: kind, title }, label),
        ),
      ),
    ),
    h('tbody', { role: 'rowgroup' }, ...rows),
  )

/** @param {Contents} contents */
const tagTable = (contents) => {
  const { name, tags, tagCount } = contents
  if (tags.length === 0) return [nothing('It has no tags.')]
  const rows = tags.map((tag) => tagRow(contents, tag))
  return [
    table(`Tags of ${name}`, TAG_COLUMNS, rows),
    tagCount > tags.length &&
      h('p', { class: 'note' }, `and ${formatAmount(tagCount - tags.length, 'other tag')}`),
  ]
}

/** Those that no tag names; the platforms of an image are among them. @param {Contents} contents */
const manifestTable = (contents) => {
  const untagged = contents.manifests.filter(({ tags }) => tags.length === 0)
  if (untagged.length === 0) return undefined
  const title = formatAmount(
    untagged.length,
    'manifest without a tag of its own',
    'manifests without a tag of their own',
  )
  const rows = untagged.slice(0, MAX_ROWS).map((manifest) => manifestRow(contents, manifest))
  return h(
    'details',
    { 'data-key': 'untagged' },
    h('summary', {}, title),
    table(`Manifests of ${contents.name} without a tag`, MANIFEST_COLUMNS, rows),
    untagged.length > rows.length &&
      h('p', { class: 'note' }, `and ${formatAmount(untagged.length - rows.length, 'other')}`),
  )
}

/** @param {Contents} contents */
export const showContents = (contents) =>
  h('div', { class: 'contents' }, ...tagTable(contents), manifestTable(contents))

/** A repository in its table: a row, and another below it with what it has while it is open. */
import { showContents } from './contents.js'
import { h } from './dom.js'
import { formatCount } from './format.js'
import { button, bytes, cell, nothing, pill, time } from './parts.js'

/** @typedef {import('./wire.d.ts').Contents} Contents */
/** @typedef {import('./wire.d.ts').Repository} Repository */

const COLUMNS = 7

/** @param {Repository} repository */
const source = ({ kind, upstream }) =>
  kind === 'mirrored' ? (upstream ?? 'mirrored') : pill(kind, kind === 'local' ? 'plain' : 'warn')

/** @param {string} text */
const idOf = (text) => `contents-of-${text}`

/** @param {Repository} repository @param {boolean} isOpen */
export const row = (repository, isOpen) => {
  const { name, kind, tags, sizeBytes, usedAt, pulls } = repository
  return h(
    'tr',
    { role: 'row', 'data-key': name, class: isOpen && 'open' },
    h(
      'th',
      { role: 'rowheader', scope: 'row', class: 'name' },
      button(
        name,
        'open',
        { name },
        { class: 'opener', 'aria-expanded': String(isOpen), 'aria-controls': isOpen && idOf(name) },
      ),
    ),
    cell('Source', 'text', source(repository)),
    cell('Tags', 'number', formatCount(tags)),
    cell('Size', 'number', bytes(sizeBytes)),
    cell('Used', 'text', time(usedAt)),
    cell('Pulls', 'number', formatCount(pulls)),
    cell(
      '',
      'do',
      h(
        'div',
        { class: 'actions' },
        kind !== 'local' &&
          button('Purge…', 'purge', { repository: name }, { class: 'danger', 'aria-label': `Purge ${name}` }),
      ),
    ),
  )
}

/** @param {string} name @param {Contents | undefined} contents */
export const below = (name, contents) =>
  h(
    'tr',
    { role: 'row', class: 'below', id: idOf(name), 'data-key': `below ${name}` },
    h(
      'td',
      { role: 'cell', colspan: COLUMNS },
      contents === undefined ? nothing('Looking…') : showContents(contents),
    ),
  )

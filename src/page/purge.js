/** Purge, in two steps: what would go is shown first, and only what was shown can be purged. */
import { api } from './api.js'
import { openDialog } from './dialog.js'
import { find, h, patch } from './dom.js'
import { formatAmount, formatBytes, formatCount, shortenDigest } from './format.js'
import { tell, tellError } from './notice.js'
import { bytes, showProblem } from './parts.js'

/** @typedef {import('./wire.d.ts').Selection} Selection */
/** @typedef {import('./wire.d.ts').Purge} Purge */

/** Most things that are listed one by one. */
const MAX_LISTED = 100

/** @param {Purge['items'][number]} item */
const nameOf = ({ repository, tag, digest }) =>
  [repository, tag !== undefined && `:${tag}`, digest !== undefined && `@${shortenDigest(digest)}`]
    .filter(Boolean)
    .join('')

/** @param {Purge} purge */
const list = ({ items, tags, manifests }) => {
  const shown = items.slice(0, MAX_LISTED)
  const more = Math.max(items.length, tags, manifests) - shown.length
  return [
    h(
      'ul',
      { class: 'items', tabindex: '0', 'aria-label': 'What would go' },
      ...shown.map((item) => h('li', {}, nameOf(item))),
    ),
    ...(more > 0 ? [h('p', { class: 'note' }, `and ${formatCount(more)} more`)] : []),
  ]
}

/** @param {Purge} purge */
const summary = (purge) =>
  h(
    'p',
    { class: 'summary' },
    h('b', {}, bytes(purge.bytes), ' would be freed: '),
    [
      formatAmount(purge.tags, 'tag'),
      formatAmount(purge.manifests, 'manifest'),
      `${formatAmount(purge.blobs, 'blob')} in ${formatAmount(purge.repositories, 'repository', 'repositories')}`,
    ].join(', '),
    '. It comes again with the next pull, as long as its upstream has it.',
  )

/** @param {Purge} purge */
const isNothing = ({ tags, manifests, blobs, repositories }) => tags + manifests + blobs + repositories === 0

/** The part of a dialog that shows what would go, and holds the button that lets it go. */
class Preview {
  #part
  #confirm
  /** What was shown; only that is purged. @type {Selection | undefined} */
  selection

  /** @param {HTMLElement} part @param {HTMLButtonElement} confirm */
  constructor(part, confirm) {
    this.#part = part
    this.#confirm = confirm
  }

  /** Nothing may be purged before it was shown. @param {string} [text] */
  clear(text) {
    this.selection = undefined
    this.#confirm.disabled = true
    this.#confirm.textContent = 'Purge'
    patch(this.#part, text === undefined ? [] : [h('p', { class: 'note' }, text)])
  }

  /** Asks what would go and shows it. @param {Selection} selection */
  async show(selection) {
    this.clear('Looking what would go…')
    try {
      const purge = await api.purge(selection, true)
      if (isNothing(purge)) return this.clear('Nothing fits: there is nothing to purge.')
      this.selection = selection
      this.#confirm.disabled = false
      this.#confirm.textContent = `Purge ${formatBytes(purge.bytes)}`
      patch(this.#part, [summary(purge), ...list(purge)])
    } catch (error) {
      this.clear()
      showProblem(this.#part.id, error)
    }
  }
}

/** @param {Selection | undefined} selection @param {() => void} onChange */
const purge = async (selection, onChange) => {
  if (selection === undefined) return
  try {
    const { tags, manifests, bytes: freed } = await api.purge(selection, false)
    tell(
      `Purged ${formatAmount(tags, 'tag')} and ${formatAmount(manifests, 'manifest')}: ${formatBytes(freed)} freed.`,
    )
    onChange()
  } catch (error) {
    tellError(error)
  }
}

/**
 * Asks whether one thing is to be purged, and does it.
 * @param {string} name of it, as people say it
 * @param {Selection} selection
 * @param {() => void} onChange
 */
export const purgeOne = async (name, selection, onChange) => {
  const preview = new Preview(find('purge-preview', HTMLElement), find('purge-confirm', HTMLButtonElement))
  find('purge-name', HTMLElement).textContent = name
  const closed = openDialog(find('purge-dialog', HTMLDialogElement))
  await preview.show(selection)
  if (await closed) await purge(preview.selection, onChange)
}

/** @param {HTMLFormElement} form @returns {Selection} */
const readSelection = (form) => {
  const fields = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ''))
  if (fields.all === undefined) return fields
  const { all, ...others } = fields
  return { ...others, all: true }
}

/** Purging by pattern, upstream and age. @param {() => void} onChange */
export const startPurge = (onChange) => {
  const form = find('purge-many-form', HTMLFormElement)
  const preview = new Preview(
    find('purge-many-preview', HTMLElement),
    find('purge-many-confirm', HTMLButtonElement),
  )
  form.addEventListener('input', () => preview.clear())
  const look = find('purge-many-look', HTMLButtonElement)
  form.addEventListener('submit', (event) => {
    // Enter in a field comes by the first button, too.
    if (event.submitter !== look) return undefined
    event.preventDefault()
    const selection = readSelection(form)
    if (Object.keys(selection).length > 0) return preview.show(selection)
    return preview.clear('Say what is to go: at least one of the above.')
  })
  find('purge-many', HTMLButtonElement).addEventListener('click', async () => {
    form.reset()
    preview.clear()
    if (await openDialog(find('purge-many-dialog', HTMLDialogElement)))
      await purge(preview.selection, onChange)
  })
}

/** The upstreams that can be chosen. @param {readonly string[]} names */
export const offerUpstreams = (names) => {
  const options = names.map((name) => h('option', { value: name }, name))
  patch(find('purge-upstream', HTMLSelectElement), [h('option', { value: '' }, 'any'), ...options])
}

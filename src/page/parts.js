/** Small parts that every section is made of. */
import { describe } from './api.js'
import { find, h, patch } from './dom.js'
import { formatBytes, formatExactBytes, formatRelative, shortenDigest } from './format.js'

/** @param {number | undefined} value */
export const bytes = (value) =>
  value === undefined
    ? h('span', {}, '–')
    : h('span', { class: 'figure', title: formatExactBytes(value) }, formatBytes(value))

/** A time as people say it, exactly on a closer look. @param {string | undefined} iso @param {string} [never] */
export const time = (iso, never = 'never') => {
  if (iso === undefined) return h('span', { class: 'quiet' }, never)
  const at = new Date(iso)
  return h('time', { datetime: iso, title: at.toLocaleString() }, formatRelative(at.getTime(), Date.now()))
}

/** Times say something else as time goes by. */
export const refreshTimes = () => {
  for (const element of document.querySelectorAll('time'))
    element.textContent = formatRelative(Date.parse(element.dateTime), Date.now())
}

/** @param {string} value */
export const digest = (value) => h('code', { title: value }, shortenDigest(value))

/**
 * How something is, in one word with a colour.
 * @param {string} word
 * @param {'good' | 'bad' | 'warn' | 'plain'} tone
 */
export const pill = (word, tone) => h('span', { class: `pill ${tone}` }, word)

/**
 * @param {string} label for who does not see it
 * @param {number} value
 * @param {number | undefined} max `undefined`: nobody knows
 * @param {string} [tone]
 */
export const bar = (label, value, max, tone) =>
  h('progress', {
    'aria-label': label,
    class: tone,
    ...(max !== undefined && { max: Math.max(max, 1), value: Math.min(value, Math.max(max, 1)) }),
  })

/**
 * A button that {@link import('./dom.js').onAction} hears.
 * @param {string} text
 * @param {string} action
 * @param {Readonly<Record<string, string>>} data to what
 * @param {import('./dom.js').Attributes} [attributes]
 */
export const button = (text, action, data, attributes = {}) =>
  h(
    'button',
    {
      type: 'button',
      'data-action': action,
      ...Object.fromEntries(Object.entries(data).map(([name, value]) => [`data-${name}`, value])),
      ...attributes,
    },
    text,
  )

/** Says in an element's place why there is nothing in it. @param {string} id @param {unknown} error */
export const showProblem = (id, error) =>
  patch(find(id, HTMLElement), [h('p', { class: 'problem' }, describe(error))])

/** @param {string} text said where there is nothing to show */
export const nothing = (text) => h('p', { class: 'nothing' }, text)

/**
 * A cell of a table; on a narrow screen its label stands before it.
 * @param {string} label
 * @param {string} kind
 * @param {...(import('./dom.js').Child | readonly import('./dom.js').Child[])} children
 */
export const cell = (label, kind, ...children) =>
  h('td', { role: 'cell', class: kind, 'data-label': label }, ...children)

/** What has just happened, said once: seen in a corner, read out by a screen reader, gone after a while. */
import { describe } from './api.js'
import { find, h } from './dom.js'

/** How long something good stays to be read, in milliseconds; a failure stays until it is closed. */
const STAY_MS = 8_000
const MAX_NOTICES = 4

/** @param {string} text @param {'good' | 'bad'} [tone] */
export const tell = (text, tone = 'good') => {
  const list = find('notices', HTMLElement)
  const close = h('button', { type: 'button', class: 'close', 'aria-label': 'Close this message' }, '×')
  const notice = h('p', { class: `notice ${tone}` }, h('span', {}, text), close)
  close.addEventListener('click', () => notice.remove())
  list.append(notice)
  while (list.childElementCount > MAX_NOTICES) list.firstElementChild?.remove()
  if (tone === 'good') setTimeout(() => notice.remove(), STAY_MS)
}

/** @param {unknown} error */
export const tellError = (error) => tell(describe(error), 'bad')

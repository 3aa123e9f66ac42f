/** What a pull of something would do now, and why. */
import { api } from './api.js'
import { find, h, patch } from './dom.js'
import { formatAmount } from './format.js'
import { digest, pill, showProblem, time } from './parts.js'
import { statePill } from './upstreams.js'

/** @typedef {import('./wire.d.ts').Explanation} Explanation */

/** @type {Readonly<Record<Explanation['verdict'], readonly [word: string, tone: 'good' | 'bad' | 'warn' | 'plain']>>} */
const VERDICTS = {
  hit: ['hit: served from here', 'good'],
  ask: ['asks the upstream first', 'plain'],
  miss: ['miss: fetched from the upstream', 'warn'],
  stale: ['stale: served without the upstream', 'warn'],
  local: ['local: was pushed here', 'good'],
  refused: ['refused', 'bad'],
}

/** @param {string} name @param {import('./dom.js').Child} value */
const fact = (name, value) => value !== undefined && h('div', {}, h('dt', {}, name), h('dd', {}, value))

/** @param {Explanation} explanation */
const facts = ({
  repository,
  kind,
  upstream,
  upstreamName,
  upstreamState,
  askedAt,
  freshUntil,
  missing = [],
  isPinned,
  ...more
}) =>
  h(
    'dl',
    { class: 'facts' },
    fact('repository', `${repository} (${kind})`),
    fact('digest', more.digest && digest(more.digest)),
    fact(
      'upstream',
      upstream &&
        h(
          'span',
          {},
          upstreamName ? `${upstream}: ${upstreamName} ` : `${upstream} `,
          upstreamState && statePill(upstreamState),
        ),
    ),
    fact('last asked', askedAt && time(askedAt)),
    fact(
      'fresh',
      freshUntil && h('span', {}, Date.parse(freshUntil) > Date.now() ? 'ends ' : 'ended ', time(freshUntil)),
    ),
    fact('missing', missing.length > 0 ? formatAmount(missing.length, 'part') : undefined),
    fact('pinned', isPinned ? 'yes' : undefined),
  )

/** @param {Explanation} explanation */
const show = (explanation) => {
  const [word, tone] = VERDICTS[explanation.verdict] ?? [explanation.verdict, 'plain']
  return [
    h('p', { class: 'verdict' }, h('b', {}, explanation.reference), ' ', pill(word, tone)),
    h('ul', { class: 'reasons' }, ...explanation.reasons.map((reason) => h('li', {}, reason))),
    facts(explanation),
  ]
}

/** Answers the form. */
export const startExplain = () => {
  const answer = find('explanation', HTMLElement)
  find('explain-form', HTMLFormElement).addEventListener('submit', async (event) => {
    event.preventDefault()
    const reference = find('explain-reference', HTMLInputElement).value.trim()
    try {
      patch(answer, show(await api.explain(reference)))
    } catch (error) {
      showProblem('explanation', error)
    }
  })
}

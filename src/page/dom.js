/** Elements from data, and a document that follows them. What comes from elsewhere only ever becomes text or an attribute. */

/** @typedef {Node | string | number | undefined | null | false} Child */
/** @typedef {Readonly<Record<string, string | number | boolean | undefined>>} Attributes */

const SVG = 'http://www.w3.org/2000/svg'

/**
 * @template {Element} E
 * @param {E} element
 * @param {Attributes} attributes
 * @param {readonly (Child | readonly Child[])[]} children
 * @returns {E}
 */
const fill = (element, attributes, children) => {
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined && value !== false)
      element.setAttribute(name, value === true ? '' : String(value))
  for (const child of /** @type {Child[]} */ (children.flat()))
    if (child !== undefined && child !== null && child !== false)
      element.append(typeof child === 'number' ? String(child) : child)
  return element
}

/**
 * An element: `undefined` and `false` leave an attribute or a child out, `true` is an attribute without a value.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} [attributes]
 * @param {...(Child | readonly Child[])} children
 */
export const h = (tag, attributes = {}, ...children) =>
  fill(document.createElement(tag), attributes, children)

/**
 * The same for a drawing.
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} [attributes]
 * @param {...(Child | readonly Child[])} children
 */
export const svg = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children)

/**
 * An element of the page, by its id.
 * @template {Element} E
 * @param {string} id
 * @param {new () => E} type
 * @returns {E}
 */
export const find = (id, type) => {
  const element = document.getElementById(id)
  if (element instanceof type) return element
  throw new Error(`the page has no ${type.name} with the id ${id}`)
}

/** Attributes that belong to whoever uses the page once an element is there. */
const USERS_OWN = new Set(['open', 'aria-busy'])

/** @param {Element} old @param {Element} wanted */
const patchAttributes = (old, wanted) => {
  for (const { name } of [...old.attributes])
    if (!wanted.hasAttribute(name) && !USERS_OWN.has(name)) old.removeAttribute(name)
  for (const { name, value } of wanted.attributes)
    if (old.getAttribute(name) !== value) old.setAttribute(name, value)
}

/** @param {Node} node */
const keyOf = (node) => (node instanceof Element ? (node.getAttribute('data-key') ?? undefined) : undefined)

/** @param {Node} old @param {Node} wanted */
const patchNode = (old, wanted) => {
  if (old instanceof Element && wanted instanceof Element) {
    patchAttributes(old, wanted)
    patch(old, [...wanted.childNodes])
  } else if (old.nodeValue !== wanted.nodeValue) old.nodeValue = wanted.nodeValue
}

/**
 * Makes the children of `parent` look like `wanted`, and changes no more than it must: an element that stays keeps its
 * focus, its selection and the click that is under way. Elements with a `data-key` are known by it.
 * @param {Element} parent
 * @param {readonly Node[]} wanted
 */
export const patch = (parent, wanted) => {
  const byKey = new Map([...parent.childNodes].map((node) => [keyOf(node), node]))
  let at = parent.firstChild
  for (const node of wanted) {
    const key = keyOf(node)
    const old = key === undefined ? at : byKey.get(key)
    if (old && old.nodeName === node.nodeName && keyOf(old) === key) {
      if (old === at) at = at.nextSibling
      else parent.insertBefore(old, at)
      patchNode(old, node)
    } else parent.insertBefore(node, at)
  }
  while (at !== null) {
    const next = at.nextSibling
    at.remove()
    at = next
  }
}

/**
 * Calls `act` for clicks on a button below `root` that says by `data-action` what it does. Its other `data-` attributes say
 * to what. Until the work is done the button takes no second click.
 * @param {Element} root
 * @param {Readonly<Record<string, (data: DOMStringMap, button: HTMLButtonElement) => Promise<void> | void>>} actions
 * @param {(error: unknown) => void} onError
 */
export const onAction = (root, actions, onError) => {
  root.addEventListener('click', async (event) => {
    const button = event.target instanceof Element ? event.target.closest('button[data-action]') : null
    if (!(button instanceof HTMLButtonElement) || button.ariaBusy === 'true') return
    const act = actions[button.dataset.action ?? '']
    if (act === undefined) return
    button.ariaBusy = 'true'
    try {
      await act(button.dataset, button)
    } catch (error) {
      onError(error)
    } finally {
      button.ariaBusy = null
    }
  })
}

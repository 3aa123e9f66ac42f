/**
 * The login of this tab: kept in its session storage, gone with it, sent as a header and never in an address. Whoever shows
 * what needs a login listens to {@link session} for `change`.
 */

const KEY = 'entrepot-admin'

/** @typedef {{ readonly who: string, readonly authorization: string }} Login */

/** Tells by a `change` event that somebody has logged in or out. */
export const session = new EventTarget()

/** @param {string} text */
const toBase64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)))

/** @param {string} token @returns {Login} */
export const tokenLogin = (token) => ({ who: 'admin token', authorization: `Bearer ${token}` })

/** @param {string} account @param {string} password @returns {Login} */
export const accountLogin = (account, password) => ({
  who: account,
  authorization: `Basic ${toBase64(`${account}:${password}`)}`,
})

/** @returns {Login | undefined} */
export const currentLogin = () => {
  const stored = sessionStorage.getItem(KEY)
  return stored === null ? undefined : JSON.parse(stored)
}

/** @param {Login} login one that the server has taken */
export const keepLogin = (login) => {
  sessionStorage.setItem(KEY, JSON.stringify(login))
  session.dispatchEvent(new Event('change'))
}

/** Forgets the login. */
export const dropLogin = () => {
  if (sessionStorage.getItem(KEY) === null) return
  sessionStorage.removeItem(KEY)
  session.dispatchEvent(new Event('change'))
}

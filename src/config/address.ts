/** Addresses to listen on, as distribution writes them: `:5000`, `127.0.0.1:5001`, `[::1]:5000`. */

/** Where to listen on TCP. */
export interface ListenAddress {
  /** `undefined`: on all addresses of the machine. */
  readonly host: string | undefined
  readonly port: number
}

const ADDRESS = /^(?:\[([0-9a-f:.]+(?:%\w+)?)\]|([^\s:[\]]*)):(\d{1,5})$/i

/** What an address looks like, for messages. */
export const ADDRESS_FORM = 'an address with a port, such as :5000, 127.0.0.1:5000 or [::1]:5000'

/** The address written in `text`; `undefined` where it is none, one without a port among them. */
export const parseListenAddress = (text: string): ListenAddress | undefined => {
  const match = ADDRESS.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) return undefined
  return { host: (match[1] ?? match[2]) || undefined, port }
}

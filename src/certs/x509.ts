/**
 * The X.509 library, loaded where certificates are made or taken apart and nowhere else: it costs 130 ms and 17 MB.
 */

/** Loads the library. */
export const loadX509 = async (): Promise<typeof import('@peculiar/x509')> => {
  provideReflection()
  return import('@peculiar/x509')
}

/**
 * The container of objects inside the library refuses to load without two functions of `reflect-metadata`, a polyfill
 * for an abandoned proposal. Nothing in it has any metadata, so "none" is the whole truth.
 */
const provideReflection = (): void => {
  for (const name of ['getMetadata', 'getOwnMetadata'])
    if (!(name in Reflect))
      Object.defineProperty(Reflect, name, { value: () => undefined, configurable: true, writable: true })
}

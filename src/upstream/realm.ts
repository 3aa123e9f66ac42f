/**
 * To which token service an upstream's challenge may send us, and whether the account's password may go there
 * (protocol 5.8; the class of CVE-2026-33540: a registry that names a foreign realm to collect passwords). Pure.
 */
import { literalAddressOf } from './address.ts'

/** What a realm is good for, or why not. */
export type RealmVerdict =
  | { readonly kind: 'trusted'; readonly url: URL }
  /** A token may be asked for anonymously; `why` says what speaks against the password. */
  | { readonly kind: 'anonymous'; readonly url: URL; readonly why: string }
  | { readonly kind: 'unusable'; readonly why: string }

const parse = (realm: string): URL | undefined => {
  try {
    const url = new URL(realm)
    const isWeb = url.protocol === 'https:' || url.protocol === 'http:'
    return isWeb && url.username === '' && url.password === '' ? url : undefined
  } catch {
    return undefined
  }
}

/** The list of public suffixes, loaded where a realm is to be judged: 70 ms. */
const loadSuffixes = () => import('tldts')

/** Suffixes under which strangers have hosts side by side (`github.io`) are no common domain. */
const domainOf = async (hostname: string): Promise<string | undefined> => {
  if (literalAddressOf(hostname) !== undefined) return undefined
  const { getDomain } = await loadSuffixes()
  return getDomain(hostname, { allowPrivateDomains: true }) ?? undefined
}

const isOwnHost = async (hostname: string, own: string): Promise<boolean> => {
  if (hostname === own) return true
  const domain = await domainOf(hostname)
  return domain !== undefined && domain === (await domainOf(own))
}

/**
 * Judges the realm of a challenge.
 * @param remote base URL of the upstream
 * @param realms hosts, with or without a port, that may have the password besides the upstream's own
 */
export const judgeRealm = async (
  realm: string,
  remote: URL,
  realms: readonly string[],
): Promise<RealmVerdict> => {
  const url = parse(realm)
  if (url === undefined) return { kind: 'unusable', why: 'its realm is no absolute http or https URL' }
  const isKnown = realms.includes(url.hostname) || realms.includes(url.host)
  if (!isKnown && !(await isOwnHost(url.hostname, remote.hostname)))
    return {
      kind: 'anonymous',
      url,
      why: `its realm ${url.host} is not in its own domain; \`realms\` can allow it`,
    }
  if (remote.protocol === 'https:' && url.protocol === 'http:')
    return { kind: 'anonymous', url, why: `its realm ${url.host} is not https` }
  return { kind: 'trusted', url }
}

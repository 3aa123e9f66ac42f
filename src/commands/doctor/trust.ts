/** Whether a client's host trusts the mirror's authority. */
import type { Files } from './client.ts'
import { type Finding, ok, problem } from './finding.ts'
import type { Mirror } from './mirror.ts'

/** Where systems keep the authorities that everything trusts: Debian and Alpine, Fedora, SUSE. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
]

/** A certificate without line ends, so that it is found however it is wrapped. */
const bodyOf = (pem: string): string =>
  (/-----BEGIN CERTIFICATE-----([^-]+)-----END/.exec(pem)?.[1] ?? '').replace(/\s/g, '')

/**
 * Whether the mirror's authority is in one of `folders`, or in the system's store; nothing where the mirror needs none.
 * @param remedy what to do where it is not
 */
export const checkTrust = (
  { authority }: Mirror,
  files: Files,
  folders: readonly string[],
  remedy: string,
): readonly Finding[] => {
  if (authority === undefined) return []
  const own = folders.flatMap((folder) =>
    files
      .list(folder)
      .filter((name) => name.endsWith('.crt'))
      .map((name) => `${folder}/${name}`),
  )
  const body = bodyOf(authority.pem)
  const holder = [...own, ...BUNDLES].find((file) =>
    (files.read(file) ?? '').replace(/\s/g, '').includes(body),
  )
  if (holder !== undefined) return [ok(`${holder} has the authority of the mirror`)]
  return [problem(`nothing on this host trusts the authority of the mirror (${authority.file})`, remedy)]
}

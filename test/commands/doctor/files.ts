/** A client's host in memory, and mirrors to set it up for. */
import type { Files } from '../../../src/commands/doctor/client.ts'
import type { Finding } from '../../../src/commands/doctor/finding.ts'
import type { Mirror } from '../../../src/commands/doctor/mirror.ts'

/** Files by their paths. */
export const filesOf = (texts: Readonly<Record<string, string>>): Files => ({
  read: (path) => texts[path],
  list: (folder) =>
    Object.keys(texts).flatMap((path) => {
      const rest = path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : ''
      return rest === '' || rest.includes('/') ? [] : [rest]
    }),
})

/** The body of a certificate, as far as looking for it goes. */
export const PEM = '-----BEGIN CERTIFICATE-----\nTWlycm9y\nQXV0aG9yaXR5\n-----END CERTIFICATE-----\n'

/** A mirror of Docker Hub and ghcr.io by plain HTTP. */
export const PLAIN: Mirror = {
  url: 'http://mirror.example:5000',
  registries: [
    { name: 'docker.io', hosts: ['docker.io'], isDefault: true },
    { name: 'ghcr.io', hosts: ['ghcr.io'], isDefault: false },
  ],
  authority: undefined,
  aliases: new Set(['127.0.0.1:5000', 'localhost:5000']),
}

/** The same by TLS, with an authority of its own. */
export const SECURE: Mirror = {
  ...PLAIN,
  url: 'https://mirror.example:5000',
  authority: { file: '/certs/ca.crt', pem: PEM },
}

/** Findings in short: level and text, without what to do. */
export const inShort = (findings: readonly Finding[]): string[] =>
  findings.map(({ level, text }) => `${level}: ${text}`)

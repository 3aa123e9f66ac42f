/** A certificate for the servers of one case. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createAuthority, issueCertificate } from '../../../src/certs/authority.ts'
import type { Workspace } from '../../e2e/support/workspace.ts'
import type { Certificate } from './server.ts'

const NAMES = [
  { type: 'dns', value: 'localhost' },
  { type: 'ip', value: '127.0.0.1' },
  { type: 'ip', value: '127.0.0.2' },
] as const

/** Makes an authority and a certificate for loopback. */
export const makeCertificate = async (workspace: Workspace): Promise<Certificate> => {
  const folder = await workspace.folder('certificate')
  const validity = { days: 2, nowMs: Date.now() }
  const authority = await createAuthority('benchmark', 'ec', validity)
  const server = await issueCertificate(authority, { commonName: 'localhost', names: NAMES }, 'ec', validity)
  const files = {
    certFile: join(folder, 'server.crt'),
    keyFile: join(folder, 'server.key'),
    caFile: join(folder, 'ca.crt'),
  }
  await writeFile(files.certFile, server.certificate)
  await writeFile(files.keyFile, server.key)
  await writeFile(files.caFile, authority.certificate)
  return files
}

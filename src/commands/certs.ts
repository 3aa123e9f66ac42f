/**
 * `entrepot certs`: an authority of one's own, certificates for registries with the names that clients look at, and what
 * to do on a client's host. Files are never replaced unless that is said.
 */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { createAuthority, issueCertificate, type KeyedCertificate } from '../certs/authority.ts'
import { parseSubjectName, type SubjectName } from '../certs/names.ts'
import { createRequest, signRequest } from '../certs/request.ts'
import { clientSteps } from './client-steps.ts'
import { type AddCommand, CommandError } from './command.ts'
import { showFile } from './show-certificate.ts'
import { PRIVATE_MODE, PUBLIC_MODE, writeNewFile } from './write-file.ts'

/** Ten years. */
const AUTHORITY_DAYS = 3650
/** What the strictest clients take of an authority that was installed by hand. */
const SERVER_DAYS = 825

interface OutputOptions {
  readonly out: string
  readonly force?: true
}

interface KeyOptions {
  readonly rsa?: true
}

interface DayOptions {
  readonly days: string
}

interface AuthorityOptions {
  readonly ca: string
}

/** Adds `certs`. */
export const addCerts: AddCommand = (program) => {
  const certs = program.command('certs').description('certificates for a registry of one’s own')
  withOutput(withKey(certs.command('ca')))
    .option('--name <name>', 'name of the authority', 'entrepot CA')
    .option('--days <days>', 'how long it is valid', String(AUTHORITY_DAYS))
    .description('make a certificate authority: ca.crt and ca.key')
    .action(makeAuthority)
  withOutput(withKey(withAuthority(certs.command('server'))))
    .argument('<name...>', 'hosts and addresses under which clients know the registry')
    .option('--days <days>', 'how long it is valid', String(SERVER_DAYS))
    .description('make a key and a certificate for a registry, signed by the authority')
    .action(makeServer)
  withOutput(withKey(certs.command('request')))
    .argument('<name...>', 'hosts and addresses under which clients know the registry')
    .description('make a key and a request for a certificate, to be signed elsewhere')
    .action(makeRequest)
  withOutput(withAuthority(certs.command('sign')))
    .argument('<request>', 'a request in PEM form (CSR), from here or elsewhere')
    .argument('[name...]', 'instead of the names that it asks for')
    .option('--days <days>', 'how long it is valid', String(SERVER_DAYS))
    .description('sign a request by the authority')
    .action(sign)
  certs
    .command('show')
    .argument('<file...>', 'PEM files')
    .description('say what files hold, and when it expires')
    .action(show)
  certs
    .command('client')
    .argument('<host>', 'host of the registry as in image names, with its port')
    .option('--ca <file>', 'certificate of the authority', 'ca.crt')
    .option('--address <address>', 'address of the registry, for hosts without DNS')
    .description('say what to do on a client’s host so that it trusts the registry')
    .action((host: string, { ca, address }: { ca: string; address?: string }) => {
      process.stdout.write(clientSteps({ host, ca, address }))
    })
}

const withOutput = (command: Command): Command =>
  command
    .option('-o, --out <folder>', 'where the files are written', '.')
    .option('--force', 'replace files that are there already')

const withKey = (command: Command): Command =>
  command.option('--rsa', 'a key of RSA, for clients that know no elliptic curves')

const withAuthority = (command: Command): Command =>
  command.option('--ca <folder>', 'where ca.crt and ca.key are', '.')

const kindOf = ({ rsa }: KeyOptions) => (rsa === true ? ('rsa' as const) : ('ec' as const))

const validityOf = ({ days }: DayOptions) => {
  const number = Number(days)
  if (!Number.isInteger(number) || number < 1)
    throw new CommandError('--days must be a whole number, 1 or more')
  return { days: number, nowMs: Date.now() }
}

const makeAuthority = async (
  options: OutputOptions & KeyOptions & DayOptions & { readonly name: string },
): Promise<void> => {
  await writePair('ca', await createAuthority(options.name, kindOf(options), validityOf(options)), options)
}

const makeServer = async (
  names: readonly string[],
  options: OutputOptions & KeyOptions & DayOptions & AuthorityOptions,
): Promise<void> => {
  const subjects = namesOf(names)
  const authority = await readAuthority(options)
  const subject = { commonName: subjects[0]?.value ?? '', names: subjects }
  const issued = issueCertificate(authority, subject, kindOf(options), validityOf(options))
  const pair = await saying(options.ca, issued)
  const base = baseOf(subjects)
  await writePair(base, pair, options)
  const { out } = options
  process.stdout.write(
    `\nserve with\n  REGISTRY_HTTP_TLS_CERTIFICATE=${join(out, `${base}.crt`)}\n  REGISTRY_HTTP_TLS_KEY=${join(out, `${base}.key`)}\n` +
      `and on each client: entrepot certs client ${subjects[0]?.value}:5000 --ca ${join(options.ca, 'ca.crt')}\n`,
  )
}

const makeRequest = async (names: readonly string[], options: OutputOptions & KeyOptions): Promise<void> => {
  const subjects = namesOf(names)
  const { key, request } = await createRequest(subjects, kindOf(options))
  const base = baseOf(subjects)
  await write(`${base}.key`, key, PRIVATE_MODE, options)
  await write(`${base}.csr`, request, PUBLIC_MODE, options)
}

const sign = async (
  file: string,
  names: readonly string[],
  options: OutputOptions & DayOptions & AuthorityOptions,
): Promise<void> => {
  const authority = await readAuthority(options)
  const request = await readFile(file, 'utf8')
  const certificate = await saying(file, signRequest(authority, request, namesOf(names), validityOf(options)))
  await write(
    `${file.replace(/^.*\//, '').replace(/\.(csr|req|pem)$/, '')}.crt`,
    certificate,
    PUBLIC_MODE,
    options,
  )
}

const show = async (files: readonly string[]): Promise<void> => {
  for (const file of files) process.stdout.write(await saying(file, showFile(file, Date.now())))
}

const namesOf = (names: readonly string[]): SubjectName[] => {
  try {
    return names.map(parseSubjectName)
  } catch (error) {
    throw new CommandError((error as Error).message)
  }
}

/** Files are called after the first name; a wildcard's star and an address's colons are no part of that. */
const baseOf = ([first]: readonly SubjectName[]): string =>
  (first?.value ?? 'server').replace(/^\*\./, 'wildcard.').replaceAll(':', '-')

const readAuthority = async ({ ca }: AuthorityOptions): Promise<KeyedCertificate> => {
  try {
    return {
      certificate: await readFile(join(ca, 'ca.crt'), 'utf8'),
      key: await readFile(join(ca, 'ca.key'), 'utf8'),
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new CommandError(`there is no authority in ${ca}: make one with \`entrepot certs ca\`, or say --ca`)
  }
}

const writePair = async (base: string, pair: KeyedCertificate, options: OutputOptions): Promise<void> => {
  await write(`${base}.key`, pair.key, PRIVATE_MODE, options)
  await write(`${base}.crt`, pair.certificate, PUBLIC_MODE, options)
}

const write = async (
  name: string,
  text: string,
  mode: number,
  { out, force }: OutputOptions,
): Promise<void> => {
  await mkdir(out, { recursive: true })
  const path = join(out, name)
  await writeNewFile(path, text, { mode, replaces: force })
  process.stdout.write(`${path}\n`)
}

/** What a library says is wrong with a file, in a line that names the file. */
const saying = async <T>(file: string, result: Promise<T>): Promise<T> => {
  try {
    return await result
  } catch (error) {
    throw new CommandError(`${file}: ${(error as Error).message}`)
  }
}

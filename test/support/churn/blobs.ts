/** All the ways in which clients bring blobs into a repository. */
import type { Digest } from '../../../src/protocol/digest.ts'
import type { Chance } from './chance.ts'
import type { Ledger } from './ledger.ts'
import type { Ask } from './wire.ts'

const OCTETS = { 'content-type': 'application/octet-stream' }

/** Brings blobs. */
export class BlobCarrier {
  readonly #ask: Ask
  readonly #ledger: Ledger
  readonly #chance: Chance

  constructor(ask: Ask, ledger: Ledger, chance: Chance) {
    this.#ask = ask
    this.#ledger = ledger
    this.#chance = chance
  }

  /** Makes sure, as a client does, that a repository has a blob. */
  async bring(name: string, digest: Digest, bytes: Buffer): Promise<void> {
    if (this.#chance.is(60)) {
      const { status } = await this.#ask('HEAD', `/v2/${name}/blobs/${digest}`)
      if (status === 200) return
      this.#expect(status === 404, `HEAD of ${digest} in ${name}: ${status}`)
    }
    const from = this.#chance.is(40) ? this.#whoHas(digest) : undefined
    if (from !== undefined) return this.#mount(name, digest, bytes, from)
    if (this.#chance.is(25)) {
      const path = `/v2/${name}/blobs/uploads/?digest=${digest}`
      return this.#created(await this.#ask('POST', path, OCTETS, bytes), digest)
    }
    const { headers } = await this.#ask('POST', `/v2/${name}/blobs/uploads/`)
    await this.#upload(String(headers.location), digest, bytes)
  }

  /** Begins a push that ends nowhere. */
  async abandon(name: string, bytes: Buffer): Promise<void> {
    const { headers } = await this.#ask('POST', `/v2/${name}/blobs/uploads/`)
    const next = await this.#ask('PATCH', String(headers.location), OCTETS, bytes.subarray(0, 100))
    this.#expect(next.status === 202, `PATCH in ${name}: ${next.status}`)
    if (this.#chance.is(50)) await this.#ask('DELETE', String(next.headers.location))
  }

  /** A repository that has a blob, unless somebody is about to delete it. */
  #whoHas(digest: Digest): string | undefined {
    const owners = this.#ledger.entries().filter(({ isThere, blobs }) => isThere && blobs.includes(digest))
    return owners.length === 0 ? undefined : this.#chance.of(owners).name
  }

  async #mount(name: string, digest: Digest, bytes: Buffer, from: string): Promise<void> {
    const path = `/v2/${name}/blobs/uploads/?mount=${digest}&from=${from}`
    const { status, headers, body } = await this.#ask('POST', path)
    if (status === 201) return
    this.#expect(status === 202, `mount of ${digest} from ${from}: ${status} ${body}`)
    await this.#upload(String(headers.location), digest, bytes)
  }

  async #upload(location: string, digest: Digest, bytes: Buffer): Promise<void> {
    let next = location
    let rest = bytes
    if (this.#chance.is(40)) {
      const half = Math.floor(bytes.length / 2)
      const answer = await this.#ask('PATCH', next, OCTETS, bytes.subarray(0, half))
      this.#expect(answer.status === 202, `PATCH of ${digest}: ${answer.status} ${answer.body}`)
      next = String(answer.headers.location)
      rest = bytes.subarray(half)
    }
    this.#created(await this.#ask('PUT', `${next}&digest=${digest}`, OCTETS, rest), digest)
  }

  #created({ status, body }: { status: number; body: Buffer }, digest: Digest): void {
    this.#expect(status === 201, `push of ${digest}: ${status} ${body}`)
  }

  #expect(isRight: boolean, what: string): void {
    if (!isRight) this.#ledger.fail(what)
  }
}

/** `entrepot pin [REFERENCE...]` and `unpin`: what is never dropped to make room. */
import type { PinsAnswer } from './admin-answers.ts'
import { type AdminClient, withClient } from './admin-client.ts'
import { type AdminOptions, withServer } from './admin-server.ts'
import type { AddCommand } from './command.ts'
import { referenceOf, resolveImage } from './image-reference.ts'
import { print, printJson } from './print.ts'

/** Adds `pin`. */
export const addPin: AddCommand = (program) => {
  withServer(program.command('pin'))
    .argument('[reference...]', 'alpine:3, alpine@sha256:…; none: list what is pinned')
    .description('keep images: no budget, age or pattern drops them')
    .action(async (references: string[], options: AdminOptions) => {
      await withClient(options, async (client) => {
        for (const text of references) await tell('PUT', client, text)
        if (references.length > 0 && !options.json) return
        const answer = await client.get<PinsAnswer>('/pins')
        if (options.json) printJson(answer)
        else print(showPins(answer))
      })
    })
}

/** Adds `unpin`. */
export const addUnpin: AddCommand = (program) => {
  withServer(program.command('unpin'))
    .argument('<reference...>', 'what is pinned')
    .description('keep images no longer')
    .action(async (references: string[], options: AdminOptions) => {
      await withClient(options, async (client) => {
        for (const text of references) await tell('DELETE', client, text)
        if (options.json) printJson(await client.get<PinsAnswer>('/pins'))
      })
    })
}

const tell = async (method: 'PUT' | 'DELETE', client: AdminClient, text: string): Promise<void> => {
  const image = await resolveImage(client, text)
  const body = { repository: image.name, reference: referenceOf(image) }
  await client.send(method, '/pins', body)
  process.stderr.write(`${formatPin(body)} is ${method === 'PUT' ? 'pinned' : 'pinned no longer'}\n`)
}

const formatPin = ({ repository, reference }: { repository: string; reference: string }): string =>
  `${repository}${reference.includes(':') ? '@' : ':'}${reference}`

const showPins = ({ pins }: PinsAnswer): string =>
  pins.length === 0 ? 'nothing is pinned\n' : pins.map((each) => `${formatPin(each)}\n`).join('')

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UsageError } from '../../src/commands/command.ts'
import { type ImageReference, parseImage } from '../../src/commands/image-reference.ts'

const DIGEST = `sha256:${'0'.repeat(64)}`

describe('a reference that people type', () => {
  const references: [text: string, ImageReference][] = [
    ['alpine', { name: 'alpine' }],
    ['alpine:3.21', { name: 'alpine', tag: '3.21' }],
    ['localhost:5000/team/app', { name: 'localhost:5000/team/app' }],
    ['localhost:5000/team/app:v1', { name: 'localhost:5000/team/app', tag: 'v1' }],
    [`ghcr.io/org/app@${DIGEST}`, { name: 'ghcr.io/org/app', digest: DIGEST }],
    [`app:v1@${DIGEST}`, { name: 'app', tag: 'v1', digest: DIGEST }],
  ]
  for (const [text, image] of references)
    it(`${text} is taken apart`, () => assert.deepEqual(parseImage(text), image))

  for (const text of ['', 'a b', '@', ':3'])
    it(`"${text}" is none`, () => assert.throws(() => parseImage(text), UsageError))
})

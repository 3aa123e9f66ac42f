import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Reloaded } from '../../src/access/reload.ts'

describe('Reloaded', () => {
  let folder = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'entrepot-reload-'))
  })
  after(() => rm(folder, { recursive: true }))

  const setUp = async (name: string, text: string) => {
    const path = join(folder, name)
    await writeFile(path, text)
    const clock = { nowMs: 0 }
    const problems: string[] = []
    const changes: number[] = []
    let parsed = 0
    const file = await Reloaded.open({
      paths: [path],
      parse: ([content = '']) => {
        parsed++
        if (content === 'broken') throw new Error('this makes no sense')
        return content.length
      },
      onProblem: (error) => problems.push(error.message),
      onChange: (value) => changes.push(value),
      now: () => clock.nowMs,
    })
    const later = () => {
      clock.nowMs += 1000
      return file.current()
    }
    return { path, clock, file, problems, changes, later, parsed: () => parsed }
  }

  it('reads a changed file again, at most once a second', async () => {
    const { path, clock, file, changes, parsed, later } = await setUp('changed', 'one')
    assert.equal(await file.current(), 3)
    await writeFile(path, 'three')
    clock.nowMs += 999
    assert.equal(await file.current(), 3)
    clock.nowMs += 1
    assert.equal(await file.current(), 5)
    assert.equal(await later(), 5)
    assert.equal(parsed(), 2, 'an unchanged file is not parsed again')
    assert.deepEqual(changes, [5])
  })

  it('sees a file of the same size that took the place of the old one', async () => {
    const { path, later, parsed } = await setUp('replaced', 'one')
    await writeFile(`${path}.new`, 'two')
    await rename(`${path}.new`, path)
    await later()
    assert.equal(parsed(), 2)
  })

  it('keeps what it has while a file is broken or gone, and says so once for each change', async () => {
    const { path, later, problems } = await setUp('broken', 'one')
    await writeFile(path, 'broken')
    assert.equal(await later(), 3)
    assert.equal(await later(), 3)
    assert.deepEqual(problems, ['this makes no sense'])
    await rm(path)
    assert.equal(await later(), 3)
    assert.equal(await later(), 3)
    assert.equal(problems.length, 2)
    assert.match(problems[1] ?? '', /ENOENT/)
    await writeFile(path, 'back')
    assert.equal(await later(), 4)
  })

  it('looks once for all who ask at the same time', async () => {
    const { path, clock, file, parsed } = await setUp('shared', 'one')
    await writeFile(path, 'three')
    clock.nowMs += 1000
    assert.deepEqual(await Promise.all([file.current(), file.current(), file.current()]), [5, 5, 5])
    assert.equal(parsed(), 2)
  })

  it('throws what is wrong at the first reading', async () => {
    await assert.rejects(setUp('first', 'broken'), /makes no sense/)
    const missing = { paths: [join(folder, 'none')], parse: () => 0, onProblem: () => {} }
    await assert.rejects(Reloaded.open(missing), /ENOENT/)
  })
})

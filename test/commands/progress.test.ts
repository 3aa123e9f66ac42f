import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatProgress, type Progress, ProgressBar, shareOf } from '../../src/commands/progress.ts'
import fc from '../support/fast-check.ts'

const MIB = 2 ** 20

describe('a line of progress', () => {
  const lines: [what: string, Progress, elapsedMs: number, line: string][] = [
    [
      'bytes, things, speed and the time left',
      { done: 1, total: 4, bytes: 50 * MIB, totalBytes: 200 * MIB },
      10_000,
      '[======>                 ]   25 %  50.0 MiB of 200 MiB  1 of 4  5.00 MiB/s  30 s left',
    ],
    [
      'a whole bar at the end',
      { done: 2, total: 2, bytes: 0 },
      5000,
      '[========================]  100 %  2 of 2',
    ],
    ['no bar where no end is known', { done: 7, bytes: MIB }, 1000, '1.00 MiB  7 done  1.00 MiB/s'],
    ['nothing by zero', { done: 0, total: 0, bytes: 0, totalBytes: 0 }, 0, '0 of 0'],
  ]
  for (const [what, progress, elapsedMs, line] of lines)
    it(`shows ${what}`, () => assert.equal(formatProgress(progress, elapsedMs, 200), line))

  it('is always shorter than the terminal is wide, and its share never leaves 0 to 1', () => {
    const progress = fc.record({ done: fc.nat(), total: fc.nat(), bytes: fc.nat(), totalBytes: fc.nat() })
    fc.assert(
      fc.property(progress, fc.nat(), fc.integer({ min: 1, max: 300 }), (each, elapsedMs, columns) => {
        const line = formatProgress(each, elapsedMs, columns)
        assert.ok(line.length < columns && !/NaN|Infinity/.test(line), line)
        const share = shareOf(each) ?? 0
        assert.ok(share >= 0 && share <= 1)
      }),
    )
  })
})

describe('a progress bar', () => {
  const draw = (isTTY: boolean): string => {
    let text = ''
    const screen = { isTTY, columns: 40, write: (more: string) => (text += more) }
    const bar = new ProgressBar(screen, () => 0)
    bar.show({ done: 1, total: 2, bytes: 0 })
    bar.say('a \u001b[31mred name: failed')
    bar.show({ done: 2, total: 2, bytes: 0 })
    bar.clear()
    bar.clear()
    return text
  }

  it('is drawn in place on a terminal, and taken away', () => {
    assert.equal(
      draw(true),
      '\r\u001b[K[============>           ]   50 %  1 of' +
        '\r\u001b[Ka ?[31mred name: failed\n' +
        '\r\u001b[K[========================]  100 %  2 of' +
        '\r\u001b[K',
    )
  })

  it('is drawn on a terminal that does not know its width', () => {
    let text = ''
    const bar = new ProgressBar({ isTTY: true, columns: 0, write: (more) => (text += more) }, () => 0)
    bar.show({ done: 1, total: 2, bytes: 0 })
    assert.match(text, / 50 % {2}1 of 2$/)
  })

  it('is silent elsewhere, but for what is to stay', () => {
    assert.equal(draw(false), 'a ?[31mred name: failed\n')
  })
})

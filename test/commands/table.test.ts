import assert from 'node:assert/strict'
import { it } from 'node:test'
import { formatTable } from '../../src/commands/table.ts'

it('a table aligns words at the left and figures at the right, and ends no line with spaces', () => {
  const columns = [{ heading: 'NAME' }, { heading: 'SIZE', isFigure: true }, { heading: 'NOTE' }]
  assert.equal(
    formatTable(columns, [
      ['library/alpine', '3.5 MiB', ''],
      ['x', '12 B', 'pinned'],
    ]),
    'NAME               SIZE  NOTE\nlibrary/alpine  3.5 MiB\nx                  12 B  pinned\n',
  )
})

it('a table shows what would move the cursor as a question mark', () => {
  assert.equal(formatTable([{ heading: 'A' }], [['x\u001b[2J\ny\u0085']]), 'A\nx?[2J?y?\n')
})

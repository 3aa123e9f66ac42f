import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseText, parseTree, Scalar, TreeError, toValue } from '../../src/config/tree.ts'

const read = (yaml: string): unknown => toValue(parseTree(yaml))

test('YAML is read as version 1.1, as distribution reads it', () => {
  const rows: readonly (readonly [string, unknown])[] = [
    ['a: yes', { a: true }],
    ['a: On', { a: true }],
    ['a: y', { a: true }],
    ['a: no', { a: false }],
    ['a: off', { a: false }],
    ["a: 'yes'", { a: 'yes' }],
    ['a: 1\na: 2', { a: 2 }],
    ['a: &x {b: 1}\nc: {<<: *x, d: 2}', { a: { b: 1 }, c: { b: 1, d: 2 } }],
    ['a: [1, two]', { a: [1, 'two'] }],
    ['a:', { a: null }],
    ['a: ~', { a: null }],
    ['on: x', { on: 'x' }],
    ['5: x', { 5: 'x' }],
    ['{"a": {"b": true}}', { a: { b: true } }],
    ['', null],
    ['# nothing', null],
  ]
  for (const [yaml, value] of rows) assert.deepEqual(read(yaml), value, yaml)
})

test('a scalar that is no text keeps its spelling', () => {
  const tree = parseTree('[0123, yes, 2026-01-02, 1_000, 0x10]')
  assert.ok(Array.isArray(tree))
  assert.deepEqual(
    tree.map((node) => node instanceof Scalar && node.text),
    ['0123', 'yes', '2026-01-02', '1_000', '0x10'],
  )
})

test('a mistake in YAML is told in one line', () => {
  for (const yaml of [
    'a: {b: 1\nc: 3',
    'a: b: c',
    '\ta: 1',
    'a: *nothing',
    'a: "x',
    '%x',
    '- a\nb: c',
    'a: 1\n---\nb: 2',
  ])
    assert.throws(
      () => parseTree(yaml),
      (error) => error instanceof TreeError && error.message !== '' && !error.message.includes('\n'),
      yaml,
    )
})

test('a name of JavaScript is a key like any other', () => {
  const tree = parseTree('__proto__: {a: 1}\nconstructor: 2') as object
  assert.deepEqual(Object.keys(tree), ['__proto__', 'constructor'])
  assert.equal(Object.getPrototypeOf(tree), Object.prototype)
})

test('text from a variable is taken as it is, save quotes around it and nothing at all', () => {
  const rows: readonly (readonly [string, string | null])[] = [
    ['secret', 'secret'],
    ['0123', '0123'],
    ['yes', 'yes'],
    ['pass #word', 'pass #word'],
    ['a: b', 'a: b'],
    ['*star', '*star'],
    ['@at', '@at'],
    ['%x', '%x'],
    ['#x', '#x'],
    ['{x', '{x'],
    ['[a]', '[a]'],
    ['"quoted #1"', 'quoted #1'],
    ["'it''s'", "it's"],
    ['"open', '"open'],
    ['', null],
    ['~', null],
    ['null', null],
  ]
  for (const [given, taken] of rows) assert.equal(parseText(given), taken, given)
})

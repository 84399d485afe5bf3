/** YAML → trees: files, and the values of variables and `--set`. */
import { readFileSync } from 'node:fs'
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLError,
} from 'yaml'
import type { Origin, Problem } from './problem.ts'
import type { Entry, Mapping, Tree } from './tree.ts'

/** What was read: the tree, null where there is none to be had, and what is wrong with it. */
export interface Reading {
  readonly tree: Tree | null
  readonly problems: readonly Problem[]
}

/** More than any configuration has; a few lines of anchors can ask for billions. */
const maxNodes = 100_000
/** Deeper than any setting; an anchor can hold itself. */
const maxDepth = 64

const errorCode = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

const unreadable: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'is a folder, not a file',
  EACCES: 'may not be read by this user',
  ENOTDIR: 'there is no such file: a part of its path is not a folder',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'is not UTF-8',
}

/** Messages of the library that speak of its own affairs, or of the symptom. */
const syntax: Partial<Record<YAMLError['code'], string>> = {
  BLOCK_AS_IMPLICIT_KEY: 'a value with a colon in it needs quotes',
  MULTIPLE_DOCS: 'a second document begins here (---), and a file holds one',
}

/** One conversion of one document: counts the nodes and gathers what is wrong. */
class Conversion {
  readonly problems: Problem[] = []
  #nodes = 0
  readonly #document: Document
  readonly #originAt: (offset: number) => Origin

  constructor(document: Document, originAt: (offset: number) => Origin) {
    this.#document = document
    this.#originAt = originAt
  }

  convert(node: Node | null, path: readonly string[], at: Origin): Tree {
    const origin = node?.range == null ? at : this.#originAt(node.range[0])
    const nothing: Tree = { kind: 'scalar', origin, value: null, written: '' }
    if (++this.#nodes > maxNodes) {
      if (this.#nodes === maxNodes + 1) this.#report(origin, path, `the file grows to more than ${maxNodes} values`)
      return nothing
    }
    if (node === null) return nothing
    if (isAlias(node)) return this.#alias(node, path, origin)
    if (isMap(node)) return { kind: 'mapping', origin, entries: this.#entries(node.items, path, origin) }
    if (isSeq(node)) {
      return { kind: 'list', origin, items: node.items.map((item, i) => this.convert(asNode(item), [...path, String(i)], origin)) }
    }
    const value = isScalar(node) ? node.value : undefined
    if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      return { kind: 'scalar', origin, value, written: isScalar(node) ? (node.source ?? '') : '' }
    }
    this.#report(origin, path, 'is of a kind that no setting has')
    return nothing
  }

  /** What an anchor holds, as if it were written here. */
  #alias(alias: Alias, path: readonly string[], origin: Origin): Tree {
    const target = alias.resolve(this.#document) ?? null
    if (target !== null && path.length <= maxDepth) return this.convert(target, path, origin)
    this.#report(origin, path.slice(0, 3), target === null ? `there is no anchor &${alias.source} before it` : 'holds itself')
    return { kind: 'scalar', origin, value: null, written: '' }
  }

  #entries(pairs: readonly { key: unknown; value: unknown }[], path: readonly string[], at: Origin): Map<string, Entry> {
    const entries = new Map<string, Entry>()
    for (const pair of pairs) {
      const key = asNode(pair.key)
      const origin = key?.range == null ? at : this.#originAt(key.range[0])
      if (!isScalar(key)) {
        this.#report(origin, path, 'the name of a setting must be text')
        continue
      }
      const name = typeof key.value === 'string' ? key.value : (key.source ?? '')
      const first = entries.get(name)
      if (first !== undefined) {
        const line = first.origin.source === 'file' ? `, first in line ${first.origin.line}` : ''
        this.#report(origin, [...path, name], `is there twice${line}`)
        continue
      }
      entries.set(name, { origin, value: this.convert(asNode(pair.value), [...path, name], origin) })
    }
    return entries
  }

  #report(origin: Origin, path: readonly string[], message: string): void {
    this.problems.push({ origin, setting: path.join('.'), message })
  }
}

/** What yaml calls a node is one of its four classes; anything else in a pair is null. */
const asNode = (value: unknown): Node | null => (isScalar(value) || isMap(value) || isSeq(value) || isAlias(value) ? value : null)

const read = (text: string, originAt: (offset: number, lines: LineCounter) => Origin): Reading => {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false, version: '1.2' })
  const wrong = [...document.errors, ...document.warnings].map((error) => ({
    origin: originAt(error.pos[0], lines),
    setting: '',
    message: `is not YAML: ${syntax[error.code] ?? error.message}`,
  }))
  if (wrong.length > 0) return { tree: null, problems: wrong }
  const conversion = new Conversion(document, (offset) => originAt(offset, lines))
  const tree = conversion.convert(document.contents, [], originAt(0, lines))
  return { tree, problems: conversion.problems }
}

/** A file is a mapping, if it can be read at all. */
export interface FileReading extends Reading {
  readonly tree: Mapping | null
}

/** @param file absolute */
export const readYamlFile = (file: string): FileReading => {
  const whole: Origin = { source: 'file', file, line: 0, column: 0 }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file))
  } catch (error) {
    const message = unreadable[errorCode(error)]
    if (message === undefined) throw error
    return { tree: null, problems: [{ origin: whole, setting: '', message }] }
  }
  const reading = read(text, (offset, lines) => {
    const { line, col } = lines.linePos(offset)
    return { source: 'file', file, line, column: col }
  })
  const { tree, problems } = reading
  if (tree === null || tree.kind === 'mapping') return { tree, problems }
  const isEmpty = tree.kind === 'scalar' && tree.value === null
  const wrong = { origin: tree.origin, setting: '', message: 'must hold settings, written `name: value`' }
  return { tree: { kind: 'mapping', origin: tree.origin, entries: new Map() }, problems: isEmpty ? problems : [...problems, wrong] }
}

/**
 * The value of a variable or of `--set`: a list or mapping in YAML's flow form, else a scalar. What only looks like YAML, as the
 * address `::` does, is text.
 */
export const readYamlValue = (text: string, origin: Origin): Reading => {
  const reading = read(text, () => origin)
  const flow = /^\s*[[{"']/.test(text)
  if (flow || (reading.tree?.kind === 'scalar' && !/\s#/.test(text))) return reading
  return { tree: { kind: 'scalar', origin, value: text, written: text }, problems: [] }
}

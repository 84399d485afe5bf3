/**
 * Files, as far as the permission model leaves them open: it takes `..` out of a path as text before it looks whether it is granted; the
 * system walks it. Behind a link the two part, and a descriptor is one: `/proc/self/fd/20/..` is the parent of the folder that is open as
 * 20, and to the model the granted `/proc/self/fd`. So no path with `..` comes to `node:fs` any more (module loaders ask it too; those
 * of `import` take `..` out themselves).
 *
 * Every path is made a plain value once, which is looked at and handed on: what answers in one way now and in another then (a URL with
 * getters, shared memory) comes to nothing.
 */
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { types } from 'node:util'
import { Refused, refuse, replace } from './closing.ts'

// Kept from here on: whoever changes these objects later changes nothing of ours.
const { apply, get, getPrototypeOf, ownKeys } = Reflect
const { isProxy, isUint8Array } = types
// What is imported can be changed later, by `syncBuiltinESMExports`.
const toPath = fileURLToPath
const Octets = Uint8Array
const Promised = Promise
const { then } = Promised.prototype
const { reject } = Promised
const hasInstance = Function.prototype[Symbol.hasInstance]
const indexOf: (text: string, wanted: string) => number = Function.prototype.call.bind(String.prototype.indexOf)

type Anything = (...args: unknown[]) => unknown

/** What takes descriptors, and no path. */
const ofDescriptors = [
  ...[
    'close',
    'fchmod',
    'fchown',
    'fdatasync',
    'fstat',
    'fsync',
    'ftruncate',
    'futimes',
    'read',
    'readv',
    'write',
    'writev',
  ].flatMap((name) => [name, `${name}Sync`]),
  '_toUnixTimestamp',
]

/** What nobody here needs: it goes through folders by itself, or keeps a path for later. */
const closed = ['cp', 'cpSync', 'glob', 'globSync', 'openAsBlob', 'openAsBlobSync', 'watch', 'watchFile']

/** The others take one path, first of all. */
const ofTwoPaths = ['copyFile', 'link', 'rename', 'symlink'].flatMap((name) => [name, `${name}Sync`])

/** What takes a file that is open in the place of a path. */
const ofHandles = ['appendFile', 'readFile', 'writeFile']

const dot = 0x2e
const slash = 0x2f
const backslash = 0x5c

const codesOf = (text: string): Uint8Array => {
  const codes = new Octets(text.length)
  // What is none of the three characters may become anything else that is none of them.
  for (let at = 0; at < codes.length; at += 1)
    codes[at] = text[at] === '.' ? dot : text[at] === '/' || text[at] === '\\' ? slash : 0
  return codes
}

/** Whether one of the names in a path is `..`. */
const climbs = (octets: Uint8Array): boolean => {
  let begin = 0
  for (let at = 0; at <= octets.length; at += 1) {
    if (at < octets.length && octets[at] !== slash && octets[at] !== backslash) continue
    if (at - begin === 2 && octets[begin] === dot && octets[begin + 1] === dot) return true
    begin = at + 1
  }
  return false
}

const checkedText = (path: string): string => {
  if (indexOf(path, '..') !== -1 && climbs(codesOf(path))) throw new Refused('paths with ..')
  return path
}

/** A path as it is handed on. What is none at all is for Node to refuse. */
const plain = (path: unknown): unknown => {
  if (typeof path === 'string') return checkedText(path)
  if (isUint8Array(path)) {
    const copy = new Octets(path)
    if (climbs(copy)) throw new Refused('paths with ..')
    return copy
  }
  if ((typeof path === 'object' && path !== null) || typeof path === 'function') return checkedText(apply(toPath, null, [path]))
  return path
}

/** The prototype of open files, from the first one on: nobody has met it before. */
let handles: object | null = null

const isHandle = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !isProxy(value) && handles !== null && getPrototypeOf(value) === handles

/** Node takes what is an instance for an open file, and all else for a path: nobody else may say what is one. */
const meetHandle = (handle: object): void => {
  if (handles !== null) return
  const prototype = getPrototypeOf(handle)
  if (prototype === null) throw new Refused('open files')
  replace(get(prototype, 'constructor'), Symbol.hasInstance, hasInstance)
  for (const name of ofHandles) {
    const original: Anything = get(prototype, name)
    replace(prototype, name, function (this: unknown, ...args: unknown[]) {
      if (!isHandle(this)) throw new Refused('other files')
      return apply(original, this, args)
    })
  }
  handles = prototype
}

/** Replaces the first arguments, which are paths, by plain ones. */
const makePlain = (args: unknown[], paths: 1 | 2): void => {
  // What is missing stays so: somebody may have put a setter in its place.
  if (args.length > 0) args[0] = plain(args[0])
  if (paths === 2 && args.length > 1) args[1] = plain(args[1])
}

const guarded = (original: Anything, paths: 1 | 2): Anything => {
  const guard = function (this: unknown, ...args: unknown[]) {
    makePlain(args, paths)
    return apply(original, this, args)
  }
  // `realpath.native`, and what `promisify` takes in its place.
  for (const key of ownKeys(original)) {
    const value: unknown = get(original, key)
    if (key !== 'prototype' && typeof value === 'function') replace(guard, key, guarded(value as Anything, paths))
  }
  return guard
}

const promising = (original: Anything, paths: 1 | 2, mayBeHandle: boolean, opens: boolean): Anything =>
  function (this: unknown, ...args: unknown[]) {
    try {
      if (!mayBeHandle || !isHandle(args[0])) makePlain(args, paths)
    } catch (error) {
      return apply(reject, Promised, [error])
    }
    const promise = apply(original, this, args)
    if (!opens || handles !== null) return promise
    const meet = (handle: object) => {
      meetHandle(handle)
      return handle
    }
    return apply(then, promise, [meet])
  }

/** Replaces each function of an object; what a later Node brings counts as taking a path. */
const sealEach = (owner: object, seal: (name: string, original: Anything, paths: 1 | 2) => Anything): void => {
  for (const name of ownKeys(owner)) {
    if (typeof name !== 'string' || ofDescriptors.includes(name) || /^[A-Z]/.test(name)) continue
    const original: unknown = get(owner, name)
    if (typeof original !== 'function') continue
    const paths = ofTwoPaths.includes(name) ? 2 : 1
    replace(owner, name, closed.includes(name) ? refuse('other files') : seal(name, original as Anything, paths))
  }
}

/** Closes `node:fs` and what else takes paths. The classes for streams open by `fs.open`, as it is then. */
export const sealFiles = (): void => {
  const files = process.getBuiltinModule('node:fs')
  const { promises } = files
  sealEach(files, (_, original, paths) => guarded(original, paths))
  sealEach(promises, (name, original, paths) => promising(original, paths, ofHandles.includes(name), name === 'open'))
  for (const name of ['chdir', 'loadEnvFile']) replace(process, name, refuse('other files'))
  replace(process, 'report', Object.freeze({ getReport: refuse('reports'), writeReport: refuse('reports') }))
  replace(process.getBuiltinModule('node:v8'), 'writeHeapSnapshot', refuse('snapshots'))
  const modules = process.getBuiltinModule('node:module')
  for (const name of ['enableCompileCache', 'flushCompileCache']) replace(modules, name, refuse('the compile cache'))
}

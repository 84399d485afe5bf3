/**
 * A program that its runner could not end, since both were killed with -9, is ended by the next one: a note in `data/run` says
 * which process it is.
 */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { asUser, type Identity } from '../../shared/as-user.ts'
import { isAlive, killFamily, parentOf, type Root, send } from './processes.ts'

interface Note extends Root {
  /** The process that looks after it. */
  readonly runner: number
  /** Processes are told apart within one run of the system only. */
  readonly boot: string
}

const noteFile = (data: string, service: string): string => join(data, 'run', `${service}.program`)

const bootOf = (): string => {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    // Another system: its processes cannot be told apart either, see `markOf`.
    return ''
  }
}

/** Notes that this program runs, looked after by this process. */
export const noteProgram = (data: string, service: string, { pid, startTime, tag }: Root): void => {
  const file = noteFile(data, service)
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const note: Note = { pid, startTime, tag, runner: process.pid, boot: bootOf() }
  writeFileSync(file, JSON.stringify(note), { mode: 0o600 })
}

/** Its program and all that belongs to it are gone. */
export const forgetProgram = (data: string, service: string): void => rmSync(noteFile(data, service), { force: true })

const readNote = (data: string, service: string): Note | null => {
  try {
    const value: unknown = JSON.parse(readFileSync(noteFile(data, service), 'utf8'))
    return isNote(value) ? value : null
  } catch (error) {
    // There is none, or its writer was killed over it: before the program had done anything.
    if (error instanceof SyntaxError || (error instanceof Error && 'code' in error && error.code === 'ENOENT')) return null
    throw error
  }
}

const isNote = (value: unknown): value is Note =>
  typeof value === 'object' &&
  value !== null &&
  ['pid', 'runner'].every((name) => typeof Object.getOwnPropertyDescriptor(value, name)?.value === 'number') &&
  ['startTime', 'tag', 'boot'].every((name) => typeof Object.getOwnPropertyDescriptor(value, name)?.value === 'string')

/** Whose process it is; null when it is gone. */
const ownerOf = (pid: number): number | null => statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid ?? null

/** A runner without a supervisor gives its program 4 s; whoever has nobody gets the same. */
const patienceMs = 6_000
const againMs = 25

/**
 * Ends what an earlier run left behind of a service's program: waits for a runner that is still ending it, asks a program that has
 * no runner to end, and kills what does not.
 * @param serving programs that are none: those of the services that run
 * @param user whose note it is where we are root still: only processes of his are ended
 * @returns its process number, or null when there was nothing
 */
export const endLeftover = async (
  data: string,
  service: string,
  serving: readonly (number | null)[] = [],
  user: Identity | null = null,
): Promise<number | null> => {
  const note = asUser(user, () => readNote(data, service))
  if (note === null || note.boot !== bootOf() || note.startTime === '') return null
  if (note.runner === process.pid || serving.includes(note.pid)) return null
  if (user !== null && ownerOf(note.pid) !== user.uid) return null
  const wasAlive = isAlive(note)
  let asked = false
  const giveUpAt = performance.now() + patienceMs
  while (isAlive(note) && performance.now() < giveUpAt) {
    if (!asked && parentOf(note.pid) !== note.runner) {
      send(note.pid, 'SIGTERM')
      asked = true
    }
    await sleep(againMs)
  }
  await killFamily(note)
  asUser(user, () => forgetProgram(data, service))
  return wasAlive ? note.pid : null
}

/** The events of external programs: one function a kind. */
import type { Log } from '../../shared/log/log.ts'
import type { OutputLine } from './output.ts'

/** What a program needs before its first start is being made. */
export const preparing = (log: Log, path: string): void => log.write('info', 'program.preparing', { path })

/** What a program needs before its first start was made. */
export const prepared = (log: Log, path: string, durationMs: number): void =>
  log.write('info', 'program.prepared', { path, durationMs: Math.round(durationMs) })

/** A program was started; its arguments, which may hold secrets, are left out. */
export const started = (log: Log, program: string, pid: number): void => log.write('info', 'program.started', { program, pid })

/** A program serves. */
export const ready = (log: Log, pid: number, durationMs: number): void =>
  log.write('info', 'program.ready', { pid, durationMs: Math.round(durationMs) })

/** A line of a program's output. */
export const output = (log: Log, { stream, text, cut }: OutputLine): void =>
  log.write('info', 'program.output', { stream, text, cut: cut ? true : undefined })

/** A program wrote more lines in one second than the journal takes. */
export const outputDropped = (log: Log, lines: number): void => log.write('warn', 'program.output-dropped', { lines })

/** A program was asked to end. */
export const stopping = (log: Log, pid: number, signal: string, withinMs: number): void =>
  log.write('info', 'program.stopping', { pid, signal, withinMs: Math.round(withinMs) })

/** A program did not end in time, or left processes behind: they were killed. */
export const killed = (log: Log, pid: number, processes: number): void => log.write('warn', 'program.killed', { pid, processes })

/** A program is gone, with all that belonged to it. */
export const ended = (log: Log, pid: number, how: string): void => log.write('info', 'program.ended', { pid, how })

/** A program that an earlier run had left behind was ended. */
export const leftoverEnded = (log: Log, pid: number): void => log.write('warn', 'program.leftover-ended', { pid })

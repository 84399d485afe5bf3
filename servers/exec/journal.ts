/** The events of external programs: one function a kind. */
import type { Log } from '../../shared/log/log.ts'
import type { OutputLine } from './output.ts'

/** What has to be there before the first start is being made. */
export const preparing = (log: Log, path: string): void => log.write('info', 'program.preparing', { path })

/** It is there. */
export const prepared = (log: Log, path: string, durationMs: number): void =>
  log.write('info', 'program.prepared', { path, durationMs: Math.round(durationMs) })

/** The program was started. Its arguments may hold secrets. */
export const started = (log: Log, program: string, pid: number): void => log.write('info', 'program.started', { program, pid })

/** It serves. */
export const ready = (log: Log, pid: number, durationMs: number): void =>
  log.write('info', 'program.ready', { pid, durationMs: Math.round(durationMs) })

/** A line of its output. */
export const output = (log: Log, { stream, text, cut }: OutputLine): void =>
  log.write('info', 'program.output', { stream, text, cut: cut ? true : undefined })

/** It wrote more in one second than the journal takes. */
export const outputDropped = (log: Log, lines: number): void => log.write('warn', 'program.output-dropped', { lines })

/** It was asked to end. */
export const stopping = (log: Log, pid: number, signal: string, withinMs: number): void =>
  log.write('info', 'program.stopping', { pid, signal, withinMs: Math.round(withinMs) })

/** It did not end in time, or left processes behind. */
export const killed = (log: Log, pid: number, processes: number): void => log.write('warn', 'program.killed', { pid, processes })

/** It is gone. */
export const ended = (log: Log, pid: number, how: string): void => log.write('info', 'program.ended', { pid, how })

/** An earlier run had left it running; it was ended. */
export const leftoverEnded = (log: Log, pid: number): void => log.write('warn', 'program.leftover-ended', { pid })

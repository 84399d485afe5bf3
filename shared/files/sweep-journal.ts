/** The events of sweeping: one function a kind. */
import type { Log } from '../log/log.ts'

/** What dead uploads had left was removed. */
export const swept = (log: Log, files: number): void => log.write('info', 'uploads.swept', { files })

/** It could not be: the next time it may. */
export const sweepFailed = (log: Log, error: unknown): void =>
  log.write('error', 'uploads.sweep-failed', { error: error instanceof Error ? error.message : String(error) })

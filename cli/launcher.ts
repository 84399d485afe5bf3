/** The launcher's channel: under an old Node it stays beside us, hands signals on, and ends us with itself. */
import process from 'node:process'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/** What the launcher hands on. */
export type LauncherSignal = (typeof signals)[number]

const readSignal = (message: unknown): LauncherSignal | null => {
  if (
    typeof message !== 'object' ||
    message === null ||
    !('type' in message) ||
    message.type !== 'signal' ||
    !('signal' in message)
  )
    return null
  return signals.find((signal) => signal === message.signal) ?? null
}

/**
 * Listens to the launcher, if there is one.
 * @param onSignal a signal that reached the launcher
 * @param onGone the launcher is dead
 */
export const listenToLauncher = (onSignal: (signal: LauncherSignal) => void, onGone: () => void): void => {
  if (process.channel === undefined) return
  process.on('message', (message) => {
    const signal = readSignal(message)
    if (signal !== null) onSignal(signal)
  })
  process.on('disconnect', onGone)
  // A short command ends when its work is done, launcher or not.
  process.channel?.unref()
}

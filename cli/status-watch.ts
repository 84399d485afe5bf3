/** `havre status --watch`: the table, drawn again and again over itself. */
import { once } from 'node:events'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Look, statusText } from './status-table.ts'
import { type Seen, seeSupervisor } from './supervisor-status.ts'
import { isColourful, wrapped } from './terminal.ts'

/** A screen of its own, so that what was there before comes back; the cursor hidden, since it would flicker over the table. */
const enter = '\u001b[?1049h\u001b[?25l'
const leave = '\u001b[?25h\u001b[?1049l'
const home = '\u001b[H'
const eraseLine = '\u001b[K'
const eraseBelow = '\u001b[J'

/** What is shown of what was seen. */
const textOf = (seen: Seen, look: Look): string => {
  if (seen.kind === 'running') return statusText(seen.status, look)
  const text = seen.kind === 'absent' ? `not running: ${seen.why}` : seen.why
  return (look.width === null ? [text] : wrapped(text, look.width)).join('\n')
}

const look = (): Look => ({ width: process.stdout.columns ?? null, colourful: isColourful(process.stdout), nowMs: Date.now() })

/** One table an interval, with the time, for a file or a pipe. */
const print = async (data: string, everyMs: number, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    const seen = await seeSupervisor(data)
    const text = `${new Date().toISOString()}  ${textOf(seen, look())}\n\n`
    if (!process.stdout.write(text)) await once(process.stdout, 'drain', { signal }).catch(() => undefined)
    await pause(everyMs, signal)
  }
}

const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
  // Aborted: that is what ends it.
  await sleep(ms, undefined, { signal }).catch(() => undefined)
}

/** Draws one frame in one write: each line over the old one, then nothing below. What does not fit the screen is not drawn. */
const frame = (text: string, rows: number): string => {
  const lines = text.split('\n')
  const shown = lines.length > rows ? [...lines.slice(0, rows - 1), `… ${lines.length - rows + 1} more lines`] : lines
  return `${home}${shown.map((line) => line + eraseLine).join('\r\n')}${eraseBelow}`
}

const draw = async (data: string, everyMs: number, signal: AbortSignal): Promise<void> => {
  let seen: Seen | null = null
  const redraw = () => {
    if (seen !== null) process.stdout.write(frame(textOf(seen, look()), process.stdout.rows ?? 24))
  }
  const sleepOn = () => {
    process.stdout.write(leave)
    process.kill(process.pid, 'SIGSTOP')
  }
  const wake = () => {
    process.stdout.write(enter)
    redraw()
  }
  process.stdout.write(enter)
  process.stdout.on('resize', redraw)
  process.on('SIGTSTP', sleepOn).on('SIGCONT', wake)
  try {
    while (!signal.aborted) {
      seen = await Promise.race([seeSupervisor(data), ended(signal)])
      if (seen === null) break
      redraw()
      await pause(everyMs, signal)
    }
  } finally {
    process.stdout.off('resize', redraw)
    process.off('SIGTSTP', sleepOn).off('SIGCONT', wake)
    process.stdout.write(leave)
  }
}

const ended = (signal: AbortSignal): Promise<null> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(null)
    else signal.addEventListener('abort', () => resolve(null), { once: true })
  })

/** Shows it until a signal ends it. */
export const watchStatus = async (data: string, everyMs: number): Promise<void> => {
  const end = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => end.abort())
  // Nobody reads any more.
  process.stdout.on('error', () => end.abort())
  await (process.stdout.isTTY === true ? draw : print)(data, everyMs, end.signal)
  // A supervisor that does not answer would hold us for as long as it is waited for.
  process.exit(0)
}

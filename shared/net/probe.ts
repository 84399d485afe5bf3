/** A tiny conversation as a value, and the client that holds it: by it a service shows that it is well. */
import type { Duplex } from 'node:stream'
import { LineSplitter } from './line-splitter.ts'

/**
 * One exchange of a probe, as plain data: it travels between processes. Patterns are regular expressions as text, for a line
 * without its line break.
 */
export interface ProbeStep {
  /** What the client says, line by line, without line breaks; empty: the server speaks first. */
  readonly say: readonly string[]
  /** What the first line of a good answer looks like. */
  readonly hear: string
  /** What the last line of the answer looks like; absent: an answer is one line. */
  readonly last?: string
}

/** A conversation from its beginning to its goodbye. It asks for nothing that a store, the desk or a login would have to answer. */
export type Probe = readonly ProbeStep[]

/** How a probe went. `heard`: the line that was not the one expected; null: the connection ended, or `signal` aborted, before it came. */
export type ProbeOutcome =
  | { readonly outcome: 'well' }
  | { readonly outcome: 'wrong'; readonly step: ProbeStep; readonly heard: string | null }

/** Longer than any line that a good server answers with. */
const longestLineOctets = 8_192

const well: ProbeOutcome = { outcome: 'well' }

/**
 * Holds a probe's conversation on a stream that is connected (and encrypted, where the service is). The stream is left open and
 * belongs to the caller, as do its errors: this ends with the stream's end whatever the reason.
 * @param signal ends the wait for an answer
 */
export const holdProbe = (stream: Duplex, probe: Probe, signal: AbortSignal): Promise<ProbeOutcome> =>
  new Promise((resolve) => {
    const splitter = new LineSplitter(longestLineOctets)
    const steps = [...probe]
    let step = steps.shift()
    let begun = false

    const end = (outcome: ProbeOutcome) => {
      stream.off('data', heard).off('end', gone).off('close', gone).off('error', gone)
      signal.removeEventListener('abort', gone)
      resolve(outcome)
    }
    const gone = () => end(step === undefined ? well : { outcome: 'wrong', step, heard: null })
    const say = () => {
      if (step === undefined) return end(well)
      begun = false
      if (step.say.length > 0) stream.write(step.say.map((line) => `${line}\r\n`).join(''))
    }
    /** @returns whether there is more to hear */
    const line = (text: string): boolean => {
      if (step === undefined) return false
      if (!begun && !new RegExp(step.hear).test(text)) {
        end({ outcome: 'wrong', step, heard: text })
        return false
      }
      begun = true
      if (step.last === undefined || new RegExp(step.last).test(text)) {
        step = steps.shift()
        say()
      }
      return step !== undefined
    }
    const heard = (chunk: Buffer) => {
      for (const each of splitter.push(chunk)) {
        const text = each.kind === 'too-long' ? 'a line that is too long' : each.octets.toString('latin1')
        if (!line(text)) return
      }
    }

    stream.on('data', heard).once('end', gone).once('close', gone).once('error', gone)
    signal.addEventListener('abort', gone, { once: true })
    if (signal.aborted || stream.destroyed) gone()
    else say()
  })

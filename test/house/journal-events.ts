/** The events that the program writes into its journals, read from its sources. */
import { programFiles, textOf } from './sources.ts'

/** A call that writes a record. */
export interface EventCall {
  readonly file: string
  /** The levels it may have. */
  readonly levels: readonly string[]
  /** The event's name; as written, where it is no literal. */
  readonly event: string
  /** The doc comment of the function that it stands in. */
  readonly meaning: string
}

const call = /\.write\(\s*(?<level>[^,;]*?'(?:error|warn|info|debug)'|[a-zA-Z]\w*),\s*(?<event>'[^']*'|[^,)\s]+)/g
const isName = /^'[a-z0-9-]+(?:\.[a-z0-9-]+)+'$/

/** The doc comment of the function, or of the entry, in which this place is: its first part, as one line. */
const commentBefore = (text: string, at: number): string => {
  const from = text.lastIndexOf('/**', at)
  const end = text.indexOf('*/', from)
  const between = text.slice(end, at)
  // One function may stand between the two: the one that it belongs to.
  if (from === -1 || between.split(/^(?:export )?(?:const \w+ =|function )/m).length > 2) return ''
  return text
    .slice(from + 3, end)
    .replace(/\n\s*\*/g, ' ')
    .replace(/@\w+[\s\S]*/, '')
    .replace(/\s+/g, ' ')
    .trim()
}

/** The calls in this text: those with a level, or with an event's name. */
export const eventCallsIn = (file: string, text: string): readonly EventCall[] =>
  [...text.matchAll(call)]
    .map((found) => {
      const level = found.groups?.['level'] ?? ''
      const levels = [...level.matchAll(/'(error|warn|info|debug)'/g)].map(([, name]) => name ?? '')
      return { file, levels, event: found.groups?.['event'] ?? '', meaning: commentBefore(text, found.index) }
    })
    .filter(({ levels, event }) => levels.length > 0 || isName.test(event))

/** All of them. */
export const eventCalls: readonly EventCall[] = programFiles.flatMap((file) => eventCallsIn(file, textOf(file)))

/** Which part writes it, in a word. */
const partOf = (file: string): string =>
  file.startsWith('shared/') ? 'any' : file.startsWith('servers/host/') ? 'every service' : (file.split('/')[1] ?? file)

/** The table of `docs/journal.md`, by part and name. */
export const eventsTable = (): string => {
  const rows = eventCalls.map(({ file, event, levels, meaning }) => ({
    part: partOf(file),
    event: event.slice(1, -1),
    levels: levels.join(', '),
    meaning,
  }))
  rows.sort((one, other) => one.part.localeCompare(other.part, 'en') || one.event.localeCompare(other.event, 'en'))
  const lines = rows.map(
    ({ part, event, levels, meaning }) => `| ${part} | \`${event}\` | ${levels} | ${meaning.replaceAll('|', '\\|')} |`,
  )
  return ['| Written by | Event | Level | Means |', '| --- | --- | --- | --- |', ...lines].join('\n')
}

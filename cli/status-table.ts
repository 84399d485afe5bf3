/** What the supervisor says, as a table for people. */
import { escapeControls } from '../shared/log/render.ts'
import { endpointText } from '../shared/net/endpoint.ts'
import type { ServiceStatus, Status } from './supervisor-status.ts'
import { type Colour, painter, wrapped } from './terminal.ts'

/** How it is to look. */
export interface Look {
  /** Characters in a line; null: as many as it takes. */
  readonly width: number | null
  readonly colourful: boolean
  readonly nowMs: number
}

interface Column {
  readonly title: string
  readonly cell: (service: ServiceStatus, nowMs: number) => string
  /** Numbers are read from the right. */
  readonly right?: true
  /** Where there is no room for all columns, the one with the highest number goes first; without one it stays. */
  readonly goes?: number
  /** Shown only where there is something to show. */
  readonly onlyIf?: (services: readonly ServiceStatus[]) => boolean
}

/** `3 s`, `12 min`, `5 h`, `9 d`: how long. */
const duration = (seconds: number): string => {
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`
}

const since = (time: string | null, nowMs: number): string =>
  time === null ? '-' : duration(Math.max(0, Math.round((nowMs - Date.parse(time)) / 1_000)))

/** Whoever falls silent is let go, not refused. */
const refusedBy = ({ refused = {} }: ServiceStatus): number =>
  Object.entries(refused).reduce((sum, [limit, count]) => (limit === 'idle' ? sum : sum + count), 0)

const columns: readonly Column[] = [
  { title: 'SERVICE', cell: ({ name }) => name },
  { title: 'STATE', cell: ({ state }) => state },
  { title: 'ADDRESS', cell: ({ host, port }) => endpointText({ address: host, port }) },
  { title: 'PID', cell: ({ pid }) => String(pid ?? '-'), right: true, goes: 4 },
  {
    title: 'WORKERS',
    cell: ({ workers }) => String(workers?.length ?? 1),
    right: true,
    goes: 7,
    onlyIf: (services) => services.some(({ workers = [] }) => workers.length > 1),
  },
  { title: 'UP', cell: ({ startedAt }, nowMs) => since(startedAt, nowMs), right: true, goes: 2 },
  { title: 'OPEN', cell: ({ connections }) => String(connections), right: true, goes: 1 },
  { title: 'SERVED', cell: ({ served }) => String(served), right: true, goes: 5 },
  {
    title: 'REFUSED',
    cell: (service) => String(refusedBy(service)),
    right: true,
    goes: 3,
    onlyIf: (services) => services.some((service) => refusedBy(service) > 0),
  },
  { title: 'RESTARTS', cell: ({ restarts }) => String(restarts), right: true, goes: 6 },
  { title: 'MEMORY', cell: ({ memory }) => `${Math.round(memory / 2 ** 20)} MiB`, right: true, goes: 8 },
]

const stateColours: Readonly<Record<string, Colour>> = {
  ready: 'green',
  starting: 'yellow',
  draining: 'yellow',
  waiting: 'yellow',
  failed: 'red',
  stopped: 'dim',
}

const gap = '  '

/** The columns that fit, each with its cells (the title first) and its width. */
const fitted = (services: readonly ServiceStatus[], { width, nowMs }: Look) => {
  let shown = columns
    .filter(({ onlyIf }) => onlyIf?.(services) !== false)
    .map((column) => {
      const cells = [column.title, ...services.map((service) => escapeControls(column.cell(service, nowMs)))]
      return { column, cells, wide: Math.max(...cells.map((cell) => cell.length)) }
    })
  const taken = () => shown.reduce((sum, { wide }) => sum + wide, gap.length * (shown.length - 1))
  while (width !== null && taken() > width) {
    const going = Math.max(...shown.map(({ column }) => column.goes ?? 0))
    if (going === 0) break
    shown = shown.filter(({ column }) => column.goes !== going)
  }
  return shown
}

const troublesOf = ({ name, lastError, nextTry, journal }: ServiceStatus, nowMs: number): readonly string[] => {
  const tryMs = nextTry === undefined || nextTry === null ? null : Math.max(0, Date.parse(nextTry) - nowMs)
  const next = tryMs === null ? '' : `; next try in ${duration(Math.ceil(tryMs / 1_000))}`
  return [
    ...(lastError === null && next === '' ? [] : [`${name}: ${lastError ?? 'is tried again'}${next}`]),
    ...journalTroubles(name, journal),
  ]
}

const journalTroubles = (name: string, journal: ServiceStatus['journal']): readonly string[] => {
  if (journal === undefined) return []
  const dropped = journal.dropped > 0 ? [`${name}: ${journal.dropped} records of the journal are lost`] : []
  return journal.ok ? dropped : [`${name}: the journal cannot be written: ${journal.error ?? 'for an unknown reason'}`, ...dropped]
}

/** All of it, without a line break at its end. */
export const statusText = ({ supervisor, services }: Status, look: Look): string => {
  const { nowMs, width, colourful } = look
  const paint = painter(colourful)
  const shown = fitted(services, look)
  const line = (at: number) => {
    const cells = shown.map(({ column, cells, wide }) => {
      const text = (cells[at] ?? '')[column.right ? 'padStart' : 'padEnd'](wide)
      if (at === 0) return paint(text, 'dim')
      return column.title === 'STATE' ? paint(text, stateColours[cells[at] ?? ''] ?? null) : text
    })
    return cells.join(gap).trimEnd()
  }
  const folded = (text: string) => (width === null ? [text] : wrapped(text, width))
  const title = `havre ${supervisor.version}, pid ${supervisor.pid}, ${supervisor.state}, up ${since(supervisor.startedAt, nowMs)}`
  const troubles = [
    ...journalTroubles('supervisor', supervisor.journal),
    ...services.flatMap((service) => troublesOf(service, nowMs)),
  ].flatMap((text) => folded(escapeControls(text)))
  return [
    ...folded(title),
    '',
    ...[...services.keys(), services.length].map(line),
    ...(services.length === 0 ? ['No service is enabled.'] : []),
    ...(troubles.length > 0 ? ['', ...troubles.map((text) => paint(text, 'yellow'))] : []),
  ].join('\n')
}

/** `docs/standards.md`, read: its tables and what is wrong with their rows. */
import { projectFiles, textOf } from './sources.ts'

/** One row of a standard's table. */
export interface Row {
  /** `line 12: ` and so on are told with what is wrong. */
  readonly line: number
  readonly section: string
  readonly asks: string
  readonly state: string
  /** `file: title`, each. */
  readonly shownBy: readonly string[]
}

/** One standard's table. */
export interface Table {
  /** `RFC 1939`, `draft-somers-ftp-mfxx-04`. */
  readonly standard: string
  readonly rows: readonly Row[]
  /** What does not have the form, a sentence each. */
  readonly wrong: readonly string[]
}

const heading = /^### (?<standard>RFC \d+|draft-[a-z0-9-]+-\d\d): \S.*$/
const head = ['| Section | What it asks | State | Shown by |', '| --- | --- | --- | --- |']

/** The cells of a table's line: `\|` is a bar within one. */
const cellsOf = (line: string): readonly string[] =>
  line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll('\\|', '|'))

const rowOf = (text: string, line: number): Row | string => {
  if (!/^\| .* \|$/.test(text)) return `line ${line}: no row of a table`
  const cells = cellsOf(text)
  const [section = '', asks = '', state = '', shownBy = ''] = cells
  if (cells.length !== 4) return `line ${line}: ${cells.length} cells instead of 4`
  const tests = shownBy.split('<br>').map((each) => each.trim().replace(/^`(.*)`$/, '$1'))
  return { line, section, asks, state, shownBy: tests.filter((each) => each !== '') }
}

const tableOf = (lines: readonly string[], at: number, standard: string): Table => {
  const from = at + 2
  const found = [lines[from], lines[from + 1]]
  if (found[0] !== head[0] || found[1] !== head[1]) return { standard, rows: [], wrong: [`line ${at + 1}: no table below it`] }
  const length = lines.slice(from + 2).findIndex((line) => !line.startsWith('|'))
  const rows = lines.slice(from + 2, length === -1 ? lines.length : from + 2 + length)
  const read = rows.map((text, index) => rowOf(text, from + 3 + index))
  return {
    standard,
    rows: read.filter((row) => typeof row !== 'string'),
    wrong: read.filter((row) => typeof row === 'string'),
  }
}

/** The tables of a page. */
export const tablesIn = (page: string): readonly Table[] => {
  const lines = page.split('\n')
  return lines.flatMap((line, at) => {
    const standard = heading.exec(line)?.groups?.['standard']
    return standard === undefined ? [] : [tableOf(lines, at, standard)]
  })
}

const states = /^(?:done|(?:departs|not done|n\/a): \S.*)$/
/** A test by its title; a row of a table of tests by its name. */
const reference = /^(?<file>test\/[\w/-]+(?:\.(?:test|long)|\/rows\/[\w-]+)\.ts): (?<title>\S.*)$/

/** Whether a file has a test of this title: as a text of its own, quoted as it may be. */
const hasTitle = (code: string, title: string): boolean =>
  ["'", '"', '`'].some(
    (quote) =>
      code.includes(`${quote}${title}${quote}`) || code.includes(`${quote}${title.replaceAll(quote, `\\${quote}`)}${quote}`),
  )

/** What is wrong with a reference to a test; null where it is right. */
export const wrongReference = (shown: string, read: (file: string) => string | null): string | null => {
  const { file, title } = reference.exec(shown)?.groups ?? {}
  if (file === undefined || title === undefined) return `"${shown}" is no test`
  const code = read(file)
  if (code === null) return `${file} does not exist`
  return hasTitle(code, title) ? null : `${file} has no test "${title}"`
}

/** A file of the project; null where there is none of that name. */
export const fileText = (file: string): string | null => (projectFiles.includes(file) ? textOf(file) : null)

/** What is wrong with a row: nothing where it is right. */
export const wrongInRow = (row: Row, read = fileText): readonly string[] => {
  const wrong = row.shownBy.map((shown) => wrongReference(shown, read)).filter((each) => each !== null)
  if (row.section === '') wrong.push('it names no section')
  if (row.asks === '') wrong.push('it does not tell what is asked')
  if (!states.test(row.state)) wrong.push(`"${row.state}" is no state`)
  // What is done, this way or another, can be shown.
  if (/^(?:done|departs)/.test(row.state) && row.shownBy.length === 0) wrong.push('no test shows it')
  return wrong.map((each) => `line ${row.line}: ${each}`)
}

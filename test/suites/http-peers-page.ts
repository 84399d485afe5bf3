/** `docs/http-peers.md`: its tables are written from what the servers answered, and read again by the tests. */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { groups } from './http-peers-rows.ts'
import { whyOf } from './http-peers-why.ts'

/** The columns of answers, ours first. */
export const columns = ['Havre', 'nginx', 'Caddy'] as const
export type Column = (typeof columns)[number]

/** What each answered. */
export type Answers = Readonly<Record<Column, string>>

const page = fileURLToPath(new URL('../../docs/http-peers.md', import.meta.url))
const head = '| Request | Havre | nginx | Caddy | Why |'

/** Characters that would end a cell, or be HTML, or nothing that is seen, as they can be read. */
const cell = (text: string): string =>
  text
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
    .replace(/[\0-\x1f\x7f-\xa0]/g, (octet) => `\\x${octet.charCodeAt(0).toString(16).padStart(2, '0')}`)
const code = (answer: string): string => `\`${answer.replaceAll('|', '\\|')}\``
const text = (found: string): string => found.trim().replaceAll('\\|', '|')

/** @returns the answers by the name of the row as the page writes it, and the reasons that it tells */
export const readPage = async (): Promise<ReadonlyMap<string, Answers & { readonly why: string }>> => {
  const lines = (await readFile(page, 'utf8')).split('\n').filter((line) => /^\| (?!Request \||--- )/.test(line))
  return new Map(
    lines.map((line) => {
      const [name = '', ...cells] = line.slice(1, -1).split(/(?<!\\)\|/)
      const [Havre = '', nginx = '', Caddy = '', why = ''] = cells.map((each) => text(each).replace(/^`(.*)`$/, '$1'))
      return [name.trim(), { Havre, nginx, Caddy, why }] as const
    }),
  )
}

/** A row's name as the page writes it. */
export const nameOnPage = (name: string): string => cell(name).trim()

/** Whether each peer answered as ours did. */
export const isAlike = (answers: Answers): boolean => columns.every((column) => answers[column] === answers.Havre)

/** Writes the tables anew, behind what stands before them. */
export const writePage = async (answers: ReadonlyMap<string, Answers>): Promise<void> => {
  const before = (await readFile(page, 'utf8')).split('\n## ')[0]?.trimEnd() ?? ''
  const tables = Object.entries(groups).map(([title, rows]) => {
    const lines = rows.map(({ name }) => {
      const found = answers.get(name)
      if (found === undefined) throw new Error(`nothing was answered to "${name}"`)
      const cells = columns.map((column) => code(found[column]))
      return `| ${[nameOnPage(name), ...cells, isAlike(found) ? '' : cell(whyOf(name))].join(' | ')} |`
    })
    return `## ${title}\n\n${head}\n| --- | --- | --- | --- | --- |\n${lines.join('\n')}\n`
  })
  await writeFile(page, `${before}\n\n${tables.join('\n')}`)
}

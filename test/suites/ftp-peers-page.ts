/** `docs/ftp-peers.md`: its table is written from what the servers answered, and read again by the tests. */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { dialogues } from './ftp-dialogues.ts'

/** The columns of answers, ours first. */
export const columns = ['Havre', 'vsftpd', 'ProFTPD', 'pyftpdlib'] as const
export type Column = (typeof columns)[number]

/** What each answered. */
export type Answers = Readonly<Record<Column, string>>

const page = fileURLToPath(new URL('../../docs/ftp-peers.md', import.meta.url))
const head = '| Dialogue | Havre | vsftpd | ProFTPD | pyftpdlib | Why |'

const cell = (text: string) => text.replaceAll('|', '\\|')
const text = (found: string) => found.trim().replaceAll('\\|', '|')
const code = (answer: string) => `\`${answer}\``

/** @returns the answers by the dialogue's title, and the reasons that the page tells */
export const readPage = async (): Promise<ReadonlyMap<string, Answers & { readonly why: string }>> => {
  const lines = (await readFile(page, 'utf8')).split('\n')
  const rows = lines.slice(lines.indexOf(head) + 2).filter((line) => line.startsWith('|'))
  return new Map(
    rows.map((line) => {
      const [title = '', ...cells] = line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map(text)
      const [Havre = '', vsftpd = '', ProFTPD = '', pyftpdlib = '', why = ''] = cells.map((each) => each.replace(/^`(.*)`$/, '$1'))
      return [title, { Havre, vsftpd, ProFTPD, pyftpdlib, why }] as const
    }),
  )
}

/** Whether each peer answered as ours did. */
export const isAlike = (answers: Answers): boolean => columns.every((column) => answers[column] === answers.Havre)

/** Writes the table anew, behind what stands before it. */
export const writePage = async (answers: ReadonlyMap<string, Answers>): Promise<void> => {
  const before = (await readFile(page, 'utf8')).split(head)[0] ?? ''
  const rows = dialogues.map(({ title, why = '' }) => {
    const found = answers.get(title)
    if (found === undefined) throw new Error(`nothing was answered to "${title}"`)
    const cells = columns.map((column) => cell(code(found[column])))
    return `| ${[cell(title), ...cells, isAlike(found) ? '' : cell(why)].join(' | ')} |`
  })
  await writeFile(page, `${before}${head}\n| --- | --- | --- | --- | --- | --- |\n${rows.join('\n')}\n`)
}

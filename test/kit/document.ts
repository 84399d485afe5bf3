import { linePattern } from './script.ts'

/** A line of a document, with its number. */
export interface DocumentLine {
  readonly text: string
  readonly line: number
}

/** A command of a document and what it prints. */
export interface Example {
  readonly command: string
  readonly expected: readonly string[]
  readonly line: number
}

/** The fenced blocks of a language. */
export const blocksOf = (document: string, language: string): readonly (readonly DocumentLine[])[] => {
  const found: DocumentLine[][] = []
  let open: DocumentLine[] | null = null
  let fenced = false
  for (const [at, text] of document.split('\n').entries()) {
    if (text.startsWith('```')) {
      if (!fenced && text === `\`\`\`${language}`) {
        open = []
        found.push(open)
      } else open = null
      fenced = !fenced
    } else open?.push({ text, line: at + 1 })
  }
  return found
}

/** The commands of all `console` blocks, with the lines that are to follow each. */
export const examplesOf = (document: string): readonly Example[] =>
  blocksOf(document, 'console').flatMap((block) => {
    const here: { command: string; expected: string[]; line: number }[] = []
    for (const { text, line } of block) {
      if (text.startsWith('$ ')) here.push({ command: text.slice(2), expected: [], line })
      else here.at(-1)?.expected.push(text)
    }
    return here
  })

/** Whether the lines are as expected: a line `…` stands for any number of lines, a `…` within one for any text. */
export const matches = (lines: readonly string[], expected: readonly string[]): boolean => {
  const [first, ...rest] = expected
  if (first === undefined) return lines.length === 0
  if (first === '…') return lines.some((_, at) => matches(lines.slice(at), rest)) || matches([], rest)
  // A trailing … stands for any text, also for none.
  return (
    lines[0] !== undefined && linePattern(first).test(Buffer.from(lines[0]).toString('latin1')) && matches(lines.slice(1), rest)
  )
}

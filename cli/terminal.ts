/** What of a terminal matters to those who print. */
import process from 'node:process'

/** Whether colours are wanted on a stream: a terminal that has them, and nobody who said otherwise (no-color.org). */
export const isColourful = (stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): boolean =>
  stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'

const codes = { red: 31, green: 32, yellow: 33, blue: 34, dim: 2, bold: 1 } as const
export type Colour = keyof typeof codes

/** Text in a colour, where colours are wanted. */
export const painter =
  (colourful: boolean) =>
  (text: string, colour: Colour | null): string =>
    colourful && colour !== null ? `\u001b[${codes[colour]}m${text}\u001b[0m` : text

/** Breaks text at blanks into lines of at most so many characters; a longer word is broken where the line ends. */
export const wrapped = (text: string, width: number): readonly string[] => {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    let rest = line === '' ? word : `${line} ${word}`
    if (rest.length > width && line !== '') {
      lines.push(line)
      rest = word
    }
    for (; rest.length > width; rest = rest.slice(width)) lines.push(rest.slice(0, width))
    line = rest
  }
  return [...lines, line]
}

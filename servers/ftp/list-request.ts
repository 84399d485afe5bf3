import { checkedPath, found, type Grammar } from './grammar.ts'

/** Options of `ls` that mean something here: `a` `d` `F` `l` `R` `r` `t`. */
export type ListOption = 'a' | 'd' | 'F' | 'l' | 'R' | 'r' | 't'

/** What LIST, NLST and STAT ask for. */
export interface ListRequest {
  readonly options: ReadonlySet<ListOption>
  /** As the client wrote it; null: the current folder. */
  readonly path: string | null
  /** Nothing at all was given: STAT is of the session then. */
  readonly bare: boolean
}

const meant: readonly string[] = ['a', 'd', 'F', 'l', 'R', 'r', 't'] satisfies ListOption[]

const isMeant = (letter: string): letter is ListOption => meant.includes(letter)

/** The first word with a dash is options whatever its letters: what `ls` knows and we do not is taken and has no effect. */
const firstOptions = /^ *-([A-Za-z0-9]*)(?: +|$)/

/** A further one is options where clients send such; anything else, `-dash`, is a name. */
const furtherOptions = /^-([aAdFlLRrt1]+)(?: +|$)/

/**
 * Options as clients send them, joined or repeated (`-la`, `-l -a`), and a path, blanks and all. `--` ends the options; a name that
 * could be taken for options is written behind it, or as `./-name`.
 */
export const listRequest: Grammar<ListRequest> = {
  syntax: '[-options] [path]',
  parse: (text) => {
    const options = new Set<ListOption>()
    let rest = text ?? ''
    for (let form = firstOptions; ; form = furtherOptions) {
      const [word, letters] = form.exec(rest) ?? []
      if (word === undefined || letters === undefined) break
      rest = rest.slice(word.length)
      for (const letter of letters.replaceAll('A', 'a')) if (isMeant(letter)) options.add(letter)
    }
    rest = rest.replace(/^--(?: |$)/, '')
    const path = checkedPath(rest)
    return path.ok ? found({ options, path: rest === '' ? null : rest, bare: (text ?? '') === '' }) : path
  },
}

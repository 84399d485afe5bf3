/** Patterns of file names: `*`, `?`, `[a-z]`, `[!a-z]`; anything else stands for itself. */

type Token =
  | { readonly kind: 'star' }
  | { readonly kind: 'any' }
  | { readonly kind: 'one'; readonly character: string }
  | { readonly kind: 'set'; readonly ranges: readonly (readonly [string, string])[]; readonly not: boolean }

const star: Token = { kind: 'star' }

const rangesOf = (members: readonly string[]): (readonly [string, string])[] => {
  const ranges: (readonly [string, string])[] = []
  for (let n = 0; n < members.length; n += 1) {
    const [from = '', dash, to] = members.slice(n, n + 3)
    if (dash === '-' && to !== undefined) {
      ranges.push([from, to])
      n += 2
    } else ranges.push([from, from])
  }
  return ranges
}

const tokensOf = (pattern: string): Token[] => {
  const tokens: Token[] = []
  for (const [found, not, members] of pattern.matchAll(/\[(!?)([^\]]+)\]|./gsu)) {
    if (members !== undefined) tokens.push({ kind: 'set', ranges: rangesOf([...members]), not: not === '!' })
    else if (found === '*') tokens.push(star)
    else tokens.push(found === '?' ? { kind: 'any' } : { kind: 'one', character: found })
  }
  return tokens
}

const fits = (token: Token, character: string): boolean => {
  if (token.kind === 'one') return token.character === character
  if (token.kind === 'set') return token.ranges.some(([from, to]) => from <= character && character <= to) !== token.not
  return true
}

/** Whether a name could be meant as a pattern. */
export const hasPattern = (name: string): boolean => /[*?[]/.test(name)

/** A test for names. Costs at most the product of both lengths, whatever the pattern. */
export const globMatcher = (pattern: string): ((name: string) => boolean) => {
  const tokens = tokensOf(pattern)
  return (name) => {
    const characters = [...name]
    let token = 0
    let at = 0
    // Where the last star stands, and up to where it reaches so far: only that one ever has to reach further.
    let lastStar = -1
    let reached = 0
    while (at < characters.length) {
      const wanted = tokens[token]
      if (wanted?.kind === 'star') {
        lastStar = token
        reached = at
        token += 1
      } else if (wanted !== undefined && fits(wanted, characters[at] ?? '')) {
        token += 1
        at += 1
      } else if (lastStar !== -1) {
        token = lastStar + 1
        reached += 1
        at = reached
      } else return false
    }
    return tokens.slice(token).every(({ kind }) => kind === 'star')
  }
}

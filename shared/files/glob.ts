/** Patterns of file names: `*`, `?`, `[a-z]`, `[!a-z]`, `{one,other}`; anything else stands for itself. */

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
  for (const [found, not, members] of pattern.matchAll(/\[([!^]?)([^\]]+)\]|./gsu)) {
    if (members !== undefined) tokens.push({ kind: 'set', ranges: rangesOf([...members]), not: not !== '' })
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
export const hasPattern = (name: string): boolean => /[*?[]/.test(name) || braces.test(name)

/** Characters of all patterns together that one pattern with braces may stand for; one that stands for more is taken as it is. */
const mostAlternatives = 1024

/** The innermost braces with a comma in them. */
const braces = /\{([^{},]*,[^{}]*)\}/

/** `{a,b}.txt` is `a.txt` or `b.txt`. */
const alternativesOf = (pattern: string): readonly string[] => {
  let patterns = [pattern]
  while (patterns.some((one) => braces.test(one))) {
    patterns = patterns.flatMap((one) => {
      const [all, choices] = braces.exec(one) ?? []
      if (all === undefined || choices === undefined) return [one]
      const at = one.indexOf(all)
      return choices.split(',').map((choice) => one.slice(0, at) + choice + one.slice(at + all.length))
    })
    if (patterns.reduce((sum, { length }) => sum + length, 0) > mostAlternatives) return [pattern]
  }
  return [...new Set(patterns)]
}

/** A test for names. Costs at most the square of a name's length, for few alternatives, whatever the pattern. */
export const globMatcher = (pattern: string): ((name: string) => boolean) => {
  const matchers = alternativesOf(pattern).map(oneMatcher)
  return (name) => matchers.some((matches) => matches(name))
}

const oneMatcher = (pattern: string): ((name: string) => boolean) => {
  // Stars in a row are one.
  const tokens = tokensOf(pattern).filter(({ kind }, n, all) => kind !== 'star' || all[n - 1]?.kind !== 'star')
  const least = tokens.filter(({ kind }) => kind !== 'star').length
  return (name) => {
    const characters = [...name]
    if (characters.length < least) return false
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

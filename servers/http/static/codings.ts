/** Content codings: what compresses an answer, and which ones a client takes (RFC 9110 §8.4.1, §12.5.3). */

/** The codings that we have, by their registered names. */
export type Coding = 'br' | 'zstd' | 'gzip'

/** The best one first: what is smallest for the same trouble. */
export const codings: readonly Coding[] = ['br', 'zstd', 'gzip']

/** What stands behind a file's name in that of its compressed form beside it. */
export const extensions: Record<Coding, string> = { br: '.br', zstd: '.zst', gzip: '.gz' }

/** codings [ weight ]: a token or `*`, and how much it is liked. */
const itemPattern = /^([!#$%&'*+.^_`|~0-9a-z-]+)(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/i

/** Other names of the same (RFC 9110 §8.4.1.3). */
const canonical = (name: string): string => (name === 'x-gzip' ? 'gzip' : name)

const readQualities = (text: string): ReadonlyMap<string, number> => {
  const qualities = new Map<string, number>()
  for (const item of text.split(',')) {
    const [, name, quality] = itemPattern.exec(item.trim()) ?? []
    if (name !== undefined) qualities.set(canonical(name.toLowerCase()), Number(quality ?? 1))
  }
  return qualities
}

/** Whether the client says that it takes nothing that is not coded. */
export const refusesPlain = (text: string | undefined): boolean => {
  const qualities = readQualities(text ?? '')
  return (qualities.get('identity') ?? qualities.get('*')) === 0
}

const none: readonly Coding[] = []

const read = (text: string): readonly Coding[] => {
  const qualities = readQualities(text)
  const others = qualities.get('*')
  // What is not named at all is no reason to leave the content as it is: it is only what remains when nothing else is taken.
  const plain = qualities.get('identity') ?? others ?? 0
  return codings
    .map((coding) => ({ coding, quality: qualities.get(coding) ?? others ?? 0 }))
    .filter(({ quality }) => quality > 0 && quality >= plain)
    .sort((a, b) => b.quality - a.quality)
    .map(({ coding }) => coding)
}

/** Clients of one kind send the same words each time. */
const known = new Map<string, readonly Coding[]>()
const mostKnown = 64
const longestKnown = 200

/**
 * The codings that the client takes at least as gladly as content that is not coded, those it likes best first, among equals ours. None
 * without the field: all would be allowed then, but who does not name them seldom understands them.
 */
export const acceptedCodings = (text: string | undefined): readonly Coding[] => {
  if (text === undefined) return none
  const before = known.get(text)
  if (before !== undefined) return before
  const accepted = read(text)
  if (text.length <= longestKnown) {
    if (known.size >= mostKnown) known.clear()
    known.set(text, accepted)
  }
  return accepted
}

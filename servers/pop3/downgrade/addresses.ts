/** Lists of addresses in ASCII (RFC 5322 §3.4, RFC 6857 §3). */
import { encodedWords, isAscii } from './encoded-words.ts'
import { spoken, type Token, tokensOf, toldComment, written } from './tokens.ts'

/** A mailbox, or a group of them. */
type Entry =
  | { readonly kind: 'mailbox'; readonly tokens: readonly Token[] }
  | { readonly kind: 'group'; readonly name: readonly Token[]; readonly members: readonly (readonly Token[])[] }

/** Null where it is no list. */
const entriesOf = (tokens: readonly Token[]): readonly Entry[] | null => {
  const entries: Entry[] = []
  let group: { readonly name: readonly Token[]; readonly members: (readonly Token[])[] } | null = null
  let current: Token[] = []
  const close = () => {
    if (written(current).trim() !== '') {
      if (group === null) entries.push({ kind: 'mailbox', tokens: current })
      else group.members.push(current)
    }
    current = []
  }
  for (const token of tokens) {
    if (token.kind !== 'separator') current.push(token)
    else if (token.raw === ',') close()
    else if (token.raw === ':') {
      if (group !== null) return null
      group = { name: current, members: [] }
      current = []
    } else {
      close()
      if (group === null) return null
      entries.push({ kind: 'group', ...group })
      group = null
    }
  }
  close()
  return group === null ? entries : null
}

interface Mailbox {
  readonly name: readonly Token[]
  readonly comments: readonly Token[]
  readonly address: string
  /** The address as it is written. */
  readonly raw: string
}

/** Null where it is none: two addresses, or words behind one. */
const mailboxOf = (tokens: readonly Token[]): Mailbox | null => {
  const comments = tokens.filter(({ kind }) => kind === 'comment')
  const others = tokens.filter(({ kind }) => kind !== 'comment')
  const at = others.findIndex(({ kind }) => kind === 'angle')
  if (at === -1) {
    const address = written(others).trim()
    return { name: [], comments, address, raw: address }
  }
  if (written(others.slice(at + 1)).trim() !== '') return null
  const raw = others[at]?.raw ?? ''
  return { name: others.slice(0, at), comments, address: raw.slice(1, -1), raw }
}

/** A name as it is where it is ASCII, else in encoded words. */
const toldName = (name: readonly Token[], before: number): string => {
  const raw = written(name).trim()
  return isAscii(raw) ? raw : encodedWords(spoken(name), before)
}

/**
 * A group of nobody, whose name is the name and what is beyond ASCII behind it: it can be read, and no mail goes to an address that
 * is none (RFC 6857 §3: `=?UTF-8?Q?…?= :;`).
 */
const groupOfNobody = (name: readonly Token[], said: string, comments: readonly Token[], before: number): string => {
  const text = [spoken(name), said].filter((part) => part !== '').join(' ')
  return `${[encodedWords(text, before), ...comments.map(toldComment)].join('\r\n ')} :;`
}

const toldMailbox = (tokens: readonly Token[], before: number): string | null => {
  const all = written(tokens).trim()
  if (isAscii(all)) return all
  const mailbox = mailboxOf(tokens)
  if (mailbox === null) return null
  if (!isAscii(mailbox.address)) return groupOfNobody(mailbox.name, mailbox.address.trim(), mailbox.comments, before)
  return [toldName(mailbox.name, before), mailbox.raw, ...mailbox.comments.map(toldComment)]
    .filter((part) => part !== '')
    .join('\r\n ')
}

const toldEntry = (entry: Entry, before: number): string | null => {
  if (entry.kind === 'mailbox') return toldMailbox(entry.tokens, before)
  const { members } = entry
  const all = `${written(entry.name)}:${members.map(written).join(',')};`.trim()
  if (isAscii(all)) return all
  const comments = entry.name.filter(({ kind }) => kind === 'comment')
  const name = entry.name.filter(({ kind }) => kind !== 'comment')
  const mailboxes = members.map(mailboxOf)
  // A group has no groups in it: where one of its addresses cannot be told, all are told in its name.
  if (mailboxes.some((mailbox) => mailbox === null || !isAscii(mailbox.address)))
    return groupOfNobody(name, members.map((member) => written(member).trim()).join(', '), comments, before)
  const told = members.map((member) => toldMailbox(member, 1)).join(',\r\n ')
  return `${[toldName(name, before), ...comments.map(toldComment)].join('\r\n ')}:${told === '' ? '' : `\r\n ${told}`};`
}

/**
 * The same list in ASCII, an address on each line; what was ASCII is as it was written.
 * @param list   unfolded
 * @param before characters that the first line has already
 * @returns null where it is no list of addresses
 */
export const toldAddresses = (list: string, before: number): string | null => {
  const tokens = tokensOf(list, ',:;')
  const entries = tokens === null ? null : entriesOf(tokens)
  if (entries === null || entries.length === 0) return null
  const told = entries.map((entry, place) => toldEntry(entry, place === 0 ? before : 1))
  return told.includes(null) ? null : told.join(',\r\n ')
}

/** The trace lines that the server puts before a message (RFC 5321 §4.4). */
import type { TlsFacts } from '../../shared/tls/material.ts'
import { isHostName } from './address.ts'

/** What the trace lines tell. */
export interface Trace {
  /** Envelope sender; empty for the null reverse-path. */
  readonly sender: string
  /** As it introduced itself. */
  readonly client: { readonly name: string; readonly extended: boolean }
  /** Whether it spoke LMTP. */
  readonly lmtp: boolean
  /** The client's numeric address. */
  readonly address: string
  /** Our name. */
  readonly hostname: string
  /** Null: the message came in clear. */
  readonly tls: Pick<TlsFacts, 'version' | 'cipher'> | null
  readonly loggedIn: boolean
  /** SMTPUTF8 was given. */
  readonly utf8: boolean
  /** An atom (RFC 5322 §3.2.3). */
  readonly id: string
  /** Told only when it is the only one: the others are nobody's business (RFC 5321 §7.2). */
  readonly recipients: readonly string[]
  readonly date: Date
}

/** `[192.0.2.1]`, `[IPv6:2001:db8::1]` (RFC 5321 §4.1.3). */
export const addressLiteral = (address: string): string => (address.includes(':') ? `[IPv6:${address}]` : `[${address}]`)

/** How the message came: `SMTP`, `ESMTPSA`, `LMTP`, `UTF8LMTPS`, … (RFC 3848, RFC 6531 §4.3). */
export const transmission = ({ client, lmtp, tls, loggedIn, utf8 }: Trace): string => {
  if (!client.extended) return 'SMTP'
  const plain = lmtp ? 'LMTP' : 'ESMTP'
  const spoken = utf8 ? `UTF8${lmtp ? 'LMTP' : 'SMTP'}` : plain
  return `${spoken}${tls === null ? '' : 'S'}${loggedIn ? 'A' : ''}`
}

/** `Sat, 21 Nov 2026 10:02:03 +0000` (RFC 5322 §3.3). */
export const dateTime = (date: Date): string => date.toUTCString().replace('GMT', '+0000')

/** What RFC 8314 §4.3 asks to be recorded; as a comment, which every reader of these lines knows. */
const encryption = (tls: Pick<TlsFacts, 'version' | 'cipher'> | null): string =>
  tls === null ? '' : `\r\n\t(${tls.version} ${tls.cipher})`

/** Return-Path, then Received: they stand before the message's own octets. */
export const traceLines = (trace: Trace): Buffer => {
  const { sender, client, address, hostname, tls, id, recipients, date } = trace
  const literal = addressLiteral(address)
  const [only] = recipients
  const forOne = recipients.length === 1 ? `\r\n\tfor <${only}>` : ''
  return Buffer.from(
    `Return-Path: <${sender}>\r\n` +
      `Received: from ${isHostName(client.name) ? client.name : literal} (${literal})\r\n` +
      `\tby ${hostname} with ${transmission(trace)}${encryption(tls)} id ${id}${forOne};\r\n` +
      `\t${dateTime(date)}\r\n`,
  )
}

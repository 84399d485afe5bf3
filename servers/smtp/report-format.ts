/** A report to the sender about what became of a message (RFC 3464; with addresses beyond ASCII RFC 6533). */
import { dateTime } from './trace.ts'

/** What became of one recipient (RFC 3464 §2.3). */
export interface ReportedRecipient {
  /** `delivered`: it is in the mailbox; `expanded`: in those of the list that the address is; `failed`: it is not. */
  readonly action: 'delivered' | 'expanded' | 'failed'
  /** Without brackets. */
  readonly address: string
  /** `type;address` as RCPT said; null: it did not. */
  readonly originalRecipient: string | null
  /** RFC 3463. */
  readonly status: string
}

/** A report. Nothing in it has line breaks or other control characters. */
export interface Report {
  /** `left@right`. */
  readonly messageId: string
  /** Between the parts: nothing that a message would hold. */
  readonly boundary: string
  readonly from: string
  readonly to: string
  readonly date: Date
  readonly hostname: string
  /** As MAIL said; null: it did not. */
  readonly envelopeId: string | null
  readonly arrivedAt: Date
  readonly recipients: readonly ReportedRecipient[]
  /** Whether the message came with SMTPUTF8, and the report may hold UTF-8 too. */
  readonly utf8: boolean
  /** How much of the message follows. */
  readonly returned: 'full' | 'headers'
}

const words: Readonly<Record<ReportedRecipient['action'], string>> = {
  delivered: 'was delivered into the mailbox',
  expanded: 'was delivered into the mailboxes of the list',
  failed: 'was NOT delivered: the mailbox is full',
}

const subjects: Readonly<Record<ReportedRecipient['action'], string>> = {
  delivered: 'Delivered',
  expanded: 'Delivered',
  failed: 'Not delivered',
}

/** Addresses that are plain ASCII are told as such whatever the message is (RFC 6533 §3). */
const typed = (address: string): string => `${/[^\u0000-\u007f]/.test(address) ? 'utf-8' : 'rfc822'}; ${address}`

/** `type; address`; what came as `\x{…}` is told so again where the report is to be ASCII (RFC 6533 §3: utf-8-addr-xtext). */
const original = (recipient: string, utf8: boolean): string => {
  const [type = '', address = ''] = recipient.split(/;(.*)/s)
  if (utf8 || type.toLowerCase() !== 'utf-8') return `${type}; ${address}`
  return `${type}; ${address.replace(/[^!-~]|[\\+=]/gu, (character) => `\\x{${hexadecimal(character)}}`)}`
}

const hexadecimal = (character: string): string => (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(2, '0')

/** RFC 3461 §6.3 (b): only a name that is whole is one of DNS; `localhost` is not. */
const nameType = (hostname: string): string => (/^[^.]+\./.test(hostname) ? 'dns' : 'x-local-hostname')

const perRecipient = ({ action, address, originalRecipient, status }: ReportedRecipient, utf8: boolean): readonly string[] => [
  '',
  ...(originalRecipient === null ? [] : [`Original-Recipient: ${original(originalRecipient, utf8)}`]),
  `Final-Recipient: ${typed(address)}`,
  `Action: ${action}`,
  `Status: ${status}`,
]

/** Everything up to the first octet of what is returned of the message. */
export const reportHead = (report: Report): Buffer => {
  const { boundary, hostname, recipients, utf8, returned } = report
  const worst = recipients.find(({ action }) => action === 'failed') ?? recipients[0]
  const lines = [
    'Return-Path: <>',
    `From: Mail delivery <${report.from}>`,
    `To: <${report.to}>`,
    `Subject: ${subjects[worst?.action ?? 'delivered']}: your message`,
    `Date: ${dateTime(report.date)}`,
    `Message-ID: <${report.messageId}>`,
    // RFC 3834 §5: nothing shall answer it.
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=${utf8 ? 'global-' : ''}delivery-status;`,
    `\tboundary="${boundary}"`,
    'Content-Transfer-Encoding: 8bit',
    '',
    'This is a report about mail, for programs that know MIME.',
    '',
    `--${boundary}`,
    `Content-Type: text/plain; charset=${utf8 ? 'utf-8' : 'us-ascii'}`,
    'Content-Transfer-Encoding: 8bit',
    '',
    `This is the mail server at ${hostname}.`,
    '',
    'Your message',
    ...recipients.flatMap(({ address, action }) => ['', `  to <${address}>`, `  ${words[action]}.`]),
    '',
    `--${boundary}`,
    `Content-Type: message/${utf8 ? 'global-' : ''}delivery-status`,
    // RFC 3464 §2.1: only this, where it is enough.
    `Content-Transfer-Encoding: ${utf8 ? '8bit' : '7bit'}`,
    '',
    ...(report.envelopeId === null ? [] : [`Original-Envelope-Id: ${report.envelopeId}`]),
    `Reporting-MTA: ${nameType(hostname)}; ${hostname}`,
    `Arrival-Date: ${dateTime(report.arrivedAt)}`,
    ...recipients.flatMap((recipient) => perRecipient(recipient, utf8)),
    '',
    `--${boundary}`,
    `Content-Type: ${returnedType(utf8, returned)}`,
    'Content-Transfer-Encoding: 8bit',
    '',
    '',
  ]
  return Buffer.from(lines.join('\r\n'))
}

const returnedType = (utf8: boolean, returned: Report['returned']): string => {
  if (utf8) return returned === 'full' ? 'message/global' : 'message/global-headers'
  return returned === 'full' ? 'message/rfc822' : 'text/rfc822-headers'
}

/** What stands behind it. */
export const reportTail = ({ boundary }: Report): Buffer => Buffer.from(`\r\n--${boundary}--\r\n`)

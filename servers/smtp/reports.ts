/** Reports about messages that were taken (RFC 3461 §5.2): to whom, about what, and into the sender's mailbox. */
import { randomBytes } from 'node:crypto'
import { type Placed, StoreError } from '../../shared/mail/mail-store.ts'
import * as journal from './journal.ts'
import { type Report, type ReportedRecipient, reportHead, reportTail } from './report-format.ts'
import type { Recipient, Sender, Situation } from './session.ts'

/** A message in the store. */
export interface Delivered {
  readonly transaction: string
  readonly arrivedAt: Date
  readonly sender: Sender
  readonly recipients: readonly Recipient[]
  readonly placed: readonly Placed[]
  /** The accounts that it reached. */
  readonly got: ReadonlySet<string>
}

/**
 * Tells the sender what was asked for: what was delivered where NOTIFY says SUCCESS, which members of a list it did not reach unless
 * NOTIFY says otherwise. A report that fails is journalled, the message stays delivered. Never rejects.
 */
export const report = async (situation: Situation, message: Delivered): Promise<void> => {
  const { sender, transaction } = message
  // RFC 3461 §5.2, RFC 3464 §2: no report about what may itself be one.
  if (sender.address === '') return
  const recipients = message.recipients.flatMap((recipient) => reportedOf(situation, recipient, message.got))
  if (recipients.length === 0) return
  try {
    const answer = await situation.desk.recipient(sender.address)
    if (answer.outcome !== 'local') return journal.reportUnsent(situation.log, transaction, sender.address)
    const placed = await send(situation, message, recipients, answer.accounts)
    journal.reportSent(situation.log, transaction, sender.address, placed)
  } catch (error) {
    // Whatever it is: who sent the message has to hear that it is taken.
    journal.reportFailed(situation.log, transaction, sender.address, error)
  }
}

/** What there is to tell about one recipient. @param got the accounts that the message reached */
const reportedOf = (
  { settings }: Situation,
  { address, accounts, full, notify, originalRecipient }: Recipient,
  got: ReadonlySet<string>,
): readonly ReportedRecipient[] => {
  if (!accounts.some((account) => got.has(account))) return []
  const told: ReportedRecipient[] = []
  const isList = accounts.length + full.length > 1
  if (notify !== null && notify !== 'never' && notify.includes('success'))
    told.push({ action: isList ? 'expanded' : 'delivered', address, originalRecipient, status: '2.0.0' })
  if (notify !== null && (notify === 'never' || !notify.includes('failure'))) return told
  const missed = [...accounts.filter((account) => !got.has(account)), ...full]
  const domain = settings.domains[0] ?? settings.hostname
  for (const account of missed) told.push({ action: 'failed', address: `${account}@${domain}`, originalRecipient, status: '5.2.2' })
  return told
}

const send = async (
  { settings, store }: Situation,
  { transaction, arrivedAt, sender, placed }: Delivered,
  recipients: readonly ReportedRecipient[],
  accounts: readonly string[],
): Promise<readonly string[]> => {
  const source = placed.find(({ id }) => id !== null)
  if (source === undefined || source.id === null) return []
  // RFC 3461 §4.3: the message itself goes back with failures only, its header with any report.
  const isFailure = recipients.some(({ action }) => action === 'failed')
  const form: Report = {
    messageId: `${transaction}.${Date.now().toString(36)}.report@${settings.hostname}`,
    boundary: `=_${randomBytes(18).toString('base64url')}`,
    from: `postmaster@${settings.domains[0] ?? settings.hostname}`,
    to: sender.address,
    date: new Date(),
    hostname: settings.hostname,
    envelopeId: sender.dsn.envelopeId ?? null,
    arrivedAt,
    recipients,
    utf8: sender.utf8,
    returned: isFailure && sender.dsn.ret === 'full' ? 'full' : 'headers',
  }
  const envelope = { sender: '', recipients: accounts.map((account) => ({ address: sender.address, account })), utf8: sender.utf8 }
  const delivery = store.deliver(envelope, { whenFull: 'leave-out' })
  try {
    await delivery.write(reportHead(form))
    const octets = store.read(source.account, source.id)
    for await (const chunk of form.returned === 'full' ? octets : header(octets)) await delivery.write(Buffer.from(chunk))
    await delivery.write(reportTail(form))
  } catch (error) {
    await delivery.abort()
    throw error
  }
  const ids = (await delivery.commit()).flatMap(({ id }) => (id === null ? [] : [id]))
  if (ids.length === 0) throw new StoreError('over-quota', 'the sender has no room for the report')
  return ids
}

const endOfHeader = '\r\n\r\n'

/** A message up to the empty line behind its header. */
async function* header(octets: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let before = Buffer.alloc(0)
  for await (const chunk of octets) {
    const joined = Buffer.concat([before, chunk])
    const end = joined.indexOf(endOfHeader)
    if (end !== -1) {
      // Its last line has its end.
      yield joined.subarray(before.length, Math.max(before.length, end + 2))
      return
    }
    yield chunk
    before = joined.subarray(Math.max(0, joined.length - (endOfHeader.length - 1)))
  }
}

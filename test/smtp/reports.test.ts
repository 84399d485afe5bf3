import { expect } from 'chai'
import { simpleParser } from 'mailparser'
import type { Desk } from '../../shared/accounts/desk.ts'
import { StoreError } from '../../shared/mail/mail-store.ts'
import { type FakeDesk, fakeDesk } from '../kit/fake-desk.ts'
import { FakeStore } from './fake-store.ts'
import { introduced, type SmtpSetup, serveSmtp } from './setup.ts'

/** A desk that knows a list, `team`, of alice and bob. */
const withTeam = (): FakeDesk => {
  const desk = fakeDesk()
  const recipient: Desk['recipient'] = async (address) =>
    address === 'team@havre.test' ? { outcome: 'local', accounts: ['alice', 'bob'] } : desk.recipient(address)
  return { ...desk, recipient }
}

const message = 'Subject: asked\r\nX-Long: a\r\n\tb\r\n\r\nthe body\r\n'

/** Sends a message. @returns the store, what the last reply was, and the service's journal */
const sent = async (mail: string, rcpts: readonly string[], setup: SmtpSetup & { readonly store?: FakeStore } = {}) => {
  const store = setup.store ?? new FakeStore()
  await using running = await serveSmtp({ desk: withTeam(), ...setup, store })
  using client = await introduced(running)
  expect(await client.ask(`MAIL FROM:${mail}`)).to.match(/^250 /)
  for (const rcpt of rcpts) expect(await client.ask(`RCPT TO:${rcpt}`)).to.match(/^250 /)
  await client.ask('DATA')
  const reply = await client.ask(`${message}.`)
  return { store, reply, journal: running.journal }
}

const reportsIn = ({ kept }: FakeStore) => kept.filter(({ octets }) => octets.includes('multipart/report'))

describe('SMTP: reports about messages (RFC 3461 §5.2)', () => {
  it('are made for NOTIFY=SUCCESS, and tell what was delivered', async () => {
    const { store, journal } = await sent('<bob@havre.test> ENVID=QQ+2B1', [
      '<alice@havre.test> NOTIFY=SUCCESS ORCPT=rfc822;former+2Balice@example.org',
      '<bob@havre.test> NOTIFY=FAILURE',
    ])
    const [report] = reportsIn(store)
    expect(store.kept).to.have.length(2)
    expect(report?.envelope).to.deep.include({ sender: '' })
    expect(report?.envelope.recipients).to.deep.equal([{ address: 'bob@havre.test', account: 'bob' }])
    const text = report?.octets.toString() ?? ''
    expect(text.match(/^Return-Path:/gm)).to.have.length(2)
    const mail = await simpleParser(text)
    expect(mail.headers.get('content-type')).to.deep.include({ value: 'multipart/report' })
    expect(mail.headers.get('content-type')).to.have.nested.property('params.report-type', 'delivery-status')
    expect(mail.headers.get('auto-submitted')).to.equal('auto-replied')
    expect(mail.from?.text).to.include('postmaster@havre.test')
    expect(mail.text).to.include('to <alice@havre.test>').and.include('was delivered into the mailbox').and.not.include('bob@')
    // mailparser shows the part for programs with the text.
    expect(
      text
        .split(/\r\n--=_\S+\r\n/)[2]
        ?.replaceAll('\r', '')
        .trim(),
    ).to.match(
      /^Content-Type: message\/delivery-status\nContent-Transfer-Encoding: 7bit\n\nOriginal-Envelope-Id: QQ\+1\nReporting-MTA: x-local-hostname; localhost\nArrival-Date: \w{3}, [^\n]+ \+0000\n\nOriginal-Recipient: rfc822; former\+alice@example\.org\nFinal-Recipient: rfc822; alice@havre\.test\nAction: delivered\nStatus: 2\.0\.0$/,
    )
    const [returned] = mail.attachments
    expect(returned?.contentType).to.equal('text/rfc822-headers')
    expect(returned?.content.toString())
      .to.include('X-Long: a\r\n\tb')
      .and.include('Received: from client.test')
      .and.not.include('the body')
    expect(journal.of('report.sent')[0]?.fields).to.include({ sender: 'bob@havre.test' })
  })

  it('name the server as one of DNS where its name is whole (RFC 3461 §6.3 (b))', async () => {
    const settings = { hostname: 'mail.havre.test' }
    const { store } = await sent('<bob@havre.test>', ['<alice@havre.test> NOTIFY=SUCCESS'], { settings })
    expect(reportsIn(store)[0]?.octets.toString()).to.include('\r\nReporting-MTA: dns; mail.havre.test\r\n')
  })

  it('call a list expanded, once, and keep its members to themselves', async () => {
    const { store } = await sent('<bob@havre.test>', ['<team@havre.test> NOTIFY=SUCCESS'])
    const [report, ...more] = reportsIn(store)
    expect(more).to.have.length(0)
    expect(report?.octets.toString())
      .to.include('Final-Recipient: rfc822; team@havre.test\r\nAction: expanded\r\n')
      .and.not.include('alice')
  })

  for (const [name, mail, rcpt] of [
    ['nothing asks for them', '<bob@havre.test>', '<alice@havre.test>'],
    ['they are asked for on other occasions', '<bob@havre.test> RET=FULL', '<alice@havre.test> NOTIFY=FAILURE,DELAY'],
    ['NOTIFY is NEVER', '<bob@havre.test>', '<alice@havre.test> NOTIFY=NEVER'],
    ['there is no sender, as of a report', '<>', '<alice@havre.test> NOTIFY=SUCCESS,FAILURE'],
  ] as const) {
    it(`are not made where ${name}`, async () => {
      const { store, journal } = await sent(mail, [rcpt])
      expect(store.counts).to.include({ begun: 1, committed: 1 })
      expect(journal.records.filter(({ event }) => event.startsWith('report.'))).to.have.length(0)
    })
  }

  it('are not sent elsewhere, and the journal says so', async () => {
    const { store, journal } = await sent('<a@example.org>', ['<alice@havre.test> NOTIFY=SUCCESS'])
    expect(store.kept).to.have.length(1)
    expect(journal.of('report.unsent')[0]?.fields).to.include({ sender: 'a@example.org' })
  })

  it('return the header only of what was delivered, whatever RET says (§4.3)', async () => {
    const { store } = await sent('<bob@havre.test> RET=FULL', ['<alice@havre.test> NOTIFY=SUCCESS'])
    expect(reportsIn(store)[0]?.octets.toString()).to.include('text/rfc822-headers').and.not.include('the body')
  })

  for (const [ret, type, holdsBody] of [
    ['FULL', 'message/rfc822', true],
    ['HDRS', 'text/rfc822-headers', false],
  ] as const) {
    it(`tell which member of a list was not reached, with what RET=${ret} asks for`, async () => {
      const store = new FakeStore()
      store.full.add('alice')
      const { reply, journal } = await sent(`<bob@havre.test> RET=${ret}`, ['<team@havre.test>'], { store })
      expect(reply).to.match(/^250 2\.0\.0 /)
      const [report] = reportsIn(store)
      const text = report?.octets.toString() ?? ''
      expect(text).to.include('Final-Recipient: rfc822; alice@havre.test\r\nAction: failed\r\nStatus: 5.2.2\r\n')
      expect(text).to.include(`Content-Type: ${type}\r\n`)
      expect(text.includes('\r\n\r\nthe body\r\n'), 'the body').to.equal(holdsBody)
      expect((await simpleParser(text)).subject).to.equal('Not delivered: your message')
      expect(journal.of('mailbox.full')[0]?.fields).to.deep.include({ accounts: ['alice'] })
    })
  }

  it('say nothing of members that were not reached where NOTIFY says so', async () => {
    for (const notify of ['NEVER', 'DELAY']) {
      const store = new FakeStore()
      store.full.add('alice')
      await sent('<bob@havre.test>', [`<team@havre.test> NOTIFY=${notify}`], { store })
      expect(store.kept).to.have.length(1)
    }
  })

  it('hold UTF-8 where the message may (RFC 6533)', async () => {
    const { store } = await sent('<bob@havre.test> SMTPUTF8', ['<alice@havre.test> NOTIFY=SUCCESS ORCPT=utf-8;jürgen@example.org'])
    const [report] = reportsIn(store)
    expect(report?.envelope.utf8).to.equal(true)
    expect(report?.octets.toString())
      .to.include('report-type=global-delivery-status')
      .and.include('Content-Type: message/global-delivery-status')
      .and.include('Original-Recipient: utf-8; jürgen@example.org')
      .and.include('Content-Type: message/global-headers')
  })

  it('are plain ASCII where the message is, whatever the original recipient was (RFC 6533 §3)', async () => {
    const { store } = await sent('<bob@havre.test>', [
      '<alice@havre.test> NOTIFY=SUCCESS ORCPT=utf-8;j\\x{FC}r\\x{2B}\\x{5C}\\x{1F600}@example.org',
    ])
    const text = reportsIn(store)[0]?.octets.toString() ?? ''
    expect(text).to.include('\r\nOriginal-Recipient: utf-8; j\\x{FC}r\\x{2B}\\x{5C}\\x{1F600}@example.org\r\n')
    expect(text).to.match(/^[\t\r\n -~]*$/)
  })

  it('reach those members of a list that have room, where the list is the sender', async () => {
    const store = new FakeStore()
    store.full.add('bob')
    await sent('<team@havre.test>', ['<alice@havre.test> NOTIFY=SUCCESS'], { store })
    expect(reportsIn(store)).to.have.length(1)
    expect(reportsIn(store)[0]?.ids).to.have.length(1)
  })

  for (const [name, faults] of [
    ['the message cannot be read', { read: new StoreError('damaged', 'a test said so') }],
    ['the message is gone', { read: new StoreError('missing', 'a test said so') }],
    ['nobody knows what went wrong', { read: new Error('a test said so') }],
  ] as const) {
    it(`do not undo the delivery when ${name}`, async () => {
      const { store, reply, journal } = await sent('<bob@havre.test>', ['<alice@havre.test> NOTIFY=SUCCESS'], {
        store: new FakeStore(faults),
      })
      expect(reply).to.match(/^250 2\.0\.0 /)
      expect(store.kept).to.have.length(1)
      expect(store.unended).to.equal(0)
      expect(journal.of('report.failed')).to.have.length(1)
    })
  }

  it('do not undo the delivery when the sender has no room for them', async () => {
    const store = new FakeStore()
    store.full.add('bob')
    const { reply, journal } = await sent('<bob@havre.test>', ['<alice@havre.test> NOTIFY=SUCCESS'], { store })
    expect(reply).to.match(/^250 2\.0\.0 /)
    expect(store.kept).to.have.length(1)
    expect(journal.of('report.failed')).to.have.length(1)
  })
})

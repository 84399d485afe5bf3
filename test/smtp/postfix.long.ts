import { writeFile } from 'node:fs/promises'
import process from 'node:process'
import { expect } from 'chai'
import { eventually } from '../kit/eventually.ts'
import { testKeys } from '../kit/keys.ts'
import { storeOf } from '../kit/mailbox.ts'
import { describeWith } from '../kit/programs.ts'
import { type Running, serve } from '../kit/serving.ts'
import { testMessage } from '../whole/conversations.ts'
import { startPostfix } from './postfix.ts'

/** The messages of an account from their own header on, behind all trace lines. */
const delivered = async (running: Running, account: string): Promise<readonly string[]> => {
  const store = await storeOf(running.settings)
  try {
    const all: string[] = []
    for (const { id } of await store.list(account)) {
      const message = Buffer.concat(await Array.fromAsync(store.read(account, id))).toString('latin1')
      all.push(message.slice(message.indexOf('X-Test: ')))
    }
    return all
  } finally {
    await store.close()
  }
}

const said = ({ journal }: Running): readonly string[] =>
  journal.of('conversation.client').map(({ fields }) => String(fields['text']))

/** So many recipients have an outcome in its log; its own bounces, which nobody takes, are not counted. */
const outcomes = (log: () => Promise<string>, count: number): Promise<string[]> =>
  eventually(async () => {
    const told = (await log()).match(/to=<[^>]*>.* dsn=\S+, status=\w+/g) ?? []
    const found = told.filter((line) => !line.startsWith('to=<s@example.org>'))
    expect(found, await log()).to.have.length.at.least(count)
    return found.map((line) => line.replace(/^to=<([^>]*)>.* dsn=(\S+), status=(\w+)$/, '$1 $2 $3')).sort()
  }, 60_000)

describeWith(['postfix', 'sendmail'], 'SMTP: Postfix hands mail on to us', function () {
  this.timeout(900_000)
  const messages = [testMessage('one', 3_000), testMessage('two', 500_000)]

  beforeEach(function () {
    // Its master needs root.
    if (process.getuid?.() !== 0) this.skip()
  })

  it('dots, 8-bit, long lines and half a megabyte, each octet as it was; who is unknown it learns one by one', async () => {
    await using running = await serve({ service: 'smtp' })
    await using postfix = await startPostfix({ relayhost: `[${running.host}]:${running.port}` })
    for (const message of messages) await postfix.submit(message, '-f', 's@example.org', 'alice@havre.test', 'bob@havre.test')
    await postfix.submit(messages[0] ?? Buffer.alloc(0), '-f', '', 'nobody@havre.test', 'bob@havre.test', 'x@elsewhere.test')
    expect(await outcomes(postfix.log, 7)).to.deep.equal([
      'alice@havre.test 2.0.0 sent',
      'alice@havre.test 2.0.0 sent',
      'bob@havre.test 2.0.0 sent',
      'bob@havre.test 2.0.0 sent',
      'bob@havre.test 2.0.0 sent',
      'nobody@havre.test 5.1.1 bounced',
      'x@elsewhere.test 5.7.1 bounced',
    ])
    const expected = messages.map((message) => message.toString('latin1'))
    expect(await delivered(running, 'alice')).to.have.members(expected)
    expect(await delivered(running, 'bob')).to.have.members([...expected, expected[0]])
    expect(said(running).filter((line) => /^MAIL .* SIZE=\d+ BODY=8BITMIME/.test(line))).to.have.length(3)
  })

  it('addresses and headers beyond ASCII, with SMTPUTF8', async () => {
    await using running = await serve({ service: 'smtp', settings: { mail: { catchAll: 'bob' } } })
    await using postfix = await startPostfix({ relayhost: `[${running.host}]:${running.port}`, smtputf8_autodetect_classes: 'all' })
    const message = Buffer.from(
      'X-Test: utf8\r\nSubject: Grüße\r\nFrom: jürgen@example.org\r\nTo: пошта@havre.test\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\nMessage-ID: <u@example.org>\r\n\r\nx\r\n',
    )
    await postfix.submit(message, '-f', 'jürgen@example.org', 'пошта@havre.test')
    expect(await outcomes(postfix.log, 1)).to.deep.equal(['пошта@havre.test 2.0.0 sent'])
    expect(await delivered(running, 'bob')).to.deep.equal([message.toString('latin1')])
    expect(said(running).find((line) => line.startsWith('MAIL'))).to.match(/ SMTPUTF8/)
  })

  it('over TLS, with our certificate verified, many in sessions that it keeps', async () => {
    const { authority } = await testKeys()
    await using running = await serve({ service: 'smtp', tls: 'starttls' })
    const ca = running.folder.at('authority.pem')
    await writeFile(ca, authority)
    await using postfix = await startPostfix({
      relayhost: `[${running.host}]:${running.port}`,
      smtp_tls_security_level: 'secure',
      smtp_tls_secure_cert_match: 'localhost',
      smtp_tls_CAfile: ca,
      smtp_connection_cache_destinations: `[${running.host}]:${running.port}`,
    })
    const all = Array.from({ length: 20 }, (_, number) => testMessage(`message-${number}`, 2_000))
    for (const message of all) await postfix.submit(message, '-f', 's@example.org', 'alice@havre.test')
    expect(await outcomes(postfix.log, 20)).to.deep.equal(all.map(() => 'alice@havre.test 2.0.0 sent'))
    expect(await delivered(running, 'alice')).to.have.members(all.map((message) => message.toString('latin1')))
    expect(await postfix.log()).to.include('Verified TLS connection established')
  })

  it('over LMTP, each recipient with an outcome of its own', async () => {
    await using running = await serve({ service: 'smtp', options: { mode: 'lmtp' } })
    await using postfix = await startPostfix({ default_transport: `lmtp:[${running.host}]:${running.port}` })
    for (const message of messages)
      await postfix.submit(message, '-f', 's@example.org', 'alice@havre.test', 'nobody@havre.test', 'bob@havre.test')
    expect(await outcomes(postfix.log, 6)).to.deep.equal([
      'alice@havre.test 2.0.0 sent',
      'alice@havre.test 2.0.0 sent',
      'bob@havre.test 2.0.0 sent',
      'bob@havre.test 2.0.0 sent',
      'nobody@havre.test 5.1.1 bounced',
      'nobody@havre.test 5.1.1 bounced',
    ])
    const expected = messages.map((message) => message.toString('latin1'))
    expect(await delivered(running, 'alice')).to.have.members(expected)
    expect(await delivered(running, 'bob')).to.have.members(expected)
    expect(said(running)).to.include('LHLO relay.example.org')
  })

  it('with what the sender wants of reports, which it leaves to us', async () => {
    await using running = await serve({ service: 'smtp' })
    await using postfix = await startPostfix({ relayhost: `[${running.host}]:${running.port}` })
    const args = ['-f', 's@example.org', '-V', 'my-envelope', '-R', 'hdrs', '-N', 'success,failure', 'alice@havre.test']
    await postfix.submit(testMessage('report', 1_000), ...args)
    expect(await outcomes(postfix.log, 1)).to.deep.equal(['alice@havre.test 2.0.0 sent'])
    expect(said(running).join('\n'))
      .to.match(/^MAIL .* RET=HDRS/m)
      .and.to.match(/^MAIL .* ENVID=my-envelope/m)
    expect(said(running).join('\n'))
      .to.match(/^RCPT .* NOTIFY=SUCCESS,FAILURE/m)
      .and.to.match(/^RCPT .* ORCPT=rfc822;alice@havre\.test/m)
    expect(await postfix.log()).to.not.include('sender delivery status notification')
  })
})

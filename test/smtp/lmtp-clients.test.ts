import { expect } from 'chai'
import { storeOf } from '../kit/mailbox.ts'
import { describeWith } from '../kit/programs.ts'
import { type Ended, run } from '../kit/run.ts'
import { type Running, serve } from '../kit/serving.ts'
import { FakeStore } from './fake-store.ts'
import { serveSmtp } from './setup.ts'

const lmtp = { mode: 'lmtp' }

const delivered = async (running: Running, account: string): Promise<readonly string[]> => {
  const store = await storeOf(running.settings)
  try {
    const messages = await store.list(account)
    return await Promise.all(
      messages.map(async ({ id }) => Buffer.concat(await Array.fromAsync(store.read(account, id))).toString()),
    )
  } finally {
    await store.close()
  }
}

const ended = ({ code, stdout, stderr }: Ended, expected: number): void =>
  void expect(code, `${stdout.toString()}\n${stderr}`).to.equal(expected)

describeWith(['swaks'], 'LMTP: swaks', () => {
  const swaks = (running: Running, ...args: readonly string[]) =>
    run('swaks', ['--server', running.host, '--port', String(running.port), '--protocol', 'LMTP', ...args])

  it('delivers to several, in clear and over TLS', async () => {
    await using running = await serve({ service: 'smtp', options: lmtp, tls: 'starttls' })
    ended(await swaks(running, '--to', 'alice@havre.test,bob@havre.test', '--from', 'me@example.org', '--body', 'by LMTP'), 0)
    ended(await swaks(running, '-tls', '--to', 'bob@havre.test', '--from', 'me@example.org'), 0)
    const [first] = await delivered(running, 'alice')
    const [second, third] = await delivered(running, 'bob')
    expect(first).to.match(/^Return-Path: <me@example\.org>\r\nReceived: from .* with LMTP id .*by LMTP\r\n/s)
    expect(second).to.equal(first)
    expect(third).to.match(/ with LMTPS\r\n\t\(TLSv1\.[23] /)
  })

  it('is told that this is no SMTP', async () => {
    await using running = await serve({ service: 'smtp', options: lmtp })
    const refused = await run('swaks', ['--server', running.host, '--port', String(running.port), '--to', 'alice@havre.test'])
    expect(refused.stdout.toString()).to.include('500 5.5.1 LMTP is spoken here: say LHLO')
    expect(refused.code).not.to.equal(0)
  })
})

describeWith(['python3'], "LMTP: Python's smtplib", () => {
  const script = `
import smtplib, sys
host, port = sys.argv[1], int(sys.argv[2])
with smtplib.LMTP(host, port, timeout=10) as s:
    s.ehlo()
    for word in ('size', '8bitmime', 'smtputf8', 'chunking', 'enhancedstatuscodes', 'pipelining'):
        assert s.has_extn(word), word
    # It reads one reply whatever the number of recipients.
    for to in ('alice', 'bob'):
        assert s.sendmail('me@example.org', [to + '@havre.test'], 'Subject: a\\r\\n\\r\\n.dots\\r\\n') == {}
    refused = s.sendmail('me@example.org', ['alice@havre.test', 'nobody@havre.test'], 'Subject: b\\r\\n\\r\\n')
    assert list(refused) == ['nobody@havre.test'] and refused['nobody@havre.test'][0] == 550, refused
`

  it('delivers, and learns of each recipient', async () => {
    await using running = await serve({ service: 'smtp', options: lmtp })
    ended(await run('python3', ['-c', script, running.host, String(running.port)]), 0)
    expect(await delivered(running, 'alice')).to.have.length(2)
    expect(await delivered(running, 'bob')).to.have.length(1)
  })

  it('reads the reply of each recipient after the data', async () => {
    const store = new FakeStore()
    store.full.add('alice')
    await using running = await serveSmtp({ options: lmtp, store })
    const codes = `
import smtplib, sys
with smtplib.LMTP(sys.argv[1], int(sys.argv[2]), timeout=10) as s:
    s.ehlo(); s.mail('me@example.org')
    for name in ('alice', 'bob', 'alice'): s.rcpt(name + '@havre.test')
    print(s.data('Subject: c\\r\\n\\r\\n')[0], s.getreply()[0], s.getreply()[0], s.noop()[0])
`
    const result = await run('python3', ['-c', codes, running.host, String(running.port)])
    ended(result, 0)
    expect(result.stdout.toString().trim()).to.equal('452 250 452 250')
    expect(store.of('bob')).to.have.length(1)
  })
})

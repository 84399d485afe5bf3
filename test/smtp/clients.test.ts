import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { createTransport } from 'nodemailer'
import { testAccounts } from '../kit/fake-desk.ts'
import { storeOf } from '../kit/mailbox.ts'
import { describeWith } from '../kit/programs.ts'
import { type Ended, run } from '../kit/run.ts'
import { type Running, type Setup, serve } from '../kit/serving.ts'

const password = testAccounts['alice'] ?? ''

/** The server with its real store. */
const serving = (setup: Partial<Setup> = {}): Promise<Running> => serve({ service: 'smtp', ...setup })

/** The messages of an account, as they lie in the store. */
const delivered = async (running: Running, account: string): Promise<readonly string[]> => {
  const store = await storeOf(running.settings)
  try {
    const messages = await store.list(account)
    return await Promise.all(
      messages.map(async ({ id }) => Buffer.concat(await Array.fromAsync(store.read(account, id))).toString('latin1')),
    )
  } finally {
    await store.close()
  }
}

/** The only message of an account. */
const onlyOne = async (running: Running, account: string): Promise<string> => {
  const messages = await delivered(running, account)
  expect(messages).to.have.length(1)
  return messages[0] ?? ''
}

const ended = ({ code, stdout, stderr }: Ended, expected: number): void =>
  void expect(code, `${stdout.toString()}\n${stderr}`).to.equal(expected)

describeWith(['swaks'], 'SMTP: swaks', () => {
  const swaks = (running: Running, ...args: readonly string[]) =>
    run('swaks', ['--server', running.host, '--port', String(running.port), ...args])

  it('sends a message, and one after a login of each kind, pipelined too', async () => {
    await using running = await serving()
    ended(await swaks(running, '--to', 'alice@havre.test', '--from', 'me@example.org', '--body', 'hello from swaks'), 0)
    expect(await onlyOne(running, 'alice')).to.match(/^Return-Path: <me@example\.org>\r\nReceived: from .*hello from swaks\r\n/s)
    for (const auth of ['PLAIN', 'LOGIN']) {
      ended(
        await swaks(
          running,
          '--to',
          'bob@localhost',
          '--auth',
          auth,
          '--auth-user',
          'alice',
          '--auth-password',
          password,
          '--pipeline',
        ),
        0,
      )
    }
    expect(await delivered(running, 'bob')).to.have.length(2)
    expect(running.journal.of('smtp.login.accepted').map(({ fields }) => fields['method'])).to.deep.equal(['PLAIN', 'LOGIN'])
  })

  it('is told why a recipient, a relay and a login are refused', async () => {
    await using running = await serving()
    const unknown = await swaks(running, '--to', 'nobody@havre.test')
    ended(unknown, 24)
    expect(unknown.stdout.toString()).to.include('550 5.1.1')
    const relay = await swaks(running, '--to', 'someone@example.org')
    ended(relay, 24)
    expect(relay.stdout.toString()).to.include('550 5.7.1')
    const login = await swaks(
      running,
      '--to',
      'alice@havre.test',
      '--auth',
      'PLAIN',
      '--auth-user',
      'alice',
      '--auth-password',
      'no',
    )
    ended(login, 28)
    expect(login.stdout.toString()).to.include('535 5.7.8')
  })
})

describeWith(['curl'], 'SMTP: curl', () => {
  const curl = (running: Running, ...args: readonly string[]) =>
    run('curl', ['-sS', '--max-time', '10', `smtp://${running.host}:${running.port}/client.test`, ...args])

  it('sends lines with dots and 5 MB exactly', async () => {
    await using running = await serving()
    const body = `Subject: large\r\n\r\n.\r\n..\r\n${`${randomBytes(37).toString('hex')}\r\n`.repeat(68_000)}.end\r\n`
    const file = running.folder.at('message')
    await writeFile(file, body)
    ended(
      await curl(
        running,
        '--mail-from',
        'me@example.org',
        '--mail-rcpt',
        'alice@havre.test',
        '--mail-rcpt',
        'bob@havre.test',
        '-T',
        file,
      ),
      0,
    )
    for (const account of ['alice', 'bob']) {
      const message = await onlyOne(running, account)
      expect(message.endsWith(body)).to.equal(true)
      expect(message.slice(0, -body.length)).to.match(
        /^Return-Path: <me@example\.org>\r\nReceived: from client\.test \(\[127\.0\.0\.1\]\)\r\n\tby localhost with ESMTP id [^;]*;\r\n\t[^\r\n]*\r\n$/,
      )
    }
  })

  it('logs in', async () => {
    await using running = await serving()
    const file = running.folder.at('message')
    await writeFile(file, 'Subject: x\r\n\r\nx\r\n')
    const args = ['--mail-from', 'alice@havre.test', '--mail-rcpt', 'bob@havre.test', '-T', file]
    ended(await curl(running, '-u', `alice:${password}`, ...args), 0)
    expect(await onlyOne(running, 'bob')).to.include('with ESMTPA id')
    // 67: the login was refused.
    ended(await curl(running, '-u', 'alice:wrong', ...args), 67)
  })

  it('asks VRFY and HELP', async () => {
    await using running = await serving()
    expect((await curl(running, '--mail-rcpt', 'alice')).stdout.toString()).to.include('252 2.0.0')
    expect((await curl(running, '-X', 'HELP')).stdout.toString()).to.include('214 2.0.0')
  })
})

describeWith(['python3'], "SMTP: Python's smtplib", () => {
  it('sends, logs in, and gets errors of the right kind', async () => {
    await using running = await serving()
    const script = `
import smtplib, sys
from email.message import EmailMessage
host, port, password = sys.argv[1], int(sys.argv[2]), sys.argv[3]
m = EmailMessage()
m['Subject'] = 'Grüße'; m['From'] = 'me@example.org'; m['To'] = 'alice@havre.test'
m.set_content('.\\n..\\nZeile mit ä\\n')
with smtplib.SMTP(host, port, timeout=10) as s:
    s.login('alice', password)
    assert s.has_extn('smtputf8') and s.has_extn('8bitmime') and s.esmtp_features['size'] == '50000000'
    refused = s.send_message(m, to_addrs=['alice@havre.test', 'nobody@havre.test'])
    assert refused['nobody@havre.test'][0] == 550, refused
    assert s.vrfy('alice')[0] == 252 and s.noop()[0] == 250 and s.expn('x')[0] == 502
    try:
        s.sendmail('me@example.org', ['someone@example.org'], 'x')
        assert False
    except smtplib.SMTPRecipientsRefused as e:
        assert e.recipients['someone@example.org'][0] == 550
    try:  # Octets go out as they are.
        s.sendmail('me@example.org', ['bob@havre.test'], b'Subject: again\\n\\nx\\n')
        assert False
    except smtplib.SMTPDataError as e:
        assert e.smtp_code == 554 and b'CR LF' in e.smtp_error
    s.sendmail('me@example.org', ['bob@havre.test'], 'Subject: again\\n\\nx\\n')
with smtplib.SMTP(host, port, timeout=10) as s:
    try:
        s.login('alice', 'wrong')
        assert False
    except smtplib.SMTPAuthenticationError as e:
        assert e.smtp_code == 535
`
    ended(await run('python3', ['-c', script, running.host, String(running.port), password]), 0)
    expect(await onlyOne(running, 'alice')).to.match(/\r\n\r\n\.\r\n\.\.\r\nZeile mit /)
    expect(await onlyOne(running, 'bob')).to.match(/Subject: again\r\n\r\nx\r\n$/)
  })
})

describeWith(['msmtp'], 'SMTP: msmtp', () => {
  it('sends after a login, and to several recipients', async () => {
    await using running = await serving()
    const args = [
      '--file=/dev/null',
      `--host=${running.host}`,
      `--port=${running.port}`,
      '--tls=off',
      '--auth=plain',
      '--user=alice',
      `--passwordeval=printf '%s' '${password}'`,
      '--from=alice@havre.test',
      'alice@havre.test',
      'bob@havre.test',
    ]
    ended(await run('msmtp', args, { input: 'Subject: from msmtp\n\n.\nbody\n' }), 0)
    expect(await onlyOne(running, 'bob')).to.match(/with ESMTPA id .*Subject: from msmtp\r\n\r\n\.\r\nbody\r\n$/s)
    expect(await onlyOne(running, 'alice')).to.include('from msmtp')
  })
})

describe('SMTP: nodemailer', () => {
  it('sends by a pool with login, UTF-8 addresses and attachments', async () => {
    await using running = await serving({ settings: { mail: { catchAll: 'bob' } } })
    const transport = createTransport({
      host: running.host,
      port: running.port,
      pool: true,
      maxConnections: 3,
      auth: { user: 'alice', pass: password },
    })
    try {
      const attachment = randomBytes(300_000)
      const sent = await Promise.all(
        Array.from({ length: 30 }, (_, index) =>
          transport.sendMail({
            from: 'jürgen@example.org',
            to: index % 2 === 0 ? 'alice@havre.test' : 'пошта@example.org',
            subject: `message ${index}`,
            text: '.\n..\nhello',
            ...(index === 0 ? { attachments: [{ filename: 'x', content: attachment }] } : {}),
          }),
        ),
      )
      for (const { response } of sent) expect(response).to.match(/^250 2\.0\.0 Message taken, id /)
      const messages = await delivered(running, 'alice')
      expect(messages).to.have.length(15)
      expect(await delivered(running, 'bob')).to.have.length(15)
      const [first = ''] = messages.filter((message) => message.includes('Subject: message 0\r\n'))
      expect(first.replaceAll('\r\n', '')).to.include(attachment.toString('base64'))
    } finally {
      transport.close()
    }
  })
})

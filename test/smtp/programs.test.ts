/** Programs beside those of `clients.test.ts`: generators of load, and clients that know the extensions. */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { createTransport } from 'nodemailer'
import type { MailStore } from '../../shared/mail/mail-store.ts'
import { storeOf } from '../kit/mailbox.ts'
import { describeWith } from '../kit/programs.ts'
import { run } from '../kit/run.ts'
import { type Running, serve } from '../kit/serving.ts'
import { succeeded } from '../whole/mail-route.ts'

/** The messages of an account behind their trace lines, oldest first. */
const delivered = async (running: Running, account: string): Promise<readonly string[]> => {
  const store: MailStore = await storeOf(running.settings)
  try {
    const all: string[] = []
    for (const { id } of await store.list(account)) {
      const message = Buffer.concat(await Array.fromAsync(store.read(account, id))).toString('latin1')
      all.push(message.replace(/^Return-Path: .*\r\nReceived: .*\r\n(?:\t.*\r\n)*/, ''))
    }
    return all
  } finally {
    await store.close()
  }
}

/** What clients said that begins so, as the journal has it. */
const said = ({ journal }: Running, word: string): readonly string[] =>
  journal
    .of('conversation.client')
    .map(({ fields }) => String(fields['text']))
    .filter((text) => text.toUpperCase().startsWith(word))

const body = ['.', '..', '.hidden', 'From the start', 'trailing  ', 'caf\xe9 \xdf', 'x'.repeat(2_000), ''].join('\r\n')

describeWith(['smtp-source'], "SMTP: Postfix's smtp-source", () => {
  const source = (running: Running, ...args: readonly string[]) =>
    run('smtp-source', [
      '-M',
      'client.test',
      '-f',
      's@example.org',
      '-t',
      'alice@havre.test',
      ...args,
      `${running.host}:${running.port}`,
    ])

  it('sends in kept sessions, several at once, to several recipients', async () => {
    await using running = await serve({ service: 'smtp', settings: { mail: { catchAll: 'bob' } } })
    succeeded(await source(running, '-d', '-s', '5', '-m', '50', '-l', '4096'))
    const messages = await delivered(running, 'alice')
    expect(messages).to.have.length(50)
    for (const message of messages) {
      const text = message.slice(message.indexOf('\r\n\r\n') + 4)
      expect(text).to.match(/^(?:\d*X+\r\n)+$/)
      expect(text.length).to.be.within(4_096, 4_098)
    }
    expect(said(running, 'HELO').length + said(running, 'EHLO').length).to.equal(5)
    succeeded(await source(running, '-r', '10', '-m', '3'))
    expect(said(running, 'RCPT').length).to.equal(50 + 30)
    expect(await delivered(running, 'bob')).to.have.length(3)
  })

  it('sends in a session each, and a file with dots and 8-bit exactly', async () => {
    await using running = await serve({ service: 'smtp' })
    const file = running.folder.at('message')
    const message = `Subject: from a file\r\n\r\n${body}`
    await writeFile(file, message.replaceAll('\r\n', '\n'), 'latin1')
    succeeded(await source(running, '-s', '4', '-m', '20', '-F', file))
    // It puts an empty line behind a file.
    expect(await delivered(running, 'alice')).to.deep.equal(Array.from({ length: 20 }, () => `${message}\r\n`))
    expect(said(running, 'QUIT').length).to.equal(20)
  })
})

describeWith(['perl'], "SMTP: Perl's Net::SMTP", () => {
  it('sends in chunks', async () => {
    await using running = await serve({ service: 'smtp' })
    const file = running.folder.at('message')
    const message = `Subject: in chunks\r\n\r\n${body}${randomBytes(50_000).toString('base64')}\r\n`
    await writeFile(file, message, 'latin1')
    const script = `
use Net::SMTP;
my ($host, $port, $file) = @ARGV;
my $smtp = Net::SMTP->new($host, Port => $port, Hello => 'client.test', Timeout => 10) or die;
open(my $in, '<:raw', $file) or die; local $/; my $message = <$in>;
defined $smtp->supports('CHUNKING') or die 'no CHUNKING';
for my $cut (1, 100, 30000) {
  $smtp->mail('s@example.org') or die $smtp->message; $smtp->to('alice@havre.test') or die $smtp->message;
  # It would use chunks by itself only where BINARYMIME is offered too.
  *$smtp->{net_smtp_chunking} = 1;
  $smtp->bdat(substr($message, 0, $cut)) or die $smtp->message;
  $smtp->bdatlast(substr($message, $cut)) or die $smtp->message;
}
$smtp->quit or die;
`
    succeeded(await run('perl', ['-e', script, running.host, String(running.port), file]))
    expect(await delivered(running, 'alice')).to.deep.equal([message, message, message])
  })
})

describeWith(['python3'], "SMTP: Python's smtplib with SMTPUTF8", () => {
  it('sends from and to addresses beyond ASCII, with a header in UTF-8', async () => {
    await using running = await serve({ service: 'smtp', settings: { mail: { catchAll: 'bob' } } })
    const script = `
import smtplib, sys
from email.message import EmailMessage
from email.policy import SMTPUTF8
m = EmailMessage(policy=SMTPUTF8)
m['Subject'] = 'Grüße 日本'; m['From'] = 'jürgen@example.org'; m['To'] = 'пошта@havre.test'
m.set_content('Zeile mit ä\\n.\\n', cte='8bit')
with smtplib.SMTP(sys.argv[1], int(sys.argv[2]), timeout=10) as s: assert s.send_message(m) == {}
`
    succeeded(await run('python3', ['-c', script, running.host, String(running.port)]))
    const [message = ''] = await delivered(running, 'bob')
    const text = Buffer.from(message, 'latin1').toString()
    expect(text).to.include('Subject: Grüße 日本\r\n').and.to.include('To: пошта@havre.test\r\n')
    expect(text).to.include('\r\n\r\nZeile mit ä\r\n.\r\n')
    expect(said(running, 'MAIL')[0]).to.match(/SMTPUTF8/i)
  })
})

describeWith(['curl'], 'SMTP: curl', () => {
  it('sends to many at once, past one who is refused where it may', async () => {
    await using running = await serve({ service: 'smtp' })
    const message = `Subject: by curl\r\n\r\n${body}`
    const to = ['alice', 'nobody', 'bob'].flatMap((name) => ['--mail-rcpt', `${name}@havre.test`])
    const url = `smtp://${running.host}:${running.port}/client.test`
    const input = Buffer.from(message, 'latin1')
    const args = ['-sS', '--max-time', '10', url, '--mail-from', 's@example.org', ...to, '-T', '-']
    const refused = await run('curl', args, { input })
    expect(refused.code).to.equal(55)
    succeeded(await run('curl', [...args, '--mail-rcpt-allowfails'], { input }))
    expect(await delivered(running, 'alice')).to.deep.equal([message])
    expect(await delivered(running, 'bob')).to.deep.equal([message])
  })
})

describe('SMTP: nodemailer, a pool of kept sessions', () => {
  it('sends messages of 8-bit exactly, each over a session that is there', async () => {
    await using running = await serve({ service: 'smtp' })
    const transport = createTransport({
      host: running.host,
      port: running.port,
      pool: true,
      maxConnections: 2,
      name: 'client.test',
    })
    const raw = (number: number) => Buffer.from(`X-Number: ${number}\r\n\r\n${body}`, 'latin1')
    try {
      const envelope = { from: 's@example.org', to: ['alice@havre.test', 'bob@havre.test'], use8BitMime: true }
      await Promise.all(Array.from({ length: 40 }, (_, number) => transport.sendMail({ envelope, raw: raw(number) })))
    } finally {
      transport.close()
    }
    const expected = Array.from({ length: 40 }, (_, number) => raw(number).toString('latin1'))
    expect(await delivered(running, 'alice')).to.have.members(expected)
    expect(await delivered(running, 'bob')).to.have.members(expected)
    expect(said(running, 'EHLO')).to.have.length(2)
  })
})

/** Programs that deliver to us as to the last hop: a reply for each recipient (RFC 2033 §4.2). */
const serveLmtp = () => serve({ service: 'smtp', options: { mode: 'lmtp' } })

describeWith(['swaks'], 'LMTP: swaks', () => {
  it('delivers, and hears of each recipient by itself', async () => {
    await using running = await serveLmtp()
    const args = ['--protocol', 'LMTP', '--server', running.host, '--port', String(running.port), '--from', 's@example.org']
    const message = `Subject: by LMTP\r\n\r\n${body}`
    const input = Buffer.from(message.replaceAll('\r\n', '\n').slice(0, -1), 'latin1')
    const to = 'alice@havre.test,nobody@havre.test,bob@havre.test'
    const { stdout } = await run('swaks', [...args, '--to', to, '--data', '-', '--suppress-data'], { input })
    expect(stdout.toString()).to.match(/550 5\.1\.1 /)
    expect(stdout.toString().match(/^<.+ 250 2\.0\.0 .*$/gm), stdout.toString()).to.have.length.at.least(1)
    expect(await delivered(running, 'alice')).to.deep.equal([message])
    expect(await delivered(running, 'bob')).to.deep.equal([message])
  })
})

describeWith(['python3'], "LMTP: Python's smtplib", () => {
  // It reads one reply only behind a message, so it has one recipient each.
  it('delivers one after the other in a session, also where one is unknown', async () => {
    await using running = await serveLmtp()
    const script = `
import smtplib, sys
with smtplib.LMTP(sys.argv[1], int(sys.argv[2])) as s:
    for name in 'alice', 'nobody', 'bob', 'alice':
        try:
            s.sendmail('s@example.org', [name + '@havre.test'], 'Subject: x\\r\\n\\r\\n.\\r\\nx\\r\\n')
            assert name != 'nobody'
        except smtplib.SMTPRecipientsRefused as e:
            assert e.recipients['nobody@havre.test'][0] == 550, e
`
    succeeded(await run('python3', ['-c', script, running.host, String(running.port)]))
    const message = 'Subject: x\r\n\r\n.\r\nx\r\n'
    expect(await delivered(running, 'alice')).to.deep.equal([message, message])
    expect(await delivered(running, 'bob')).to.deep.equal([message])
  })
})

describeWith(['smtp-source'], "LMTP: Postfix's smtp-source", () => {
  it('delivers in kept sessions, to several recipients', async () => {
    await using running = await serve({ service: 'smtp', options: { mode: 'lmtp' }, settings: { mail: { catchAll: 'bob' } } })
    const args = ['-L', '-d', '-s', '3', '-m', '15', '-r', '4', '-M', 'client.test', '-f', 's@example.org', '-t', 'x@havre.test']
    succeeded(await run('smtp-source', [...args, `${running.host}:${running.port}`]))
    expect(await delivered(running, 'bob')).to.have.length(15)
    expect(said(running, 'LHLO')).to.have.length(3)
  })
})

describe('SMTP: nodemailer, which wants a report', () => {
  it('says what kind, and where', async () => {
    await using running = await serve({ service: 'smtp' })
    const transport = createTransport({ host: running.host, port: running.port, name: 'client.test' })
    const dsn = { id: 'id + 1', return: 'headers', notify: ['failure', 'delay'], recipient: 's@example.org' } as const
    try {
      const envelope = { from: 's@example.org', to: ['alice@havre.test'], dsn: { ...dsn, notify: [...dsn.notify] } }
      await transport.sendMail({ envelope, raw: 'Subject: x\r\n\r\nx\r\n' })
    } finally {
      transport.close()
    }
    expect(await delivered(running, 'alice')).to.have.length(1)
    expect(said(running, 'MAIL')[0]).to.match(/ RET=HDRS ENVID=id\+20\+2B\+201/)
    expect(said(running, 'RCPT')[0]).to.match(/ NOTIFY=FAILURE,DELAY ORCPT=rfc822;s@example\.org/)
  })
})

/** Programs and libraries that send mail, each the way its users call it. */
import { readFile } from 'node:fs/promises'
import { createTransport } from 'nodemailer'
import { run } from '../kit/run.ts'
import { idOf } from './conversations.ts'
import { type Route, succeeded } from './mail-route.ts'

/** Sends one message (octets with CRLF line breaks) to alice. */
export interface Sender {
  /** Programs that must be installed. */
  readonly needs: readonly string[]
  /** What arrives: the `exact` octets, or a message of the program's `own` making with the same X-Test. */
  readonly makes: 'exact' | 'own'
  send(route: Route, message: Buffer): Promise<void>
}

const to = 'alice@havre.test'

/** Programs that take a message as a text file of this system: LF line breaks. */
const asText = (message: Buffer): Buffer => Buffer.from(message.toString('latin1').replaceAll('\r\n', '\n'), 'latin1')

const smtplib = `
import smtplib, ssl, sys
host, port, tls, ca, user, password, sender, to, method = sys.argv[1:10]
context = ssl.create_default_context(cafile=ca) if tls != 'off' else None
smtp = smtplib.SMTP_SSL(host, int(port), timeout=10, context=context) if tls == 'implicit' else smtplib.SMTP(host, int(port), timeout=10)
with smtp:
    if tls == 'starttls': smtp.starttls(context=context)
    smtp.ehlo('client.test')
    smtp.user, smtp.password = user, password
    if method: smtp.auth(method, getattr(smtp, 'auth_' + method.lower()))
    elif user: smtp.login(user, password)
    refused = smtp.sendmail(sender, [to], sys.stdin.buffer.read(), mail_options=['BODY=8BITMIME'])
    assert not refused, refused
`

const python: Sender['send'] = async ({ host, port, tls, ca, login, method, from }, message) => {
  const args = [host, String(port), tls, ca, login?.user ?? '', login?.password ?? '', from, to, method ?? '']
  succeeded(await run('python3', ['-c', smtplib, ...args], { input: message }))
}

const swaks =
  (...more: readonly string[]): Sender['send'] =>
  async ({ host, port, tls, ca, login, method, from }, message) => {
    const start = { off: [], starttls: ['-tls'], implicit: ['--tls-on-connect'] }[tls]
    const trust = tls === 'off' ? [] : ['--tls-verify', '--tls-ca-path', ca]
    const auth = login === null ? [] : ['--auth', method ?? 'PLAIN', '--auth-user', login.user, '--auth-password', login.password]
    // swaks itself ends the last line.
    const input = asText(message).subarray(0, -1)
    const args = ['--server', host, '--port', String(port), '--helo', 'client.test', '--from', from, '--to', to]
    succeeded(await run('swaks', [...args, ...start, ...trust, ...auth, ...more, '--data', '-', '--suppress-data'], { input }))
  }

const curl =
  (given: 'CRLF' | 'LF'): Sender['send'] =>
  async ({ host, port, tls, ca, login, method, from }, message) => {
    const url = `${tls === 'implicit' ? 'smtps' : 'smtp'}://${host}:${port}/client.test`
    const args = ['-sS', '-4', '--max-time', '20', url, '--mail-from', from, '--mail-rcpt', to, '-T', '-']
    const trust = tls === 'off' ? [] : ['--ssl-reqd', '--cacert', ca]
    const auth = login === null ? [] : ['--user', `${login.user}:${login.password}`]
    const how = login === null || method === undefined ? [] : ['--login-options', `AUTH=${method}`]
    const breaks = given === 'LF' ? ['--crlf'] : []
    const input = given === 'LF' ? asText(message) : message
    succeeded(await run('curl', [...args, ...trust, ...auth, ...how, ...breaks], { input }))
  }

const msmtp: Sender['send'] = async ({ host, port, tls, ca, login, method, from }, message) => {
  const trust = ['--tls=on', `--tls-starttls=${tls === 'starttls' ? 'on' : 'off'}`, `--tls-trust-file=${ca}`]
  const how = `--auth=${method?.toLowerCase() ?? 'on'}`
  const auth = login === null ? ['--auth=off'] : [how, `--user=${login.user}`, `--passwordeval=echo '${login.password}'`]
  const args = ['--file=/dev/null', `--host=${host}`, `--port=${port}`, `--from=${from}`, '--timeout=10']
  succeeded(await run('msmtp', [...args, ...(tls === 'off' ? ['--tls=off'] : trust), ...auth, to], { input: asText(message) }))
}

/** It makes the header itself, and encodes the text as it likes. */
const snail: Sender['send'] = async ({ host, port, tls, ca, login, method, from }, message) => {
  const account = login === null ? '' : `${encodeURIComponent(login.user)}:${encodeURIComponent(login.password)}@`
  const trust = tls === 'off' ? [] : [`tls-ca-file=${ca}`, 'tls-ca-no-defaults', 'tls-verify=strict']
  const variables = [
    `mta=${tls === 'implicit' ? 'smtps' : 'smtp'}://${account}${host}:${port}`,
    `smtp-auth=${login === null ? 'none' : (method ?? 'PLAIN').toLowerCase()}`,
    ...(tls === 'starttls' ? ['smtp-use-starttls'] : []),
    ...['v15-compat', 'sendwait', 'nosave', 'hostname=client.test'],
    ...trust,
  ]
  const args = [...variables.flatMap((each) => ['-S', each]), '-C', `X-Test: ${idOf(message)}`, '-r', from, '-s', 'by s-nail', to]
  succeeded(await run('s-nail', ['-:/', ...args], { input: 'Text of s-nail,\n.with a dot.\n', env: { HOME: '/nonexistent' } }))
}

const nodemailer: Sender['send'] = async ({ host, port, tls, ca, login, method, from }, message) => {
  const transport = createTransport({
    host,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'off',
    name: 'client.test',
    ...(tls === 'off' ? {} : { tls: { ca: await readFile(ca) } }),
    ...(login === null ? {} : { auth: { user: login.user, pass: login.password } }),
    ...(method === undefined ? {} : { authMethod: method }),
  })
  try {
    await transport.sendMail({ envelope: { from, to, use8BitMime: true }, raw: message })
  } finally {
    transport.close()
  }
}

/** All of them. */
export const mailSenders: Readonly<Record<string, Sender>> = {
  swaks: { needs: ['swaks'], makes: 'exact', send: swaks() },
  'swaks, pipelined': { needs: ['swaks'], makes: 'exact', send: swaks('--pipeline') },
  curl: { needs: ['curl'], makes: 'exact', send: curl('CRLF') },
  'curl, --crlf': { needs: ['curl'], makes: 'exact', send: curl('LF') },
  msmtp: { needs: ['msmtp'], makes: 'exact', send: msmtp },
  's-nail': { needs: ['s-nail'], makes: 'own', send: snail },
  "Python's smtplib": { needs: ['python3'], makes: 'exact', send: python },
  nodemailer: { needs: [], makes: 'exact', send: nodemailer },
}

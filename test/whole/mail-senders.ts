/** Programs and libraries that send mail, each the way its users call it. */
import { createTransport } from 'nodemailer'
import type { Family } from '../kit/family.ts'
import { type Ended, run } from '../kit/run.ts'

/** Sends one message (octets with CRLF line breaks) to alice, logged in as her where it says so. */
export interface Sender {
  /** Programs that must be installed. */
  readonly needs: readonly string[]
  send(family: Family, message: Buffer, login: Login): Promise<void>
}

export interface Login {
  readonly user: string
  readonly password: string
}

const to = 'alice@havre.test'
const from = 'sender@example.org'

/** @throws with all it said when it failed */
export const succeeded = (ended: Ended): Ended => {
  if (ended.code !== 0) throw new Error(`it ended with ${ended.code ?? ended.signal}:\n${ended.stdout}\n${ended.stderr}`)
  return ended
}

/** Programs that take a message as a text file of this system: LF line breaks. */
const asText = (message: Buffer): Buffer => Buffer.from(message.toString('latin1').replaceAll('\r\n', '\n'), 'latin1')

const smtplib = `
import smtplib, sys
host, port, user, password, sender, to, method = sys.argv[1:8]
with smtplib.SMTP(host, int(port), timeout=10) as smtp:
    smtp.ehlo('client.test')
    smtp.user, smtp.password = user, password
    if method: smtp.auth(method, getattr(smtp, 'auth_' + method.lower()))
    refused = smtp.sendmail(sender, [to], sys.stdin.buffer.read(), mail_options=['BODY=8BITMIME'])
    assert not refused, refused
`

const python =
  (method: '' | 'PLAIN' | 'LOGIN'): Sender['send'] =>
  async (family, message, { user, password }) => {
    const args = ['-c', smtplib, family.host, String(family.port('smtp')), user, password, from, to, method]
    succeeded(await run('python3', args, { input: message }))
  }

const swaks =
  (...auth: string[]): Sender['send'] =>
  async (family, message, { user, password }) => {
    const login = auth.length > 0 ? [...auth, '--auth-user', user, '--auth-password', password] : []
    // swaks itself ends the last line.
    const input = asText(message).subarray(0, -1)
    const args = ['--server', `${family.host}:${family.port('smtp')}`, '--helo', 'client.test', '--from', from, '--to', to]
    succeeded(await run('swaks', [...args, ...login, '--data', '-', '--suppress-data'], { input }))
  }

const curl =
  (login: (options: Login) => string[]): Sender['send'] =>
  async (family, message, options) => {
    const url = `smtp://${family.host}:${family.port('smtp')}/client.test`
    const args = ['-sS', '--max-time', '20', url, '--mail-from', from, '--mail-rcpt', to, '-T', '-']
    succeeded(await run('curl', [...args, ...login(options)], { input: message }))
  }

const msmtp =
  (...auth: string[]): Sender['send'] =>
  async (family, message, { user, password }) => {
    const login = auth.length > 0 ? [...auth, `--user=${user}`, `--passwordeval=echo '${password}'`] : []
    const args = [`--host=${family.host}`, `--port=${family.port('smtp')}`, `--from=${from}`, '--tls=off', '--timeout=10']
    succeeded(await run('msmtp', ['--file=/dev/null', ...args, ...login, to], { input: asText(message) }))
  }

const nodemailer =
  (method: 'PLAIN' | 'LOGIN' | null): Sender['send'] =>
  async (family, message, { user, password }) => {
    const transport = createTransport({
      host: family.host,
      port: family.port('smtp'),
      secure: false,
      ignoreTLS: true,
      name: 'client.test',
      ...(method === null ? {} : { auth: { user, pass: password }, authMethod: method }),
    })
    try {
      await transport.sendMail({ envelope: { from, to, use8BitMime: true }, raw: message })
    } finally {
      transport.close()
    }
  }

/** All of them; with and without a login. */
export const mailSenders: Readonly<Record<string, Sender>> = {
  swaks: { needs: ['swaks'], send: swaks() },
  'swaks, AUTH PLAIN': { needs: ['swaks'], send: swaks('--auth', 'PLAIN') },
  'swaks, AUTH LOGIN': { needs: ['swaks'], send: swaks('--auth', 'LOGIN') },
  curl: { needs: ['curl'], send: curl(() => []) },
  'curl, AUTH PLAIN': {
    needs: ['curl'],
    send: curl(({ user, password }) => ['--user', `${user}:${password}`, '--login-options', 'AUTH=PLAIN']),
  },
  msmtp: { needs: ['msmtp'], send: msmtp('--auth=off') },
  'msmtp, AUTH PLAIN': { needs: ['msmtp'], send: msmtp('--auth=plain') },
  "Python's smtplib": { needs: ['python3'], send: python('') },
  "Python's smtplib, AUTH PLAIN": { needs: ['python3'], send: python('PLAIN') },
  "Python's smtplib, AUTH LOGIN": { needs: ['python3'], send: python('LOGIN') },
  nodemailer: { needs: [], send: nodemailer(null) },
  'nodemailer, AUTH PLAIN': { needs: [], send: nodemailer('PLAIN') },
  'nodemailer, AUTH LOGIN': { needs: [], send: nodemailer('LOGIN') },
}
